public import VDB

/// Prepares an ingestor, lends it to `body`, and takes it back.
///
/// - Parameters:
///   - collection: The collection's name; it is created when it is missing.
///   - store: A store that is open for writing.
///   - embedder: What makes the vectors.
///   - configuration: How to do it.
///   - body: What to insert.
/// - Returns: What `body` returns.
/// - Throws: What ``TextIngestor`` throws when it is made, and what `body` throws.
public func withTextIngestor<Result>(
  into collection: String,
  of store: VectorStore,
  embedder: any Embedder,
  configuration: IngestConfiguration = .standard,
  _ body: (TextIngestor) async throws -> Result
) async throws -> Result {
  let ingestor = try await TextIngestor(
    into: collection,
    of: store,
    embedder: embedder,
    configuration: configuration
  )
  return try await body(ingestor)
}

/// Stores texts in one call.
///
///     let report = try await ingest(texts: lines, into: "notes", of: store, embedder: embedder)
///
/// - Parameters:
///   - texts: The texts.
///   - ids: One a text, or none: then ids are derived from the texts, the same in every run.
///   - metadata: One a text, or none.
///   - collection: The collection's name; it is created when it is missing.
///   - store: A store that is open for writing.
///   - embedder: What makes the vectors.
///   - configuration: How to do it.
/// - Returns: What became of the texts.
/// - Throws: What ``TextIngestor`` throws.
@discardableResult
public func ingest(
  texts: [String],
  ids: [RecordID] = [],
  metadata: [Metadata] = [],
  into collection: String,
  of store: VectorStore,
  embedder: any Embedder,
  configuration: IngestConfiguration = .standard
) async throws -> IngestReport {
  try await withTextIngestor(
    into: collection,
    of: store,
    embedder: embedder,
    configuration: configuration
  ) { try await $0.insert(texts, ids: ids, metadata: metadata) }
}
