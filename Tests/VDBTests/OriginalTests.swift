import Foundation
import LMDB
import TestSupport
import Testing

@testable import VDB

@Suite struct `An original` {
  /// Documents and the texts that they were made of.
  static let pairs: [(document: String?, original: String?)] = [
    ("same", nil), ("a b", "a  b"), ("text", "  text\n"), ("Dogs & cats", "<p>Dogs &amp; cats</p>"),
    ("", " "), ("x", ""), (nil, "only the original"), (nil, ""), ("completely", "other"),
    // Bytes are shared within characters: é and è begin alike, é and ĩ end alike.
    ("\u{E9}", "\u{E8}"), ("\u{E9}", "\u{129}"), ("\u{1F600}", "\u{1F601}"),
    // The same characters, composed and not.
    ("\u{E9}t\u{E9}", "e\u{301}te\u{301}"), ("aaaa", "aaa"), ("aaa", "aaaa"), ("abab", "ab"),
  ]

  private static func records() -> [Record] {
    pairs.enumerated().map { number, pair in
      Record(
        id: .integer(Int64(number)),
        vector: [1, Float(number)],
        document: pair.document,
        original: pair.original
      )
    }
  }

  /// Strings are equal when composed differently; here it is the bytes that count.
  private static func bytes(_ text: String?) -> [UInt8]? { text.map { Array($0.utf8) } }

  private static func check(_ store: VectorStore) throws {
    let ids = pairs.indices.map { RecordID.integer(Int64($0)) }
    let found = try store.get(ids, from: "c")
    for (pair, record) in zip(pairs, found) {
      #expect(bytes(record?.document) == bytes(pair.document))
      #expect(bytes(record?.original) == bytes(pair.original), "of \(pair)")
    }
    #expect(try store.verify(.deep).problems == [])
  }

  @Test func `is given back byte for byte, after reopening and compaction too`() async throws {
    try await TemporaryFolder.with { folder in
      let path = folder + "/s"
      var store = try VectorStore.open(at: path)
      try await store.createCollection("c", CollectionOptions(dimension: 2))
      try await store.insertBatch(Self.records(), into: "c")
      try Self.check(store)
      try await store.insertBatch([Record(id: "gone", vector: [1, 1])], into: "c")
      try await store.delete(ids: ["gone"], from: "c")
      try await store.close()
      store = try VectorStore.open(at: path)
      try Self.check(store)
      try await store.close()
      #expect(try await VectorStore.compact(at: path).rowsReclaimed == 1)
      store = try VectorStore.open(at: path)
      try Self.check(store)
      try await store.close()
    }
  }

  @Test func `of any edit is put together again`() throws {
    var random = SeededGenerator(seed: 7)
    let letters = Array("ab \u{E9}\u{1F600}")
    for _ in 0..<2000 {
      let text = String(
        (0..<Int.random(in: 0...6, using: &random)).map { _ in
          letters[Int.random(in: 0..<letters.count, using: &random)]
        }
      )
      let document = String(
        (0..<Int.random(in: 0...6, using: &random)).map { _ in
          letters[Int.random(in: 0..<letters.count, using: &random)]
        }
      )
      var writer = ByteWriter()
      let isKept = try RecordCoding.encode(
        idKey: [1, 97],
        metadata: [:],
        document: document,
        original: text,
        into: &writer
      )
      #expect(isKept == (Self.bytes(text) != Self.bytes(document)))
      let again = try writer.bytes.withRawBytes { try RecordCoding.parts($0).originalText() }
      #expect(Self.bytes(again) == (isKept ? Self.bytes(text) : nil), "\(document) of \(text)")
    }
  }

