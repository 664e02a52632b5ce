import LMDB
import Logging
import Synchronization
import VectorKernels

/// An embedded, durable store of vectors: collections of records, committed by one writer, indexed in
/// the background, and searched by any number of threads that never wait.
///
///     let store = try VectorStore.open(at: "notes.vdb")
///     try await store.createCollection("notes", CollectionOptions(dimension: 384))
///     let receipt = try await store.insertBatch(records, into: "notes")
///     for hit in try store.search(query, in: "notes", limit: 5) { print(hit.id, hit.score) }
///
/// The life of a batch: the caller's thread checks it and turns it into bytes (`PreparedBatch`); the
/// writer's thread appends it with whatever else waits and commits (`Writer`, `BatchApplication`); the
/// publisher puts the new snapshot in the old one's place; the caller gets its receipt; the indexer
/// links the rows (`Indexer`) and publishes the graph that contains them.
public final class VectorStore: Sendable {
  /// The folder of the store.
  public let path: String
  let environment: Environment
  let tables: Tables
  let publisher: Publisher
  let contexts = QueryContextPool()
  let checker = IndexChecker()
  let logger: Logger
  let isReadOnly: Bool
  /// Writer, indexer and lock; gone when the store is closed, absent when it is read-only.
  private let engine: Guarded<Engine?>
  let isClosed = Atomic<Bool>(false)
  /// Orders the refreshing of a read-only store's snapshot.
  let refreshing = Guarded<Void>(())
  let meter = RateMeter()

  /// What writes.
  struct Engine: Sendable {
    let writer: Writer
    let queue: CommitQueue
    let indexer: Indexer
    let lock: WriterLock
  }

  /// Opens the store in the folder `path`, or creates it when the path is free and `options.mode` is
  /// `.readWrite`.
  ///
  /// Opening touches no vectors: the index is read where it lies, and what a crash left behind is
  /// derived again in the background while the store already answers.
  ///
  /// - Throws: `.notFound`, `.folderNotFound` (a new store's folder is made, none above it), `.notAStore`,
  ///   `.newerFormat`, `.locked` (another process writes), `.alreadyOpen` (this one does),
  ///   `.unsupportedFileSystem`, `.permissionDenied`, `.corrupted`.
  public static func open(
    at path: String,
    options: StoreOptions = StoreOptions()
  ) throws(VectorStoreError) -> VectorStore {
    try StoreOpening(path: path, options: options).open()
  }

  init(_ opened: StoreOpening.Opened) {
    path = opened.path
    environment = opened.environment
    tables = opened.tables
    publisher = opened.publisher
    logger = opened.logger
    isReadOnly = opened.engine == nil
    engine = Guarded(opened.engine)
  }

  deinit {
    checker.close()
    let engine = engine.withLock { engine in
      defer { engine = nil }
      return engine
    }
    if let engine { Self.stop(engine, publisher, environment) }
  }

  /// Commits what waits, brings the index on disk up to what has been linked, and releases the
  /// files.
  ///
  /// Closing twice is no error; using the store afterwards throws `.closed`.
  public func close() async throws(VectorStoreError) {
    isClosed.store(true, ordering: .sequentiallyConsistent)
    checker.close()
    let engine = engine.withLock { engine in
      defer { engine = nil }
      return engine
    }
    guard let engine else {
      publisher.close()
      environment.shutDown()
      return
    }
    let publisher = publisher
    let environment = environment
    await withCheckedContinuation { continuation in
      startThread(named: "vdb.close") {
        Self.stop(engine, publisher, environment)
        continuation.resume()
      }
    }
  }

  private static func stop(
    _ engine: Engine,
    _ publisher: Publisher,
    _ environment: Environment
  ) {
    // The indexer's last checkpoint goes through the writer, so the writer ends last.
    engine.indexer.close()
    engine.writer.close()
    publisher.close()
    environment.shutDown()
    engine.lock.release()
  }

  /// The engine, for an operation that writes.
  func writing(_ operation: String) throws(VectorStoreError) -> Engine {
    if isClosed.load(ordering: .relaxed) { throw .closed }
    if isReadOnly { throw .readOnly(operation: operation) }
    guard let engine = engine.withLock({ $0 }) else { throw .closed }
    return engine
  }

  /// The current committed state.
  func snapshot() throws(VectorStoreError) -> Snapshot {
    if isClosed.load(ordering: .relaxed) { throw .closed }
    if isReadOnly { try refresh() }
    return try publisher.snapshot()
  }

  /// Takes over what another process has committed since; costs a comparison when it is nothing.
  private func refresh() throws(VectorStoreError) {
    // The snapshot keeps the environment open while it is asked, whatever closes the store meanwhile.
    let seen = try publisher.snapshot()
    let last = withExtendedLifetime(seen) { environment.lastTransactionID }
    if last == seen.reading.transaction.id { return }
    let failure: VectorStoreError? = refreshing.withLock { _ in
      do throws(VectorStoreError) {
        try publisher.reload()
        return nil
      } catch {
        return error
      }
    }
    if let failure { throw failure }
  }
}
