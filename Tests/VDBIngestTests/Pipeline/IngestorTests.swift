import Foundation
import TestSupport
import Testing
import VDB

@testable import VDBIngest

/// What the pipeline stores, in which order, and what it says of it.
struct IngestorTests {
  static let texts = (0..<1000).map { "text number \($0)" }

  @Test func `texts are stored in their order with ids, metadata and vectors`() async throws {
    try await withStore { store in
      let embedder = FaultyEmbedder()
      let ids = Self.texts.indices.map { RecordID.string("t\($0)") }
      let metadata = Self.texts.indices.map { ["n": MetadataValue.int(Int64($0))] }
      let report = try await withTextIngestor(
        into: "a",
        of: store,
        embedder: embedder,
        configuration: IngestConfiguration(
          workers: 4,
          cleanBatch: 37,
          embedBatch: 16,
          writeBatch: 50
        )
      ) { try await $0.insert(Self.texts, ids: ids, metadata: metadata) }
      #expect(report.inserted == 1000)
      #expect(report.total == 1000)
      #expect(report.failed == 0)
      #expect(report.embedding.texts == 1000)
      #expect(report.embedding.calls == 63)
      let records = try store.scroll("a", limit: 2000).records
      #expect(records.map(\.id) == ids)
      #expect(records.map(\.document) == Self.texts)
      #expect(records.map(\.metadata) == metadata)
      #expect(records.map(\.vector) == Self.texts.map(FaultyEmbedder.vector))
      #expect(embedder.mostAtOnce <= 4)
      let info = try store.collection("a")
      #expect(info.options.model == "scripted")
      #expect(info.options.dimension == 4)
    }
  }

  static let passing: [FaultyEmbedder.Fault] = [.error, .tooFew, .tooWide, .notANumber]

  @Test(arguments: passing)
  func `a call that fails once is repeated`(fault: FaultyEmbedder.Fault) async throws {
    try await withStore { store in
      let embedder = FaultyEmbedder { texts, attempt in
        attempt == 0 && texts.contains("text number 500") ? fault : nil
      }
      let report = try await ingest(
        texts: Self.texts,
        into: "a",
        of: store,
        embedder: embedder,
        configuration: IngestConfiguration(retryDelay: .milliseconds(1))
      )
      #expect(report.inserted == 1000)
      #expect(report.failedBatches.isEmpty)
      #expect(report.embedding.repeatedCalls == 1)
    }
  }

  @Test(arguments: zip(passing, ["503", "vectors came back", "5 numbers", "Number 2"]))
  func `a batch that fails always is reported and harms no other`(
    fault: FaultyEmbedder.Fault,
    says: String
  ) async throws {
    try await withStore { store in
      let embedder = FaultyEmbedder { texts, _ in
        texts.contains("text number 500") ? fault : nil
      }
      let ids = Self.texts.indices.map { RecordID.integer(Int64($0)) }
      let configuration = IngestConfiguration(
        embedBatch: 10,
        retries: 2,
        retryDelay: .milliseconds(1)
      )
      let ingestor = try await TextIngestor(
        into: "a",
        of: store,
        embedder: embedder,
        configuration: configuration
      )
      let report = try await ingestor.insert(Self.texts, ids: ids)
      #expect(report.inserted == 990)
      #expect(report.failed == 10)
      let failed = try #require(report.failedBatches.first)
      #expect(report.failedBatches.count == 1)
      #expect(failed.index == 50)
      #expect(failed.ids == Array(ids[500..<510]))
      #expect(failed.errors.count == 3)
      #expect(failed.errors.allSatisfy { $0.contains(says) }, "\(failed.errors)")
      // The same again, with a model that works, stores what is missing and nothing else.
      let again = FaultyEmbedder()
      let second = try await withTextIngestor(into: "a", of: store, embedder: again) {
        try await $0.insert(Self.texts, ids: ids)
      }
      #expect(second.inserted == 10)
      #expect(second.unchanged == 990)
      #expect(second.embedding.texts == 10)
      #expect(try store.count(in: "a") == 1000)
    }
  }

  @Test func `a text without a direction fails alone`() async throws {
    try await withStore { store in
      let embedder = FaultyEmbedder { texts, _ in texts[0] == "text number 0" ? .zero : nil }
      let report = try await ingest(texts: Self.texts, into: "a", of: store, embedder: embedder)
      #expect(report.inserted == 999)
      #expect(report.failed == 1)
      #expect(report.failedBatches[0].errors[0].contains("there is no vector"))
    }
  }

  @Test func `a record that the store refuses fails alone`() async throws {
    try await withStore { store in
      let ids = (0..<100).map {
        RecordID.string($0 == 40 ? String(repeating: "x", count: 481) : "\($0)")
      }
      let report = try await ingest(
        texts: Array(Self.texts[0..<100]),
        ids: ids,
        into: "a",
        of: store,
        embedder: FaultyEmbedder()
      )
      #expect(report.inserted == 99)
      #expect(report.failedBatches.map(\.ids) == [[ids[40]]])
    }
  }

  @Test func `a call that is too large is halved and a refused one is not repeated`() async throws {
    try await withStore { store in
      let small = FaultyEmbedder { texts, _ in texts.count > 10 ? .tooLarge : nil }
      let first = try await ingest(texts: Self.texts, into: "a", of: store, embedder: small)
      #expect(first.inserted == 1000)
      let refusing = FaultyEmbedder { _, _ in .refused }
      let second = try await ingest(texts: ["x", "y"], into: "a", of: store, embedder: refusing)
      #expect(second.failed == 2)
      #expect(refusing.calls == 1)
    }
  }

  @Test func `another model's collection is refused`() async throws {
    try await withStore { store in
      try await ingest(texts: ["a"], into: "a", of: store, embedder: FaultyEmbedder())
      await #expect(
        throws: VectorStoreError.modelMismatch(
          collection: "a",
          existing: "scripted",
          requested: "other"
        )
      ) {
        try await ingest(
          texts: ["b"],
          into: "a",
          of: store,
          embedder: FaultyEmbedder(model: "other")
        )
      }
    }
  }

  @Test func `a report survives JSON`() async throws {
    try await withStore { store in
      let embedder = FaultyEmbedder { texts, _ in texts[0] == "text number 0" ? .error : nil }
      let report = try await ingest(
        texts: Self.texts + [""],
        ids: (0...1000).map { RecordID.string("\($0)") },
        into: "a",
        of: store,
        embedder: embedder,
        configuration: IngestConfiguration(retries: 0)
      )
      #expect(report.failed > 0)
      #expect(report.rejected == 1)
      let data = try JSONEncoder().encode(report)
      #expect(try JSONDecoder().decode(IngestReport.self, from: data) == report)
    }
  }

  @Test func `a cache's hits are in the report`() async throws {
    try await withStore { store in
      let embedder = CachingEmbedder(FaultyEmbedder())
      for (collection, hits) in [("a", 0), ("b", 1000)] {
        let report = try await ingest(
          texts: Self.texts,
          into: collection,
          of: store,
          embedder: embedder
        )
        #expect(report.inserted == 1000)
        #expect(report.embedding.cacheHits == hits)
      }
    }
  }

  @Test func `settings outside their range are refused`() async throws {
    try await withStore { store in
      await #expect(throws: VectorStoreError.self) {
        try await ingest(
          texts: ["a"],
          into: "a",
          of: store,
          embedder: FaultyEmbedder(),
          configuration: IngestConfiguration(workers: 0)
        )
      }
    }
  }
}
