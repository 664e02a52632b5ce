import Foundation
import TestSupport
import Testing
import VDB

@Suite struct `A record` {
  /// A value of any kind, nested up to `depth` levels.
  static func value(_ random: inout SeededGenerator, depth: Int) -> MetadataValue {
    switch Int.random(in: 0..<(depth > 0 ? 9 : 7), using: &random) {
    case 0: return .null
    case 1: return .bool(Bool.random(using: &random))
    case 2: return .int([Int64.min, -1, 0, 1, .max].randomElement(using: &random) ?? 0)
    case 3: return .double(Double(bitPattern: random.next() & 0xBFEF_FFFF_FFFF_FFFF))
    case 4: return .double([-0.0, .leastNonzeroMagnitude].randomElement(using: &random) ?? 1)
    case 5:
      return .date(Date(timeIntervalSince1970: .random(in: -1e9...1e10, using: &random)))
    case 6: return .string(["", "a\0b", "größe", "🙂👩‍👩‍👧"].randomElement(using: &random) ?? "")
    default:
      let count = Int.random(in: 0..<4, using: &random)
      return .array((0..<count).map { _ in value(&random, depth: depth - 1) })
    }
  }

  @Test(arguments: [UInt64](1...6))
  func `comes back bit by bit, before and after reopening`(_ seed: UInt64) async throws {
    try await TemporaryFolder.with { folder in
      var random = SeededGenerator(seed: seed)
      let records = (0..<150).map { number in
        var metadata: Metadata = [:]
        for field in 0..<Int.random(in: 0..<6, using: &random) {
          metadata[["", "n", "ü", "x.y", "\u{0}", "long"][field]] = Self.value(&random, depth: 4)
        }
        return Record(
          id: .integer(Int64(number)),
          vector: [Float(number), -0.0, .leastNonzeroMagnitude],
          metadata: metadata,
          document: [nil, "", "text", "line\nline\0"].randomElement(using: &random) ?? nil
        )
      }
      let store = try VectorStore.open(at: folder + "/s")
      try await store.createCollection("c", CollectionOptions(dimension: 3, metric: .l2))
      try await store.insertBatch(records, into: "c")
      #expect(try store.scroll("c").records == records)
      try await store.close()
      let again = try VectorStore.open(at: folder + "/s")
      let read = try again.scroll("c").records
      #expect(read == records)
      // Equality of numbers does not tell the zeros apart.
      #expect(read.allSatisfy { $0.vector[1].sign == .minus })
      for fields in [ResultFields.vector, .metadata, .document, []] {
        let part = try again.get([7], from: "c", including: fields)[0]
        #expect(part?.vector == (fields.contains(.vector) ? records[7].vector : []))
        #expect(part?.metadata == (fields.contains(.metadata) ? records[7].metadata : [:]))
        #expect(part?.document == (fields.contains(.document) ? records[7].document : nil))
      }
      try await again.close()
    }
  }

  static let nilUUID = UUID(uuid: (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))

  static let ids: [RecordID] = [
    "7", 7, -7, 0, .integer(.min), .integer(.max), "a", "A", "a\0", " ", "\u{E9}", "e\u{301}",
    .string(String(repeating: "x", count: 480)), .string(String(repeating: "x", count: 479)),
    .string(String(repeating: "🙂", count: 120)), .uuid(nilUUID),
    .string(nilUUID.uuidString),
    .uuid(UUID(uuid: (0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0))),
  ]

