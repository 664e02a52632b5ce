import Foundation
import Testing
import VDB

@testable import VDBIngest

/// Which of equal entries are stored, in one run and across runs.
struct DuplicateTests {
  private static let fast = IngestConfiguration(cleanBatch: 1, embedBatch: 2)

  @Test func `the first of equal texts and the first of equal ids are kept`() async throws {
    try await withStore { store in
      let report = try await ingest(
        texts: ["one", "two", " one ", "three", "four"],
        ids: ["a", "b", "c", "a", "d"],
        into: "x",
        of: store,
        embedder: FaultyEmbedder(),
        configuration: Self.fast
      )
      #expect(report.inserted == 3)
      #expect(report.duplicates == 2)
      #expect(try store.texts(of: "x") == ["a": "one", "b": "two", "d": "four"])
    }
  }

  @Test func `with duplicates allowed all texts stay and the last of equal ids wins`() async throws
  {
    try await withStore { store in
      var configuration = Self.fast
      configuration.allowsDuplicates = true
      for run in 0..<3 {
        let report = try await ingest(
          texts: ["one", "two", "one", "three", "two"],
          ids: ["a", "b", "c", "a", "a"],
          into: "x",
          of: store,
          embedder: FaultyEmbedder(),
          configuration: configuration
        )
        #expect(report.duplicates == 0)
        #expect(try store.texts(of: "x") == ["a": "two", "b": "two", "c": "one"], "run \(run)")
      }
    }
  }

  @Test(arguments: [false, true])
  func `ids that come from texts are the same in every run`(allowsDuplicates: Bool) async throws {
    try await withStore { store in
      var configuration = Self.fast
      configuration.allowsDuplicates = allowsDuplicates
      let texts = ["one", "two", "one", "one"]
      let first = try await ingest(
        texts: texts,
        into: "x",
        of: store,
        embedder: FaultyEmbedder(),
        configuration: configuration
      )
      #expect(first.inserted == (allowsDuplicates ? 4 : 2))
      let again = try await ingest(
        texts: texts + ["five"],
        into: "x",
        of: store,
        embedder: FaultyEmbedder(),
        configuration: configuration
      )
      #expect(again.inserted == 1)
      #expect(again.unchanged == first.inserted)
      #expect(again.embedding.texts == 1)
    }
  }

  @Test func `another text or other metadata under the same id is stored again`() async throws {
    try await withStore { store in
      let embedder = FaultyEmbedder()
      let ids: [RecordID] = ["a", "b", "c"]
      func run(_ texts: [String], _ note: MetadataValue) async throws -> IngestReport {
        try await ingest(
          texts: texts,
          ids: ids,
          metadata: [["note": note], [:], [:]],
          into: "x",
          of: store,
          embedder: embedder
        )
      }
      #expect(try await run(["one", "two", "three"], 1).inserted == 3)
      let second = try await run(["one", "two!", "three"], 2)
      #expect(second.replaced == 2)
      #expect(second.unchanged == 1)
      #expect(try store.texts(of: "x") == ["a": "one", "b": "two!", "c": "three"])
    }
  }

  @Test func `a run may be limited to ids`() async throws {
    try await withStore { store in
      let report = try await ingest(
        texts: ["one", "two", "three"],
        ids: ["a", 7, "c"],
        into: "x",
        of: store,
        embedder: FaultyEmbedder(),
        configuration: IngestConfiguration(only: ["7"])
      )
      #expect(report.inserted == 1)
      #expect(report.skipped == 2)
    }
  }

  /// Values of the reference implementation, `MurmurHash3_x64_128`.
  @Test func `the hash is MurmurHash3`() {
    let empty = ContentHash("")
    #expect(empty.low == 0 && empty.high == 0)
    let text = ContentHash("The quick brown fox jumps over the lazy dog")
    #expect(text.low == 0xE34B_BC7B_BC07_1B6C)
    #expect(text.high == 0x7A43_3CA9_C49A_9347)
    let hashes = Set((0..<40).map { ContentHash(String(repeating: "a", count: $0)).low })
    #expect(hashes.count == 40)
  }
}
