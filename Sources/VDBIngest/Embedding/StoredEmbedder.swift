public import VDB

/// Keeps the vectors of texts in a store, so that a text that any run before has embedded costs no call.
///
/// They lie in a collection of their own, one for each model and dimension, which is neither indexed nor
/// meant for searching: by a 128-bit hash of the text, in single precision, with the checksums that every
/// record has. A store that cannot be read or written costs calls, not the vectors: see ``failure``. Inside
/// a ``CachingEmbedder`` texts of the same run are not looked up twice.
public final class StoredEmbedder<Base: Embedder>: Embedder {
  /// The embedder that is called for what is not known.
  public let base: Base
  /// That of the base.
  public let dimension: Int
  /// That of the base: the vectors are the same.
  public let modelIdentity: String
  /// That of the base.
  public var batchLimit: Int { base.batchLimit }
  /// The collection that has the vectors; drop it to forget them.
  public let collection: String

  private struct State {
    var statistics = EmbeddingStatistics()
    var failure: VectorStoreError?
  }

  private let store: VectorStore
  private let entryLimit: Int
  private let state = Guarded(State())

  /// Finds the collection of the base's model, or makes it.
  ///
  /// - Parameters:
  ///   - base: The embedder to call for texts that are not known.
  ///   - store: Where vectors are kept, perhaps beside the records that they are for.
  ///   - entryLimit: Texts from which on no more are kept, at least 0.
  /// - Throws: What ``VectorStore/ensureCollection(_:_:)`` throws.
  public init(
    _ base: Base,
    in store: VectorStore,
    entryLimit: Int = 10_000_000
  ) async throws(VectorStoreError) {
    precondition(entryLimit >= 0, "a limit is not negative")
    self.base = base
    self.store = store
    self.entryLimit = entryLimit
    dimension = base.dimension
    modelIdentity = base.modelIdentity
    let hash = ContentHash("\(base.dimension) \(base.modelIdentity)").low
    let digits = String(hash, radix: 16)
    collection = "embeddings-" + String(repeating: "0", count: 16 - digits.count) + digits
    // Under l2 a vector of length 0 is taken too, and all come back as they were.
    try await store.ensureCollection(
      collection,
      CollectionOptions(
        dimension: base.dimension,
        metric: .l2,
        indexing: .manual,
        model: base.modelIdentity
      )
    )
  }

  /// What was asked so far, how much of it was known, and what the rest took.
  public var statistics: EmbeddingStatistics { state.withLock { $0.statistics } }

  /// What went wrong with the store first, a vector that it refuses included; from then on all texts go
  /// to the base.
  public var failure: VectorStoreError? { state.withLock { $0.failure } }

  /// The vectors of `texts`, those not known from the base.
  ///
  /// - Throws: What the base throws, with indices in `texts`; a text that stands several times is named
  ///   each time.
  public func embed(_ texts: [String]) async throws(EmbeddingError) -> [[Float]] {
    let ids = texts.map { ContentHash($0).id }
    var known = look(up: ids)
    var positions: [RecordID: [Int]] = [:]
    for (index, id) in ids.enumerated() where known[id] == nil {
      positions[id, default: []].append(index)
    }
    let missing = ids.indices.filter { positions[ids[$0]]?.first == $0 }
    state.withLock {
      $0.statistics.texts += texts.count
      $0.statistics.cacheHits += texts.count - missing.count
    }
    if !missing.isEmpty {
      let vectors: [[Float]]
      do throws(EmbeddingError) {
        vectors = try await callBase(missing.map { texts[$0] })
      } catch {
        throw error.inTexts(of: missing.map { positions[ids[$0], default: [$0]] })
      }
      let fresh = missing.map { ids[$0] }
      for (id, vector) in zip(fresh, vectors) { known[id] = vector }
      await keep(fresh, vectors)
    }
    return ids.compactMap { known[$0] }
  }

  private func look(up ids: [RecordID]) -> [RecordID: [Float]] {
    if ids.isEmpty || failure != nil { return [:] }
    do throws(VectorStoreError) {
      var known: [RecordID: [Float]] = [:]
      for record in try store.get(ids, from: collection, including: .vector) {
        if let record { known[record.id] = record.vector }
      }
      return known
    } catch {
      note(error)
      return [:]
    }
  }

  private func callBase(_ texts: [String]) async throws(EmbeddingError) -> [[Float]] {
    let clock = ContinuousClock()
    let start = clock.now
    defer {
      let seconds = (clock.now - start) / .seconds(1)
      state.withLock {
        $0.statistics.calls += 1
        $0.statistics.seconds += seconds
      }
    }
    let vectors = try await base.embed(texts)
    try EmbeddingError.check(vectors, texts: texts.count, dimension: dimension)
    return vectors
  }

  private func keep(_ ids: [RecordID], _ vectors: [[Float]]) async {
    if failure != nil { return }
    do throws(VectorStoreError) {
      guard try store.count(in: collection) + ids.count <= entryLimit else { return }
      let rows = VectorRows(.float32(vectors.flatMap(\.self)), dimension: dimension)
      // Another task may have embedded the same text meanwhile: the vector is the same.
      try await store.insertBatch(
        RecordBatch(ids: ids, vectors: rows),
        into: collection,
        mode: .upsert
      )
    } catch {
      note(error)
    }
  }

  private func note(_ error: VectorStoreError) {
    state.withLock { if $0.failure == nil { $0.failure = error } }
  }
}