  @Test func `is told from every other by the kind and bytes of its id`() async throws {
    try await TemporaryFolder.with { folder in
      let path = folder + "/s"
      for isMerged in [false, true] {
        let store = try VectorStore.open(at: path)
        if !isMerged {
          try await store.createCollection("c", CollectionOptions(dimension: 1, metric: .l2))
          let records = Self.ids.enumerated().map { Record(id: $1, vector: [Float($0)]) }
          try await store.insertBatch(records, into: "c")
        }
        for (number, id) in Self.ids.enumerated() {
          #expect(try store.get([id], from: "c")[0]?.vector == [Float(number)], "\(id)")
          await expectError(.idExists(id: id, row: 0)) {
            try await store.insertBatch([Record(id: id, vector: [0])], into: "c")
          }
        }
        // Closing merges the ids into their table.
        try await store.close()
      }
      let store = try VectorStore.open(at: path)
      for (number, id) in Self.ids.enumerated() {
        #expect(try await store.delete(ids: [id], from: "c").deleted == 1)
        #expect(try store.count(in: "c") == Self.ids.count - number - 1)
      }
      try await store.close()
    }
  }

  @Test func `may have exactly as much metadata as the limit says`() async throws {
    try await withStore { store in
      try await store.createCollection("c", CollectionOptions(dimension: 1))
      // Count of fields, name's length, name, kind, text's length.
      let overhead = 2 + 2 + 1 + 1 + 4
      let text = String(repeating: "x", count: VDBLimits.metadataBytes - overhead)
      let largest = Record(id: 1, vector: [1], metadata: ["n": .string(text)])
      let deepest = Record(
        id: 2,
        vector: [1],
        metadata: ["n": (0..<32).reduce(.int(1)) { value, _ in .array([value]) }]
      )
      try await store.insertBatch([largest, deepest], into: "c")
      #expect(try store.scroll("c").records == [largest, deepest])
      await #expect(throws: VectorStoreError.self) {
        let metadata: Metadata = ["n": .string(text + "x")]
        try await store.insertBatch([Record(id: 3, vector: [1], metadata: metadata)], into: "c")
      }
    }
  }

  @Test func `of bytes under cosine comes back as whole numbers of the same direction`()
    async throws
  {
    try await withStore { store in
      let options = CollectionOptions(dimension: 3, metric: .cosine, element: .int8)
      try await store.createCollection("c", options)
      let given: [Float] = [0.5, -0.25, 0.1]
      try await store.insertBatch([Record(id: 1, vector: given)], into: "c")
      let bytes = RecordBatch(ids: [2], vectors: VectorRows(.int8([3, -2, 1]), dimension: 3))
      try await store.insertBatch(bytes, into: "c")
      let read = try store.get([1, 2], from: "c")
      #expect(read.map { $0?.vector } == [[127, -64, 25], [3, -2, 1]])
      // What was read may be inserted again without a change.
      try await store.insertBatch(read.prefix(1).compactMap(\.self), into: "c", mode: .upsert)
      #expect(try store.get([1], from: "c") == [read[0]])
    }
  }

  @Test func `of bytes or halves is the same in whichever precision it comes`() async throws {
    try await withStore { store in
      let halves: [Float16] = [0.5, -2, 65_504, 0.1]
      let sources: [VectorRows.Storage] = [
        .float16(halves.map(\.bitPattern)), .float32(halves.map(Float.init)),
      ]
      let bytes: [Int8] = [-128, 127, 0, 1]
      let integers: [VectorRows.Storage] = [.int8(bytes), .float32(bytes.map(Float.init))]
      for (element, storages, expected) in [
        (ElementType.float16, sources, halves.map(Float.init)),
        (.int8, integers, bytes.map(Float.init)),
        (.float32, sources, halves.map(Float.init)),
      ] {
        let options = CollectionOptions(dimension: 4, metric: .dot, element: element)
        try await store.createCollection("c-\(element)", options)
        for (number, storage) in storages.enumerated() {
          let rows = VectorRows(storage, dimension: 4)
          let batch = RecordBatch(ids: [.integer(Int64(number))], vectors: rows)
          try await store.insertBatch(batch, into: "c-\(element)")
        }
        let vectors = try store.scroll("c-\(element)").records.map(\.vector)
        #expect(vectors == [expected, expected])
      }
    }
  }
}
