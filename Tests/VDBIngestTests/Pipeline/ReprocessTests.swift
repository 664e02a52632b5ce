import Foundation
import TestSupport
import Testing
import VDB

@testable import VDBIngest

/// Processing a collection's texts anew.
struct ReprocessTests {
  private static let texts = (0..<500).map { "<p>text \($0 % 400)</p>" }

  /// What progress was told of.
  private final class States: Sendable {
    let names = Guarded<[String]>([])
  }

  /// A collection "a" of texts with markup that was not taken away, some of them equal.
  private func fill(
    _ store: VectorStore,
    _ embedder: any Embedder = FaultyEmbedder(),
    element: ElementType = .float32
  ) async throws {
    var configuration = IngestConfiguration.fast
    configuration.allowsDuplicates = true
    _ = try await TextIngestor(
      into: "a",
      of: store,
      embedder: embedder,
      configuration: configuration,
      metric: .dot,
      element: element,
      index: IndexParameters(m: 8, efConstruction: 40, seed: 3)
    ).insert(
      Self.texts,
      ids: Self.texts.indices.map { RecordID.integer(Int64($0)) },
      metadata: Self.texts.indices.map { ["n": .int(Int64($0))] }
    )
  }

  @Test func `texts are cleaned and embedded anew, all else stays`() async throws {
    try await withStore { store in
      try await fill(store, HashingEmbedder(dimension: 8), element: .float16)
      try await store.delete(ids: [3, 499], from: "a")
      let embedder = HashingEmbedder(dimension: 32)
      let report = try await reprocess("a", into: "b", of: store, embedder: embedder)
      #expect(report.ingestion.inserted == 498)
      #expect(report.ingestion.failed == 0)
      #expect(report.alias == nil)
      let before = try store.scroll("a").records
      let after = try store.scroll("b").records
      #expect(after.map(\.id) == before.map(\.id))
      #expect(after.map(\.metadata) == before.map(\.metadata))
      #expect(after.map(\.original) == before.map(\.document))
      #expect(after[0].document == "text 0")
      #expect(after[0].vector.count == 32)
      let options = try store.collection("b").options
      #expect(options.metric == .dot)
      #expect(options.element == .float16)
      #expect(options.index == IndexParameters(m: 8, efConstruction: 40, seed: 3))
      #expect(options.model == embedder.modelIdentity)
      // From the new one again: what it reads are the originals, so nothing is cleaned twice.
      let next = try await reprocess(
        "b",
        into: "c",
        of: store,
        embedder: embedder,
        configuration: .fast
      )
      #expect(next.ingestion.inserted == 498)
      #expect(try store.scroll("c").records.map(\.document) == before.map(\.document))
      #expect(try store.verify(.deep).problems == [])
    }
  }

  @Test func `an alias stands for the new collection when all is stored and indexed`() async throws
  {
    try await withStore { store in
      try await fill(store)
      try await store.setAlias("current", to: "a")
      let failing = FaultyEmbedder(model: "new") { texts, _ in
        texts.contains("text 100") ? .refused : nil
      }
      let configuration = IngestConfiguration(embedBatch: 50)
      let first = try await reprocess(
        "current",
        into: "b",
        of: store,
        embedder: failing,
        configuration: configuration,
        alias: "current"
      )
      #expect(first.ingestion.failed == 50)
      #expect(first.alias == nil)
      #expect(try store.aliases() == ["current": "a"])
      // The same again, with a model that answers.
      let states = States()
      let second = try await reprocess(
        "current",
        into: "b",
        of: store,
        embedder: FaultyEmbedder(model: "new"),
        configuration: configuration,
        alias: "current"
      ) { state in
        switch state {
        case .texts: states.names.withLock { $0.append("texts") }
        case .index: states.names.withLock { $0.append("index") }
        }
      }
      #expect(second.ingestion.inserted == 50)
      #expect(second.ingestion.unchanged == 450)
      #expect(second.alias == "current")
      #expect(try store.aliases() == ["current": "b"])
      #expect(try store.collection("b").indexed == 500)
      #expect(states.names.withLock { $0 == $0.sorted(by: >) }, "texts come before the index")
    }
  }

