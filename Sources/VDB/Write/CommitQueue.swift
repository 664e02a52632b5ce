import Foundation

/// What waits for the writer, bounded by bytes: callers beyond the bound wait their turn in order.
///
/// Jobs of callers go before maintenance, and maintenance runs one transaction at a time, so a batch
/// waits for one slice of it at most.
final class CommitQueue: @unchecked Sendable {
  /// One caller's work within a shared transaction.
  struct Job: Sendable {
    let byteCount: Int
    /// Applies the work to state and transaction.
    let apply: @Sendable (inout WriterStep) throws(VectorStoreError) -> Receipt
    /// Called once, on the writer's thread, after the commit or the refusal.
    let finish: @Sendable (Result<Receipt, VectorStoreError>) -> Void
  }

  /// A transaction of its own for the store's upkeep.
  struct Maintenance: Sendable {
    let name: String
    let apply: @Sendable (inout WriterStep) throws(VectorStoreError) -> Void
    let finish: @Sendable (Result<Void, VectorStoreError>) -> Void
  }

  enum Work {
    case jobs([Job])
    case maintenance(Maintenance)
  }

  /// Bytes that one transaction takes from the queue at most, unless a single batch has more.
  static let groupBytes = 32 << 20

  // Guarded by `condition`.
  private let condition = NSCondition()
  private var jobs: [Job] = []
  private var maintenance: [Maintenance] = []
  private var waiting: [Job] = []
  private var queuedBytes = 0
  private var isClosed = false
  private let limitBytes: Int

  init(limitBytes: Int) { self.limitBytes = limitBytes }

  /// Queues a job, or keeps it until there is room; `finish` tells the end of it either way.
  func submit(_ job: Job) {
    condition.lock()
    if isClosed {
      condition.unlock()
      job.finish(.failure(.closed))
      return
    }
    if waiting.isEmpty, queuedBytes == 0 || queuedBytes + job.byteCount <= limitBytes {
      admit(job)
    } else {
      waiting.append(job)
    }
    condition.signal()
    condition.unlock()
  }

  /// Queues upkeep.
  func submit(_ work: Maintenance) {
    condition.lock()
    if isClosed {
      condition.unlock()
      work.finish(.failure(.closed))
      return
    }
    maintenance.append(work)
    condition.signal()
    condition.unlock()
  }

  /// The next transaction's work; waits for it, and returns `nil` once the queue is closed and empty.
  func next() -> Work? {
    condition.lock()
    defer { condition.unlock() }
    while jobs.isEmpty, maintenance.isEmpty {
      if isClosed { return nil }
      condition.wait()
    }
    if jobs.isEmpty { return .maintenance(maintenance.removeFirst()) }
    var group: [Job] = []
    var bytes = 0
    while let job = jobs.first, group.isEmpty || bytes + job.byteCount <= Self.groupBytes {
      group.append(job)
      bytes += job.byteCount
      jobs.removeFirst()
    }
    queuedBytes -= bytes
    while let job = waiting.first, queuedBytes == 0 || queuedBytes + job.byteCount <= limitBytes {
      waiting.removeFirst()
      admit(job)
    }
    return .jobs(group)
  }

  /// Refuses what comes from now on; what waits is still done.
  func close() {
    condition.lock()
    isClosed = true
    condition.broadcast()
    condition.unlock()
  }

  private func admit(_ job: Job) {
    jobs.append(job)
    queuedBytes += job.byteCount
  }
}
