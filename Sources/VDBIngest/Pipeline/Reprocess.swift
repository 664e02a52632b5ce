public import VDB

/// What became of a collection whose texts were processed anew.
public struct ReprocessReport: Sendable, Hashable, Codable {
  /// The collection that was read.
  public let collection: String
  /// The collection that was written.
  public let into: String
  /// The name that stands for `into` now; `nil` when none was asked for or entries failed.
  public let alias: String?
  /// What became of the texts.
  public let ingestion: IngestReport
}

/// How far a reprocessing is.
public enum ReprocessProgress: Sendable {
  /// The texts are read, cleaned, embedded and written.
  case texts(IngestStatus)
  /// The new collection enters its index.
  case index(IndexStatus)
}

/// Cleans and embeds the texts of a collection anew, into another collection.
///
///     try await reprocess("notes", into: "notes-2", of: store, embedder: newModel, alias: "current")
///
/// The texts are those before cleaning where they were kept, else the documents; ids and metadata stay.
/// They come from one committed state: what is written to the collection meanwhile is not among them.
/// A run that was interrupted, or in which entries failed, is finished by running it again: what the new
/// collection has already is left out. Nothing is deleted there.
///
/// - Parameters:
///   - collection: The collection to read, or an alias.
///   - target: The collection to write. A new one gets the embedder's model and dimension.
///   - store: A store that is open for writing.
///   - embedder: What makes the new vectors.
///   - configuration: How to do it. Records with equal texts are all kept.
///   - options: What a new collection is, or one that exists must be, besides dimension and model; by
///     default that of the collection read.
///   - alias: A name that is to stand for the new collection once all of it is stored and indexed.
///   - progress: Told now and then how far it is.
/// - Returns: What became of the texts.
/// - Throws: `.invalidArgument` when both names mean the same collection; `.collectionExists` for an
///   alias that is a collection's name; ``IngestStopped`` with the report so far, also when it was
///   cancelled while indexing; and what ``TextIngestor`` throws.
@discardableResult
public func reprocess(
  _ collection: String,
  into target: String,
  of store: VectorStore,
  embedder: any Embedder,
  configuration: IngestConfiguration = .standard,
  options: CollectionOptions? = nil,
  alias: String? = nil,
  progress: (@Sendable (ReprocessProgress) -> Void)? = nil
) async throws -> ReprocessReport {
  let source = try CollectionSource(collection, of: store)
  let from = source.info
  let existing = try store.findCollection(target)
  if existing?.name == from.name {
    throw VectorStoreError.invalidArgument(
      name: "into",
      reason: "must be another collection than '\(from.name)'"
    )
  }
  if let alias {
    let known = try store.findCollection(alias)
    if alias == target || known?.name == alias { throw VectorStoreError.collectionExists(alias) }
  }
  if options != nil || existing == nil {
    var wanted = options ?? from.options
    wanted.dimension = embedder.dimension
    wanted.model = embedder.pinnedModel
    try await store.ensureCollection(target, wanted)
  }
  let into = existing?.name ?? target
  var configuration = configuration
  configuration.allowsDuplicates = true
  let ingestor = try await TextIngestor(
    into: into,
    of: store,
    embedder: embedder,
    configuration: configuration
  )
  let states = ingestor.progress()
  let watching = Task { for await status in states { progress?(.texts(status)) } }
  let report: IngestReport
  do {
    report = try await ingestor.insert(source)
  } catch {
    await end(watching)
    throw error
  }
  await end(watching)
  var switched: String?
  if let alias, report.failed == 0 {
    do {
      try await index(into, of: store, progress)
      try await store.setAlias(alias, to: into)
    } catch {
      let cause: any Error = error as? VectorStoreError == .cancelled ? CancellationError() : error
      throw IngestStopped(report: report, cause: cause)
    }
    switched = alias
  }
  return ReprocessReport(
    collection: from.name,
    into: into,
    alias: switched,
    ingestion: report
  )
}

private func index(
  _ collection: String,
  of store: VectorStore,
  _ progress: (@Sendable (ReprocessProgress) -> Void)?
) async throws {
  let updates = store.indexStatusUpdates(of: collection)
  let watching = Task { for await status in updates { progress?(.index(status)) } }
  do {
    try await store.index(collection)
  } catch {
    await end(watching)
    throw error
  }
  await end(watching)
}

/// Ends a task that tells of progress, so that nothing is told afterwards.
private func end(_ watching: Task<Void, Never>) async {
  watching.cancel()
  await watching.value
}
