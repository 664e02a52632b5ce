import Foundation

/// Something that happens some times, and may be waited for; each wait takes one of the times.
public final class Signal: @unchecked Sendable {
  private let lock = NSLock()
  // Touched while the lock is held alone.
  private var count = 0
  private var next = 0
  private var waiting: [(number: Int, continuation: CheckedContinuation<Bool, Never>)] = []

  /// Nothing has happened yet.
  public init() {}

  /// Says that it happened once more.
  public func raise() {
    let first: CheckedContinuation<Bool, Never>? = lock.withLock {
      if waiting.isEmpty {
        count += 1
        return nil
      }
      return waiting.removeFirst().continuation
    }
    first?.resume(returning: true)
  }

  /// Waits until it has happened once more than was waited for.
  ///
  /// - Throws: `CancellationError` if the task is cancelled meanwhile.
  public func wait() async throws {
    let number = lock.withLock {
      next += 1
      return next
    }
    let happened = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let answer: Bool? = lock.withLock {
          if Task.isCancelled { return false }
          if count > 0 {
            count -= 1
            return true
          }
          waiting.append((number, continuation))
          return nil
        }
        if let answer { continuation.resume(returning: answer) }
      }
    } onCancel: {
      let cancelled = lock.withLock {
        waiting.firstIndex { $0.number == number }.map { waiting.remove(at: $0).continuation }
      }
      cancelled?.resume(returning: false)
    }
    if !happened { throw CancellationError() }
  }
}
