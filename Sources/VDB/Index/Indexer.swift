import Foundation
import Logging

/// The background indexer: a pool of workers, each with one collection in hand at a time.
///
/// Commits hand over nothing but how many rows each collection has now. What to do is decided by
/// `IndexerState`; when nothing comes for a while the collection rests, and the rest is tidied up.
final class Indexer: @unchecked Sendable {
  /// One collection's place in the pool.
  private struct Slot {
    var state: IndexerState
    var indexer: CollectionIndexer?
    var isBusy = false
    /// What the worker brings back belongs to an index that was given up meanwhile.
    var isRestarting = false
    /// What is on disk is damaged, until a checkpoint has written all of it again.
    var isRewriting = false
    var isDropped = false
    var lastCommit = ContinuousClock.now
    /// Commits that are not linked yet: the row after each, and when it came.
    var handOver: [(end: Row, time: ContinuousClock.Instant)] = []
    /// Ends the measurement of recall that a worker has in hand.
    var measuring: StopFlag?
    /// Measurements that were ended or failed, one after the other, and when the next one may begin.
    var measuringFailures = 0
    var measureAt: ContinuousClock.Instant?
    /// Nothing is tried before: there was no space.
    var retryAt: ContinuousClock.Instant?
    /// Why indexing of the collection stopped; queries scan instead.
    var failure: VectorStoreError?
  }

  /// How long to wait when there is no space.
  static let retryAfter = Duration.seconds(5)
  /// How long nothing must be committed before a collection rests.
  static let restAfter = Duration.milliseconds(300)
  /// How long before a few ids are merged: rows that come in bursts would have the leaves of a large table
  /// written again after each.
  static let mergeAfter = Duration.seconds(2)
  /// How long at most a measurement of recall that was ended waits for another try.
  static let measureAfter = Duration.seconds(300)
  /// Entries of the hand-over queue of one collection; beyond it neighbours are joined.
  static let handOverLimit = 1_024

  // Guarded by `condition`.
  private let condition = NSCondition()
  private var slots: [CollectionID: Slot] = [:]
  private var isClosing = false
  /// Dropped collections whose values are to be removed, when nobody works on them any more.
  private var toReclaim: [CollectionID] = []
  private var runningThreads = 0

  let publisher: Publisher
  let writer: Writer
  let threads: Int
  let logger: Logger

  /// Starts the threads; `dropping` are collections whose values a crash kept from being removed.
  init(
    publisher: Publisher,
    writer: Writer,
    threads: Int,
    dropping: [CollectionID],
    logger: Logger
  ) {
    self.publisher = publisher
    self.writer = writer
    self.threads = max(1, threads)
    self.logger = logger
    runningThreads = self.threads
    toReclaim = dropping
    for number in 0..<self.threads {
      startThread(named: "vdb.indexer.\(number)") { self.run() }
    }
  }

  /// Takes note of a published snapshot: new collections, dropped ones, and rows that came.
  func observe(_ snapshot: Snapshot) {
    condition.lock()
    let now = ContinuousClock.now
    var present: Set<CollectionID> = []
    for collection in snapshot.collections.values {
      let id = collection.record.id
      present.insert(id)
      var slot = slots[id] ?? Self.newSlot(collection)
      if collection.rows > slot.state.committed || slots[id] == nil {
        slot.state.didCommit(upTo: collection.rows)
        slot.lastCommit = now
        if slot.state.hasVectors { slot.handOver.append((collection.rows, now)) }
        if slot.handOver.count > Self.handOverLimit { slot.handOver.remove(at: 1) }
      }
      slot.state.didDelete(Row(collection.live.deletedCount))
      if let recall = collection.recall {
        slot.state.didCalibrate(
          at: recall.rows,
          deleted: recall.deleted,
          isKept: recall.source == .queries
        )
      }
      slots[id] = slot
      if slot.state.backlog >= IndexerState.largestWait { endMeasurements() }
    }
    for id in slots.keys where !present.contains(id) && slots[id]?.isDropped == false {
      slots[id]?.isDropped = true
      slots[id]?.measuring?.raise()
      toReclaim.append(id)
    }
    condition.broadcast()
    condition.unlock()
  }