  @Test func `a run that was cancelled is finished by the next one`() async throws {
    try await withStore { store in
      try await fill(store)
      let configuration = IngestConfiguration(
        workers: 1,
        loadBatch: 20,
        embedBatch: 5,
        writeBatch: 10
      )
      let begun = BoundedChannel<Bool>(capacity: 1000)
      let slow = FaultyEmbedder(model: "new", delay: .milliseconds(1)) { _, _ in
        Task { _ = await begun.send(true) }
        return nil
      }
      let work = Task {
        try await reprocess(
          "a",
          into: "b",
          of: store,
          embedder: slow,
          configuration: configuration,
          alias: "current"
        )
      }
      for _ in 0..<10 { _ = await begun.next() }
      work.cancel()
      // It may have been quicker than the cancellation.
      let wasStopped: Bool
      do {
        _ = try await work.value
        wasStopped = false
      } catch let stopped as IngestStopped {
        #expect(stopped.cause is CancellationError)
        wasStopped = true
      }
      #expect(try store.aliases().isEmpty == wasStopped)
      let last = try await reprocess(
        "a",
        into: "b",
        of: store,
        embedder: FaultyEmbedder(model: "new"),
        alias: "current"
      )
      #expect(last.ingestion.stored == 500)
      #expect(try store.scroll("b").records.map(\.id) == store.scroll("a").records.map(\.id))
      #expect(try store.aliases() == ["current": "b"])
    }
  }

  @Test func `what cannot be is refused before anything is done`() async throws {
    try await withStore { store in
      try await fill(store)
      try await store.setAlias("current", to: "a")
      let embedder = FaultyEmbedder(model: "new")
      for (into, alias) in [("a", nil), ("current", nil), ("b", "b"), ("b", "a")]
        as [(String, String?)]
      {
        await #expect(throws: VectorStoreError.self, "\(into), \(alias ?? "")") {
          try await reprocess("a", into: into, of: store, embedder: embedder, alias: alias)
        }
      }
      await #expect(throws: VectorStoreError.unknownCollection("none")) {
        try await reprocess("none", into: "b", of: store, embedder: embedder)
      }
      #expect(try store.collections().map(\.name) == ["a"])
      // A collection of another model is no place for new vectors.
      try await ingest(texts: ["x"], into: "other", of: store, embedder: FaultyEmbedder())
      await #expect(throws: VectorStoreError.self) {
        try await reprocess("a", into: "other", of: store, embedder: embedder)
      }
      #expect(embedder.calls == 0)
    }
  }

  @Test func `texts without vectors get some, and cleaning only then`() async throws {
    try await withStore { store in
      let raw = ["<p>one</p>", "  two ", "three"]
      try await ingest(
        texts: raw,
        into: "raw",
        of: store,
        embedder: NoEmbedder(),
        configuration: .fast
      )
      let report = try await reprocess(
        "raw",
        into: "searched",
        of: store,
        embedder: HashingEmbedder(dimension: 32),
        alias: "current"
      )
      #expect(report.ingestion.inserted == 3)
      let records = try store.scroll("current").records
      #expect(records.map(\.document) == ["one", "two", "three"])
      #expect(records.map(\.original) == ["<p>one</p>", "  two ", nil])
      let query = try await HashingEmbedder(dimension: 32).embed("two")
      #expect(try store.search(query, in: "current", limit: 1)[0].document == "two")
      // And back: the vectors are left out.
      try await reprocess("current", into: "bare", of: store, embedder: NoEmbedder())
      #expect(try store.scroll("bare").records.map(\.vector) == [[], [], []])
      #expect(try store.collection("bare").options.model == nil)
      #expect(try store.verify(.deep).problems == [])
    }
  }

  @Test func `what is written meanwhile is not read`() async throws {
    try await withStore { store in
      try await fill(store)
      let source = try CollectionSource("a", of: store)
      try await store.delete(ids: (0..<250).map { .integer(Int64($0)) }, from: "a")
      try await ingest(texts: ["new"], into: "a", of: store, embedder: FaultyEmbedder())
      var entries: [TextEntry] = []
      while let page = try source.next(37) {
        #expect((1...37).contains(page.count))
        entries += page
      }
      #expect(entries.map(\.text) == Self.texts)
      #expect(source.count == 500)
      #expect(source.share == 1)
    }
  }
}
