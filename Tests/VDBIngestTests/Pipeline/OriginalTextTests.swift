import Foundation
import TestSupport
import Testing
import VDB

@testable import VDBIngest

/// What is kept of texts before cleaning.
struct OriginalTextTests {
  private static let texts = ["plain", "  spaces \n", "<b>bold</b> text", "e\u{301}t\u{E9}"]

  private func originals(_ store: VectorStore) throws -> [[UInt8]?] {
    try store.scroll("x").records.map { $0.original.map { Array($0.utf8) } }
  }

  @Test func `a text that cleaning changes is kept as it was`() async throws {
    try await withStore { store in
      let report = try await ingest(
        texts: Self.texts,
        into: "x",
        of: store,
        embedder: FaultyEmbedder()
      )
      #expect(report.inserted == 4)
      let documents = try store.scroll("x").records.map(\.document)
      #expect(documents == ["plain", "spaces", "bold text", "\u{E9}t\u{E9}"])
      let expected = [nil] + Self.texts.dropFirst().map { Array($0.utf8) }
      #expect(try originals(store) == expected)
    }
  }

  @Test func `without keeping, cleaned texts are all there is`() async throws {
    try await withStore { store in
      var configuration = IngestConfiguration.standard
      configuration.keepOriginal = false
      for keeps in [false, true, false] {
        configuration.keepOriginal = keeps
        let report = try await ingest(
          texts: Self.texts,
          ids: [1, 2, 3, 4],
          into: "x",
          of: store,
          embedder: FaultyEmbedder(),
          configuration: configuration
        )
        #expect(report.failed == 0)
      }
      // Once kept, an original is not lost by a run that would not have kept it.
      #expect(try originals(store).count(where: { $0 != nil }) == 3)
      configuration.keepOriginal = false
      let other = try await ingest(
        texts: Self.texts,
        into: "y",
        of: store,
        embedder: FaultyEmbedder(),
        configuration: configuration
      )
      #expect(other.inserted == 4)
      #expect(try store.scroll("y").records.allSatisfy { $0.original == nil })
    }
  }

  @Test func `a text that was stored without its original is stored with it`() async throws {
    try await withStore { store in
      var configuration = IngestConfiguration(keepOriginal: false)
      let ids = (1...4).map { RecordID.integer(Int64($0)) }
      for (keeps, replaced, unchanged) in [(false, 0, 0), (true, 3, 1), (true, 0, 4)] {
        configuration.keepOriginal = keeps
        let report = try await ingest(
          texts: Self.texts,
          ids: ids,
          into: "x",
          of: store,
          embedder: FaultyEmbedder(),
          configuration: configuration
        )
        #expect(report.replaced == replaced)
        #expect(report.unchanged == unchanged)
      }
    }
  }

  @Test func `an original that is too large is left out and told of`() async throws {
    try await withStore { store in
      let long = String(repeating: " ", count: VDBLimits.documentBytes) + "word"
      let report = try await ingest(
        texts: [long, " short"],
        into: "x",
        of: store,
        embedder: FaultyEmbedder()
      )
      #expect(report.inserted == 2)
      #expect(report.originalsLeftOut == 1)
      #expect(report.advice.contains { $0.contains("only the cleaned ones are kept") })
      #expect(try store.scroll("x").records.map(\.original) == [nil, " short"])
    }
  }

  @Test func `an original in JSON Lines is a string, and other values are metadata`() throws {
    let line = #"{"text":"a","original":" a ","vector":[1]}"#
    let (read, _) = try parseLine(Array(line.utf8))
    #expect(read.original == " a ")
    #expect(read.metadata == [:])
    for (value, kept) in [("true", MetadataValue.bool(true)), ("null", .null), ("7", 7)] {
      let (other, _) = try parseLine(Array(#"{"text":"a","original":\#(value)}"#.utf8))
      #expect(other.original == nil)
      #expect(other.metadata == ["original": kept])
    }
    for twice in [#"{"original":"a","original":"b"}"#, #"{"original":"a","original":1}"#] {
      #expect(throws: JSONFault.self) { try parseLine(Array(twice.utf8)) }
    }
    // As an export has it: the text was cleaned already.
    try withFile("t.jsonl", Bytes(#"{"text":"a","original":"b"}"#)) { path in
      let source = try JSONLinesSource(path: path)
      #expect(try source.next(9) == [TextEntry(text: "a", original: "b")])
      let named = try JSONLinesSource(path: path, textField: "original")
      #expect(try named.next(9) == [TextEntry(text: "b", metadata: ["text": "a"])])
    }
  }
}
