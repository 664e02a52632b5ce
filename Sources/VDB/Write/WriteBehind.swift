import Foundation
import LMDB

/// Has a large transaction's pages written to the disk while the writer still hands over more of them.
///
/// A commit copies its pages into the system's cache and then syncs, and the system begins to write when
/// the sync asks for it: the disk would rest during the copying, the writer during the writing. In which
/// order pages reach the disk before the sync does not matter, since nothing leads to them until a meta
/// page is written after it. PostgreSQL does the same (`checkpoint_flush_after`).
///
/// Its thread begins with the first large transaction.
final class WriteBehind: @unchecked Sendable {
  /// Smaller commits are at their sync before another thread runs.
  private static let leastBytes = 4 << 20
  private static let pauseMicroseconds: UInt32 = 500

  private let environment: Environment
  // Guarded by `condition`.
  private let condition = NSCondition()
  private var isCommitting = false
  private var isRunning = false
  private var isClosed = false

  init(_ environment: Environment) { self.environment = environment }

  /// To be called before the commit of a transaction with about so many bytes, and `end` after it.
  func begin(byteCount: Int) {
    guard byteCount >= Self.leastBytes else { return }
    condition.lock()
    defer { condition.unlock() }
    if isClosed { return }
    isCommitting = true
    if !isRunning {
      isRunning = true
      startThread(named: "vdb.writeback") { self.run() }
    }
    condition.broadcast()
  }

  func end() {
    condition.lock()
    isCommitting = false
    condition.unlock()
  }

  /// Returns when nothing of this touches the environment any more.
  func close() {
    condition.lock()
    isClosed = true
    condition.broadcast()
    while isRunning { condition.wait() }
    condition.unlock()
  }

  private func run() {
    condition.lock()
    while !isClosed {
      if isCommitting {
        condition.unlock()
        let isOfUse = environment.startWriteback()
        if isOfUse { usleep(Self.pauseMicroseconds) }
        condition.lock()
        if !isOfUse { isClosed = true }
      } else {
        condition.wait()
      }
    }
    isRunning = false
    condition.broadcast()
    condition.unlock()
  }
}
