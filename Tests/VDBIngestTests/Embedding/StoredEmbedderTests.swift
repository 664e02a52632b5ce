import TestSupport
import Testing
import VDB

@testable import VDBIngest

@Suite("Embeddings kept in a store")
struct StoredEmbedderTests {
  @Test("A text of an earlier run costs no call")
  func outlastsTheProcess() async throws {
    try await TemporaryFolder.with { folder in
      var store = try VectorStore.open(at: folder + "/s")
      var base = ScriptedEmbedder()
      var stored = try await StoredEmbedder(base, in: store)
      #expect(try await stored.embed(["a", "bb", "a"]) == [[1], [2], [1]])
      #expect(try await stored.embed([String]()).isEmpty)
      #expect(base.calls == [["a", "bb"]])
      #expect(stored.statistics.texts == 3)
      #expect(stored.statistics.cacheHits == 1)
      #expect(stored.statistics.calls == 1)
      #expect(stored.failure == nil)
      try await store.close()
      store = try VectorStore.open(at: folder + "/s")
      base = ScriptedEmbedder()
      stored = try await StoredEmbedder(base, in: store)
      #expect(try await stored.embed(["ccc", "bb", "a", "ccc"]) == [[3], [2], [1], [3]])
      #expect(base.calls == [["ccc"]])
      #expect(stored.statistics.cacheHits == 3)
      #expect(try store.count(in: stored.collection) == 3)
      #expect(try store.verify().isSound)
      try await store.close()
    }
  }

  @Test("Vectors come back to the bit, of any length")
  func exactly() async throws {
    try await withStore { store in
      let vectors: [[Float]] = [
        [0, 0, 0], [1e-30, -0.1, 3e10], [.pi, -.leastNonzeroMagnitude, 1],
      ]
      let base = ScriptedEmbedder(dimension: 3) { (texts) throws(EmbeddingError) in
        texts.map { vectors[Int($0) ?? 0] }
      }
      let stored = try await StoredEmbedder(base, in: store)
      for _ in 0..<2 { #expect(try await stored.embed(["0", "1", "2"]) == vectors) }
      #expect(base.calls.count == 1)
      #expect(stored.failure == nil)
    }
  }

  @Test("Another model or dimension has vectors of its own")
  func models() async throws {
    try await withStore { store in
      let first = try await StoredEmbedder(HashingEmbedder(dimension: 64), in: store)
      let second = try await StoredEmbedder(HashingEmbedder(dimension: 128), in: store)
      let unit = try await StoredEmbedder(
        NormalizingEmbedder(HashingEmbedder(dimension: 64)),
        in: store
      )
      #expect(Set([first.collection, second.collection, unit.collection]).count == 3)
      #expect(try await first.embed("a b").count == 64)
      #expect(try await second.embed("a b").count == 128)
      #expect(try store.collection(first.collection).options.model == first.modelIdentity)
    }
  }

  @Test("A failed call keeps nothing, and names every place of the texts that failed")
  func failures() async throws {
    try await withStore { store in
      let base = ScriptedEmbedder()
      let stored = try await StoredEmbedder(base, in: store)
      _ = try await stored.embed("known")
      await #expect(throws: EmbeddingError.noEmbedding(indices: [1, 3])) {
        try await stored.embed(["known", "", "new", ""])
      }
      #expect(try store.count(in: stored.collection) == 1)
      #expect(try await stored.embedWherePossible(["known", "", "new"]) == [[5], nil, [3]])
      #expect(try store.count(in: stored.collection) == 2)
    }
  }

  @Test("At the limit nothing more is kept, and every text is embedded")
  func limit() async throws {
    try await withStore { store in
      let base = ScriptedEmbedder()
      let stored = try await StoredEmbedder(base, in: store, entryLimit: 2)
      #expect(try await stored.embed(["a", "bb"]) == [[1], [2]])
      for _ in 0..<2 { #expect(try await stored.embed(["a", "ccc"]) == [[1], [3]]) }
      #expect(base.calls == [["a", "bb"], ["ccc"], ["ccc"]])
      #expect(try store.count(in: stored.collection) == 2)
    }
  }

  @Test("A store that fails costs calls, not vectors")
  func withoutItsCollection() async throws {
    try await withStore { store in
      let base = ScriptedEmbedder()
      let stored = try await StoredEmbedder(base, in: store)
      _ = try await stored.embed("a")
      try await store.dropCollection(stored.collection)
      #expect(try await stored.embed(["a", "bb"]) == [[1], [2]])
      #expect(try await stored.embed(["a"]) == [[1]])
      #expect(base.calls == [["a"], ["a", "bb"], ["a"]])
      #expect(stored.failure == .unknownCollection(stored.collection))
    }
  }

  @Test("An import says that vectors were not kept")
  func advice() async throws {
    try await withStore { store in
      let stored = try await StoredEmbedder(ScriptedEmbedder(), in: store)
      let kept = try await withTextIngestor(into: "a", of: store, embedder: stored) {
        try await $0.insert(["one"])
      }
      #expect(kept.advice == [])
      try await store.dropCollection(stored.collection)
      let report = try await withTextIngestor(into: "a", of: store, embedder: stored) {
        try await $0.insert(["three"])
      }
      #expect(report.inserted == 1)
      #expect(report.advice.count == 1)
      #expect(report.advice.first?.hasPrefix("Not all vectors were kept for later runs: ") == true)
    }
  }
}