  @Test func `that is the document costs nothing, and one that is little different little`() throws
  {
    func encoded(_ document: String, _ original: String?) throws -> [UInt8] {
      var writer = ByteWriter()
      _ = try RecordCoding.encode(
        idKey: [2, 0x80, 0, 0, 0, 0, 0, 0, 5],
        metadata: [:],
        document: document,
        original: original,
        into: &writer
      )
      return writer.bytes
    }
    // As docs/file-format.md has a record without an original.
    let plain: [UInt8] =
      [2, 8, 0, 0x80, 0, 0, 0, 0, 0, 0, 5, 2, 0, 0, 0, 0, 0, 4, 0, 0, 0] + Array("abc".utf8)
    #expect(try encoded("abc", nil) == plain)
    #expect(try encoded("abc", "abc") == plain)
    #expect(
      try encoded("abc", "abc \n") == plain + [1, 3, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 32, 10]
    )
  }

  @Test func `that is malformed is refused`() throws {
    let head: [UInt8] = [1, 1, 0, 97, 2, 0, 0, 0, 0, 0, 4, 0, 0, 0] + Array("abc".utf8)
    let bad: [[UInt8]] = [
      [2], [1], [1, 2, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0], [1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0],
      [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9],
      [1, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255],
    ]
    for section in bad {
      #expect(throws: MalformedBytes.self, "\(section)") {
        _ = try (head + section).withRawBytes { try RecordCoding.parts($0).originalText() }
      }
    }
    let notText = head + [1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0xFF]
    #expect(throws: MalformedBytes.self) {
      _ = try notText.withRawBytes { try RecordCoding.parts($0).originalText() }
    }
  }

  @Test func `is brought along by a search that asks for it`() async throws {
    try await withStore { store in
      try await store.createCollection("c", CollectionOptions(dimension: 2))
      try await store.insertBatch(Self.records(), into: "c")
      let with = try store.search([1, 1], in: "c", limit: 2, including: [.original])
      #expect(with.map(\.original) == ["a  b", "  text\n"])
      #expect(with.map(\.document) == [nil, nil])
      #expect(try store.search([1, 1], in: "c", limit: 2).map(\.original) == [nil, nil])
    }
  }

  @Test func `is refused in batches that are not right`() async throws {
    try await withStore { store in
      try await store.createCollection("c", CollectionOptions(dimension: 2))
      let rows = VectorRows(.float32([1, 2]), dimension: 2)
      let many = RecordBatch(ids: [1], vectors: rows, originals: ["a", "b"])
      let reason = "1 ids for 2 originals"
      try await expectRefusal(of: store, .invalidBatch(reason: reason)) {
        try await store.insertBatch(many, into: "c")
      }
      let text = String(repeating: "x", count: VDBLimits.documentBytes + 1)
      let large = RecordBatch(ids: [1], vectors: rows, originals: [text])
      try await expectRefusal(of: store, .documentTooLarge(row: 0, byteCount: text.utf8.count)) {
        try await store.insertBatch(large, into: "c")
      }
    }
  }

  @Test func `is told in the store's features, and features of the future are refused`()
    async throws
  {
    try await TemporaryFolder.with { folder in
      let path = folder + "/s"
      var store = try VectorStore.open(at: path)
      func features() throws -> Features {
        try Loader(reading: store.snapshot().reading).features()
      }
      try await store.createCollection("c", CollectionOptions(dimension: 2))
      let plain = Record(id: 1, vector: [1, 1], document: "a", original: "a")
      try await store.insertBatch([plain], into: "c")
      #expect(try features() == .lengthKeepingCodes)
      try await store.insertBatch([Record(id: 2, vector: [1, 1], original: "a")], into: "c")
      #expect(try features() == [.originals, .lengthKeepingCodes])
      try await store.setAlias("d", to: "c")
      #expect(try features() == [.originals, .aliases, .lengthKeepingCodes])
      try await store.close()
      store = try VectorStore.open(at: path)
      #expect(try features() == [.originals, .aliases, .lengthKeepingCodes])
      try store.writing("").writer.maintain("") { (step) throws(VectorStoreError) in
        try step.use(Features(rawValue: 1 << 20))
      }
      try await store.close()
      await expectError(.newerFormat(found: 2, supported: 1)) {
        store = try VectorStore.open(at: path)
      }
    }
  }
}
