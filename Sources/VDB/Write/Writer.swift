import Foundation
import LMDB
import Logging

/// What a unit of the writer's work may touch: the state as it will be, and the open transaction.
struct WriterStep: ~Copyable {
  var state: StoreState
  var transaction: WriteTransaction
  let tables: Tables
}

/// The one thread that writes: it takes what waits, commits it with one sync, publishes the new
/// snapshot, and only then tells the callers (group commit).
final class Writer: Sendable {
  private let environment: Environment
  private let writeBehind: WriteBehind
  private let tables: Tables
  private let publisher: Publisher
  private let queue: CommitQueue
  private let logger: Logger
  private let path: String
  /// Why writes are refused since a commit failed.
  private let poison = Guarded<String?>(nil)
  private let finished = Finish()

  /// Lets `close` wait for the thread's end.
  private final class Finish: @unchecked Sendable {
    let condition = NSCondition()
    var isDone = false
  }

  init(
    environment: Environment,
    tables: Tables,
    state: StoreState,
    publisher: Publisher,
    queue: CommitQueue,
    path: String,
    logger: Logger
  ) {
    self.environment = environment
    writeBehind = WriteBehind(environment)
    self.tables = tables
    self.publisher = publisher
    self.queue = queue
    self.path = path
    self.logger = logger
    let state = UnsafeTransfer(state)
    startThread(named: "vdb.writer") { self.run(state.value) }
  }

  /// Carries the first state to the thread that owns it from then on.
  private struct UnsafeTransfer: @unchecked Sendable {
    let value: StoreState
    init(_ value: StoreState) { self.value = value }
  }

  /// Does what waits, then ends the thread.
  func close() {
    queue.close()
    finished.condition.lock()
    while !finished.isDone { finished.condition.wait() }
    finished.condition.unlock()
  }

  /// Runs one unit of upkeep in a transaction of its own and waits for its commit.
  ///
  /// Not for the writer's own thread.
  func maintain(
    _ name: String,
    _ apply: @escaping @Sendable (inout WriterStep) throws(VectorStoreError) -> Void
  ) throws(VectorStoreError) {
    try beginMaintaining(name, apply).wait()
  }

  /// Runs one unit of upkeep in a transaction of its own, while the caller does something else.
  ///
  /// Units are done in the order in which they were begun.
  func beginMaintaining(
    _ name: String,
    _ apply: @escaping @Sendable (inout WriterStep) throws(VectorStoreError) -> Void
  ) -> Upkeep {
    let upkeep = Upkeep()
    queue.submit(CommitQueue.Maintenance(name: name, apply: apply) { upkeep.finish($0) })
    return upkeep
  }

  /// A unit of upkeep on its way to its commit.
  final class Upkeep: Sendable {
    private let outcome = Guarded<Result<Void, VectorStoreError>>(.failure(.closed))
    private let semaphore = DispatchSemaphore(value: 0)

    fileprivate func finish(_ result: Result<Void, VectorStoreError>) {
      outcome.withLock { $0 = result }
      semaphore.signal()
    }

    /// Waits for the commit; not for the writer's own thread.
    func wait() throws(VectorStoreError) {
      semaphore.wait()
      defer { semaphore.signal() }
      try outcome.withLock { $0 }.get()
    }
  }

  private func run(_ initial: StoreState) {
    Self.keepFreedMemory()
    var state = initial
    while let work = queue.next() {
      switch work {
      case .jobs(let jobs): commit(jobs, &state)
      case .maintenance(let work):
        let result = perform(work.name, &state) { (step) throws(VectorStoreError) in
          try work.apply(&step)
        }
        work.finish(result)
      }
    }
    writeBehind.close()
    finished.condition.lock()
    finished.isDone = true
    finished.condition.broadcast()
    finished.condition.unlock()
  }

  /// Lets glibc keep the memory of a transaction's pages for the next transaction.
  ///
  /// It hands large blocks back to the system at once, and each transaction would have all its pages
  /// mapped and zeroed again, until a block of such a size has been freed: from then on it keeps up to
  /// twice as much (mallopt(3), M_MMAP_THRESHOLD). Elsewhere this does nothing.
  private static func keepFreedMemory() {
    let block = UnsafeMutableRawPointer.allocate(byteCount: 8 << 20, alignment: 16)
    unsafe block.deallocate()
  }

  /// Commits jobs together.
  ///
  /// A job that refuses its input leaves no trace and does not harm the others; after a storage
  /// error each is tried in a transaction of its own.
  private func commit(_ jobs: [CommitQueue.Job], _ state: inout StoreState) {
    var outcomes: [Result<Receipt, VectorStoreError>] = []
    let byteCount = jobs.reduce(0) { $0 + $1.byteCount }
    let result = perform("commit", byteCount: byteCount, &state) {
      (step) throws(VectorStoreError) in
      outcomes.removeAll()
      for job in jobs {
        do throws(VectorStoreError) {
          outcomes.append(.success(try job.apply(&step)))
        } catch {
          if error.spoilsTransaction { throw error }
          outcomes.append(.failure(error))
        }
      }
    }
    switch result {
    case .success:
      for (job, outcome) in zip(jobs, outcomes) { job.finish(outcome) }
    case .failure(let error):
      if jobs.count > 1, error.isWorthRetryingAlone {
        for job in jobs { commit([job], &state) }
      } else {
        for job in jobs { job.finish(.failure(error)) }
      }
    }
  }