  private static func newSlot(_ collection: CollectionSnapshot) -> Slot {
    Slot(
      state: IndexerState(
        mode: collection.record.options.indexing,
        hasVectors: collection.record.options.hasVectors,
        committed: collection.rows,
        linked: collection.linked,
        checkpointed: collection.record.linked,
        merged: collection.record.merged
      )
    )
  }

  /// Asks for the rows committed so far to be linked now.
  func request(_ id: CollectionID, upTo row: Row) {
    condition.lock()
    slots[id]?.state.request(upTo: row)
    if slots[id]?.state.backlog ?? 0 > 0 { endMeasurements() }
    condition.broadcast()
    condition.unlock()
  }

  /// The collection's index was found damaged: it is built again from the vectors (I8).
  ///
  /// Nothing happens if another version has taken the damaged one's place: queries report it as long as
  /// they hold it.
  func rebuild(_ id: CollectionID, instead damaged: IndexVersion) {
    condition.lock()
    let published = publisher.current.load()?.collections.values.first { $0.record.id == id }
    if let slot = slots[id], slot.state.linked > 0, slot.failure == nil,
      published?.index === damaged
    {
      logger.warning("index damaged, building it again", metadata: ["collection": "\(id.number)"])
      slots[id]?.state.restart()
      slots[id]?.indexer = nil
      slots[id]?.isRestarting = slot.isBusy
      slots[id]?.isRewriting = true
      slots[id]?.measuring?.raise()
    }
    condition.broadcast()
    condition.unlock()
  }

  /// The ids of all rows are in memory again and wait to be merged.
  func idsWereForgotten(_ id: CollectionID) {
    condition.lock()
    slots[id]?.state.forgetMerged()
    condition.broadcast()
    condition.unlock()
  }

  /// Seconds since the oldest commit that is not linked yet, over the collections asked for.
  func lagSeconds(of id: CollectionID?) -> Double {
    condition.lock()
    defer { condition.unlock() }
    let now = ContinuousClock.now
    let oldest = slots.filter { id == nil || $0.key == id }.values.compactMap { slot in
      slot.handOver.first { $0.end > slot.state.linked }?.time
    }.min()
    guard let oldest else { return 0 }
    return (now - oldest) / .seconds(1)
  }

  /// Why a collection is not indexed any more, if so.
  func failure(of id: CollectionID) -> VectorStoreError? {
    condition.lock()
    defer { condition.unlock() }
    return slots[id]?.failure
  }

  /// Ends the current slices, tidies up what has been linked, and ends the threads.
  func close() {
    condition.lock()
    isClosing = true
    endMeasurements()
    condition.broadcast()
    while runningThreads > 0 { condition.wait() }
    condition.unlock()
  }

  /// Measuring recall is what a worker does when nothing else is to be done; rows that wait go first.
  ///
  /// The caller holds the lock.
  private func endMeasurements() {
    for slot in slots.values { slot.measuring?.raise() }
  }

  // MARK: The workers

  private func run() {
    condition.lock()
    while let (id, action) = nextAction() {
      if action == .reclaim {
        condition.unlock()
        reclaim(id)
        condition.lock()
        condition.broadcast()
        continue
      }
      slots[id]?.isBusy = true
      let indexer = slots[id]?.indexer
      let isRewriting = slots[id]?.isRewriting == true
      let stop = StopFlag()
      if action == .calibrate { slots[id]?.measuring = stop }
      let workers = max(1, threads / max(1, slots.values.count { $0.isBusy }))
      let isUrgent = isClosing || slots[id]?.state.isUrgent(action) == true
      condition.unlock()
      let outcome = withThread(of: isUrgent ? .normal : .background, named: "vdb.indexer.low") {
        perform(
          action,
          on: id,
          with: indexer,
          isRewriting: isRewriting,
          workers: workers,
          stop: stop
        )
      }
      condition.lock()
      finish(id, outcome)
      condition.broadcast()
    }
    runningThreads -= 1
    condition.broadcast()
    condition.unlock()
  }

