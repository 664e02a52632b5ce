internal import Foundation
public import VDB

/// Cleans, embeds and stores texts in parallel batches, in the order in which they come.
///
///     let report = try await withTextIngestor(into: "notes", of: store, embedder: embedder) { notes in
///       try await notes.insert(JSONLinesSource(path: "notes.jsonl"))
///     }
///     print("\(report.inserted) new, \(report.failed) failed, \(report.throughput)/s")
///
/// A batch whose embedding fails is tried again, then reported with its ids and errors, and the others
/// go on; of a batch that a service refuses for one text only that text is reported. Running the same insertion again stores exactly what is missing: entries that the collection
/// has already, word for word, are left out before they are embedded.
public final class TextIngestor: Sendable {
  /// The store.
  public let store: VectorStore
  /// The collection's own name; an alias that was given may come to stand for another one.
  public let collection: String
  /// What makes the vectors.
  public let embedder: any Embedder
  private let configuration: IngestConfiguration
  private let info: CollectionInfo
  private let current = Guarded<IngestRun?>(nil)

  /// Prepares the collection: creates it for the embedder's model, or checks that it is of this model.
  ///
  /// - Parameters:
  ///   - collection: The collection's name.
  ///   - store: A store that is open for writing.
  ///   - embedder: What makes the vectors; its model is the collection's for good. ``NoEmbedder`` stores
  ///     texts without vectors.
  ///   - configuration: How to do it.
  ///   - metric: How near vectors are to each other; for a new collection.
  ///   - element: How numbers are kept; for a new collection.
  ///   - indexing: When rows enter the graph; for a new collection.
  ///   - index: The shape of the graph; for a new collection.
  /// - Throws: `.modelMismatch` and `.collectionMismatch` for a collection of another model or
  ///   dimension, and what creating one throws.
  public init(
    into collection: String,
    of store: VectorStore,
    embedder: any Embedder,
    configuration: IngestConfiguration = .standard,
    metric: Metric = .cosine,
    element: ElementType = .float32,
    indexing: IndexingMode = .background,
    index: IndexParameters = IndexParameters()
  ) async throws(VectorStoreError) {
    self.store = store
    self.embedder = embedder
    self.configuration = configuration
    if let existing = try store.findCollection(collection) {
      try embedder.check(existing)
      info = existing
    } else {
      info = try await store.createCollection(
        collection,
        CollectionOptions(
          dimension: embedder.dimension,
          metric: metric,
          element: element,
          index: index,
          indexing: indexing,
          model: embedder.pinnedModel
        )
      )
    }
    self.collection = info.name
  }

  /// Stores everything that a source has.
  ///
  /// Returns when all of it is durable and visible to queries, in the graph or not.
  ///
  /// - Parameter source: Where the texts come from; it is read once.
  /// - Returns: What became of the entries, failed batches included.
  /// - Throws: ``IngestStopped`` when the source or the store fails or the task is cancelled; it holds
  ///   the report of what was done. `.invalidArgument` for a setting outside its range.
  public func insert(_ source: sending any TextSource) async throws -> IngestReport {
    let count = source.count
    let settings = try IngestSettings(
      configuration,
      count: count,
      dimension: embedder.dimension,
      batchLimit: embedder.batchLimit,
      processors: ProcessInfo.processInfo.activeProcessorCount
    )
    let hasRecords = try store.count(in: collection) > 0
    let start = try IngestStart(
      source,
      configuration,
      model: embedder.modelIdentity,
      store: store,
      collection: collection
    )
    let step = EmbeddingStep(
      store: store,
      collection: collection,
      embedder: embedder,
      skipsStored: (configuration.skipsStored || configuration.resumes) && hasRecords,
      keepsOriginals: configuration.keepOriginal,
      needsDirection: info.options.metric == .cosine && info.options.hasVectors,
      retry: RetryPolicy(
        retries: settings.retries,
        delay: configuration.retryDelay,
        longestWait: configuration.longestRetryWait,
        sleep: configuration.sleep
      ),
      meter: IngestMeter(settings: settings, count: count)
    )
    let run = IngestRun(
      reader: SourceReader(source),
      settings: settings,
      configuration: configuration,
      step: step,
      start: start
    )
    current.withLock { $0 = run }
    return try await run.run()
  }

  /// Stores texts that are in memory.
  ///
  /// - Parameters:
  ///   - texts: The texts.
  ///   - ids: One a text, or none: then ids are derived from the texts.
  ///   - metadata: One a text, or none.
  /// - Returns: What became of the texts.
  /// - Throws: `.invalidBatch` for columns of different lengths, and what inserting a source
  ///   throws.
  public func insert(
    _ texts: [String],
    ids: [RecordID] = [],
    metadata: [Metadata] = []
  ) async throws -> IngestReport {
    guard ids.isEmpty || ids.count == texts.count,
      metadata.isEmpty || metadata.count == texts.count
    else {
      throw VectorStoreError.invalidBatch(
        reason: "\(texts.count) texts came with \(ids.count) ids and \(metadata.count) metadata"
      )
    }
    let entries = texts.indices.map { row in
      TextEntry(
        id: ids.isEmpty ? nil : ids[row],
        text: texts[row],
        metadata: metadata.isEmpty ? [:] : metadata[row]
      )
    }
    return try await insert(TextList(entries))
  }

  /// How far the run is that began last, or the next one.
  ///
  /// - Parameter interval: The time between two states.
  /// - Returns: The states, which end with the run.
  public func progress(every interval: Duration = .milliseconds(200)) -> IngestProgress {
    IngestProgress(interval: interval) { self.current.withLock { $0 }?.status }
  }
}

extension Embedder {
  /// Checks that vectors of this embedder belong into a collection.
  ///
  /// - Throws: `.modelMismatch` or `.collectionMismatch`.
  public func check(_ collection: CollectionInfo) throws(VectorStoreError) {
    if let known = collection.options.model, let modelIdentity = pinnedModel,
      known != modelIdentity
    {
      throw .modelMismatch(collection: collection.name, existing: known, requested: modelIdentity)
    }
    if collection.options.dimension != dimension {
      throw .collectionMismatch(
        name: collection.name,
        property: "dimension",
        existing: "\(collection.options.dimension)",
        requested: "\(dimension)"
      )
    }
  }
}