  /// One transaction of about `byteCount` bytes: `body` on a copy of the state, commit, publication.
  private func perform(
    _ name: String,
    byteCount: Int = 0,
    _ state: inout StoreState,
    _ body: (inout WriterStep) throws(VectorStoreError) -> Void
  ) -> Result<Void, VectorStoreError> {
    do throws(VectorStoreError) {
      if let cause = poison.withLock({ $0 }) { throw .writesRefused(cause: cause) }
      state = try transact(name, byteCount: byteCount, state, body)
      return .success(())
    } catch {
      return .failure(error)
    }
  }

  private func transact(
    _ name: String,
    byteCount: Int,
    _ state: StoreState,
    _ body: (inout WriterStep) throws(VectorStoreError) -> Void
  ) throws(VectorStoreError) -> StoreState {
    var step: WriterStep
    do throws(LMDBError) {
      step = WriterStep(
        state: state,
        transaction: try WriteTransaction(environment),
        tables: tables
      )
    } catch {
      throw translate(error, during: "begin a transaction")
    }
    do throws(VectorStoreError) {
      try body(&step)
      try step.logInsertions()
      try step.putChangedRecords(since: state)
    } catch {
      throw translate(error)
    }
    var next = step.state
    KillPoint.reach("commit.before")
    do throws(LMDBError) {
      writeBehind.begin(byteCount: byteCount)
      defer { writeBehind.end() }
      try step.transaction.commit()
    } catch {
      let error = translate(error, during: name)
      // A full disk or map fails before a meta page is written, and LMDB has rolled back.
      if error.leavesStoreUsable, environment.takesWrites { throw error }
      let cause = String(describing: error)
      poison.withLock { $0 = cause }
      logger.error("commit failed, writes are refused", metadata: ["cause": "\(cause)"])
      throw .outcomeUnknown(cause: cause)
    }
    KillPoint.reach("commit.after")
    do throws(VectorStoreError) {
      try publisher.publish(&next)
    } catch {
      // The commit stands, but nobody can see it through this object any more.
      let cause = String(describing: error)
      poison.withLock { $0 = cause }
      throw .outcomeUnknown(cause: cause)
    }
    return next
  }

  private func translate(_ error: LMDBError, during operation: String) -> VectorStoreError {
    translate(VectorStoreError(error, during: operation))
  }

  /// Fills in what only the store knows.
  private func translate(_ error: VectorStoreError) -> VectorStoreError {
    switch error {
    case .mapFull: .mapFull(limitBytes: environment.mapSizeBytes)
    case .diskFull: .diskFull(path: path)
    case .io(_, EIO, _) where FileSync.isDiskFull(path): .diskFull(path: path)
    default: error
    }
  }
}

extension WriterStep {
  /// Puts the records of changed collections and the last sequence.
  mutating func putChangedRecords(since before: StoreState) throws(VectorStoreError) {
    do throws(LMDBError) {
      for (id, collection) in state.collections where collection.recordChanged {
        let key = Array(collection.name.utf8)
        try transaction.put(
          SealedValue.seal(collection.record.encoded(), key: key),
          forKey: key,
          in: tables.collections
        )
        state.collections[id]?.recordChanged = false
      }
      if state.sequence != before.sequence {
        var writer = ByteWriter(capacity: 8)
        writer.put(state.sequence)
        try transaction.put(
          SealedValue.seal(writer.bytes, key: Key.sequence),
          forKey: Key.sequence,
          in: tables.meta
        )
      }
    } catch {
      throw VectorStoreError(error, during: "store a collection's state")
    }
  }
}

extension VectorStoreError {
  /// Whether a transaction in which it happened may hold half of something.
  var spoilsTransaction: Bool {
    switch self {
    case .idExists, .collectionFull, .unknownCollection, .collectionExists, .collectionMismatch,
      .nameIsAlias, .unknownAlias, .collectionHasAliases, .invalidBatch:
      false
    default: true
    }
  }

  /// Whether other batches of the same transaction may succeed without the one that caused it.
  var isWorthRetryingAlone: Bool {
    switch self {
    case .mapFull, .diskFull, .corrupted: true
    default: false
    }
  }

  /// Whether a commit that failed so is known to have had no effect.
  var leavesStoreUsable: Bool {
    switch self {
    case .mapFull, .diskFull: true
    default: false
    }
  }
}
