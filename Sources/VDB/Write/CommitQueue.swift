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
  /// A transaction of so many bytes does not wait for batches that are still being prepared.
  private static let satisfyingBytes = 6 << 20
  /// Nor does a smaller batch than this: many callers with little each fill the queue during a commit, and
  /// some of them are always preparing.
  private static let patientBytes = 512 << 10

  /// How many seconds a transaction waits for them after a commit of so many: one sync for several is
  /// worth more than such a wait costs.
  static func patience(after commitSeconds: Double) -> Double { min(commitSeconds / 2, 0.002) }

  // Guarded by `condition`.
  private let condition = NSCondition()
  private var jobs: [Job] = []
  private var maintenance: [Maintenance] = []
  private var waiting: [Job] = []
  private var queuedBytes = 0
  private var isClosed = false
  private var preparing = 0
  /// When jobs were last handed out, until the writer comes back for more.
  private var handedOut: ContinuousClock.Instant?
  private var lastCommitSeconds = 0.0
  private let limitBytes: Int
  private let patience: @Sendable (Double) -> Double

  init(
    limitBytes: Int,
    patience: @escaping @Sendable (Double) -> Double = CommitQueue.patience(after:)
  ) {
    self.limitBytes = limitBytes
    self.patience = patience
  }

  /// Says that a batch is on its way, so that a transaction about to begin may wait a moment for it.
  func announce() {
    condition.lock()
    preparing += 1
    condition.unlock()
  }

  /// Takes an announcement back whose batch will not come.
  func withdraw() {
    condition.lock()
    preparing -= 1
    condition.signal()
    condition.unlock()
  }

  /// Queues a job, or keeps it until there is room; `finish` tells the end of it either way.
  func submit(_ job: Job, announced: Bool = false) {
    condition.lock()
    if announced { preparing -= 1 }
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
    if let handedOut {
      lastCommitSeconds = (ContinuousClock.now - handedOut) / .seconds(1)
      self.handedOut = nil
    }
    while jobs.isEmpty, maintenance.isEmpty {
      if isClosed { return nil }
      condition.wait()
    }
    if jobs.isEmpty { return .maintenance(maintenance.removeFirst()) }
    awaitCompanions()
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
    handedOut = .now
    return .jobs(group)
  }

  /// Waits a moment for batches that callers are preparing.
  private func awaitCompanions() {
    guard let first = jobs.first, first.byteCount >= Self.patientBytes else { return }
    let deadline = Date(timeIntervalSinceNow: patience(lastCommitSeconds))
    while preparing > 0, queuedBytes < Self.satisfyingBytes, !isClosed {
      if !condition.wait(until: deadline) { return }
    }
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
