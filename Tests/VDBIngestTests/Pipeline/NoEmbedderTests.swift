import Testing
import VDB
import VDBIngest

/// Texts that are stored without vectors.
struct NoEmbedderTests {
  @Test func `texts are cleaned, compared and stored without vectors`() async throws {
    try await withStore { store in
      let texts = (0..<3000).map { "text  \($0 % 2500)" }
      let ids = texts.indices.map { RecordID.integer(Int64($0)) }
      var configuration = IngestConfiguration.fast
      configuration.writeBatch = 100
      let report = try await ingest(
        texts: texts,
        ids: ids,
        into: "x",
        of: store,
        embedder: NoEmbedder(),
        configuration: configuration
      )
      #expect(report.inserted == 2500 && report.duplicates == 500 && report.failed == 0)
      #expect(report.embedding.calls == 0)
      let info = try store.collection("x")
      #expect(info.options.dimension == 0 && info.options.model == nil)
      let first = try store.scroll("x", limit: 3).records
      #expect(first.map(\.id) == [0, 1, 2])
      #expect(first.map(\.document) == ["text 0", "text 1", "text 2"])
      // Again, with a look at what is stored.
      let again = try await ingest(
        texts: texts,
        ids: ids,
        into: "x",
        of: store,
        embedder: NoEmbedder()
      )
      #expect(again.unchanged == 2500 && again.inserted == 0)
      await #expect(throws: VectorStoreError.self) {
        try await ingest(
          texts: ["a"],
          into: "x",
          of: store,
          embedder: HashingEmbedder(dimension: 4)
        )
      }
    }
  }

  @Test func `of equal ids the last wins, however many commits are under way`() async throws {
    try await withStore { store in
      var configuration = IngestConfiguration.fast
      configuration.allowsDuplicates = true
      configuration.writeBatch = 3
      let texts = (0..<200).map { "version \($0)" }
      let report = try await ingest(
        texts: texts,
        ids: texts.indices.map { .integer(Int64($0 % 7)) },
        into: "x",
        of: store,
        embedder: NoEmbedder(),
        configuration: configuration
      )
      #expect(report.stored == 200)
      let expected = (0..<7).map { id in texts.indices.last { $0 % 7 == id } ?? -1 }
      let found = try store.get((0..<7).map { .integer($0) }, from: "x")
      #expect(found.map { $0?.document } == expected.map { "version \($0)" })
    }
  }
}