  /// The next thing to do, waiting for it; `nil` when the store closes and nothing is left.
  private func nextAction() -> (CollectionID, IndexerState.Action)? {
    while true {
      if !isClosing, let index = toReclaim.firstIndex(where: { slots[$0]?.isBusy != true }) {
        let id = toReclaim.remove(at: index)
        slots[id] = nil
        return (id, .reclaim)
      }
      let now = ContinuousClock.now
      var anyBusy = false
      var anyResting = false
      for (id, slot) in slots {
        if slot.isBusy {
          anyBusy = true
          continue
        }
        if slot.isDropped || slot.failure != nil { continue }
        if let retryAt = slot.retryAt, now < retryAt {
          // A store that closes does not wait for space.
          anyResting = true
          continue
        }
        let isResting = isClosing || now - slot.lastCommit >= Self.restAfter
        let action = slot.state.next(isResting: isResting)
        switch action {
        case .wait:
          if !isResting { anyResting = true }
        case .link where isClosing:
          // The next opening goes on from the checkpoint; closing does not wait for a backlog.
          let tidy = slot.state.tidy()
          if tidy != .wait { return (id, tidy) }
        case .mergeIDs
        where !isClosing && !slot.state.isMergeDue && now - slot.lastCommit < Self.mergeAfter:
          anyResting = true
        case .calibrate where isClosing: continue
        case .calibrate where now < slot.measureAt ?? now: anyResting = true
        default: return (id, action)
        }
      }
      if isClosing, !anyBusy { return nil }
      if anyResting {
        _ = condition.wait(until: Date(timeIntervalSinceNow: 0.05))
      } else {
        condition.wait()
      }
    }
  }

  /// Asked between slices.
  var isStopping: Bool {
    condition.lock()
    defer { condition.unlock() }
    return isClosing
  }

  private func finish(_ id: CollectionID, _ outcome: Outcome) {
    slots[id]?.isBusy = false
    slots[id]?.measuring = nil
    if slots[id]?.isRestarting == true {
      slots[id]?.isRestarting = false
      return
    }
    switch outcome {
    case .linked(let indexer):
      slots[id]?.indexer = indexer
      slots[id]?.state.didLink(upTo: indexer.linked)
      let linked = indexer.linked
      slots[id]?.handOver.removeAll { $0.end <= linked }
    case .checkpointed(let indexer, let row):
      slots[id]?.indexer = indexer
      slots[id]?.state.didCheckpoint(upTo: row)
      slots[id]?.isRewriting = false
    case .merged(let row): slots[id]?.state.didMerge(upTo: row)
    case .calibrated: slots[id]?.measuringFailures = 0
    case .notCalibrated(let error):
      // Whoever ends every measurement shall not pay for ever more of them.
      let failures = min(20, (slots[id]?.measuringFailures ?? 0) + 1)
      let pause = min(Self.measureAfter, Self.restAfter * (1 << failures))
      slots[id]?.measuringFailures = failures
      slots[id]?.measureAt = ContinuousClock.now + pause
      if let error { logger.warning("recall not measured", metadata: ["cause": "\(error)"]) }
    case .gone: slots[id] = nil
    case .failed(let error):
      switch error {
      case .unknownCollection, .closed: slots[id] = nil
      case .diskFull, .mapFull:
        slots[id]?.retryAt = ContinuousClock.now + Self.retryAfter
        slots[id]?.indexer = nil
        logger.warning("no space for the index, trying again", metadata: ["cause": "\(error)"])
      default:
        slots[id]?.failure = error
        logger.error("indexing stopped", metadata: ["cause": "\(error)"])
      }
    }
  }
}
