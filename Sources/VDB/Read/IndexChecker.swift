import Foundation

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// Looks at indexes that were read from disk as a whole, one after the other on a thread of its own, while
/// queries look at what they touch.
///
/// Begins with a collection's first query, so that opening reads nothing.
final class IndexChecker: @unchecked Sendable {
  private struct Job {
    let index: IndexVersion
    let reading: SharedReadTransaction
  }

  // Guarded by `condition`.
  private let condition = NSCondition()
  private var jobs: [Job] = []
  private var isRunning = false
  private var isClosed = false
  private let stop = StopFlag()
  private let process = getpid()

  /// Has an index looked at, unless that was asked for before.
  func check(_ index: IndexVersion, in reading: SharedReadTransaction) {
    guard index.integrity.claim() else { return }
    condition.lock()
    defer { condition.unlock() }
    if isClosed { return }
    jobs.append(Job(index: index, reading: reading))
    if isRunning { return }
    isRunning = true
    startThread(named: "vdb.check") { self.run() }
  }

  /// Returns when nothing is left to be looked at.
  func waitUntilIdle() {
    condition.lock()
    while isRunning { condition.wait() }
    condition.unlock()
  }

  /// Gives up what is left, and returns when no transaction is held any more.
  func close() {
    // A child of a fork has no such thread.
    if getpid() != process { return }
    stop.raise()
    condition.lock()
    isClosed = true
    jobs.removeAll()
    while isRunning { condition.wait() }
    condition.unlock()
  }

  private func run() {
    while let job = next() { _ = job.index.integrity.isIntact(in: job.reading, stop: stop) }
  }

  private func next() -> Job? {
    condition.lock()
    defer { condition.unlock() }
    if !jobs.isEmpty { return jobs.removeFirst() }
    isRunning = false
    condition.broadcast()
    return nil
  }
}

extension VectorStore {
  /// Returns when no index is being looked at in the background any more.
  package func waitForIndexChecks() { checker.waitUntilIdle() }
}
