internal import VDB

/// A text that one task embeds and others may wait for.
///
/// Finished exactly once; waiters are resumed after the lock is released, with the vector, or with
/// `nil` if they have to see to it themselves.
final class EmbeddingInProgress: Sendable {
  private typealias Waiter = Answer<[Float]?>

  private enum State {
    case running(waiters: [Int: Waiter], next: Int)
    case finished([Float]?)
  }

  private let state = Guarded(State.running(waiters: [:], next: 0))

  /// Ends the wait of all, and of those who come later.
  func finish(_ vector: [Float]?) {
    let waiters = state.withLock { state -> [Waiter] in
      guard case .running(let waiters, _) = state else { return [] }
      state = .finished(vector)
      return Array(waiters.values)
    }
    for waiter in waiters { waiter.give(vector) }
  }

  /// The vector when it is there; `nil` at once if this task is cancelled.
  func value() async -> [Float]? {
    let ticket = state.withLock { state -> Int in
      guard case .running(let waiters, let next) = state else { return -1 }
      state = .running(waiters: waiters, next: next + 1)
      return next
    }
    return await withTaskCancellationHandler {
      await Answer.wait { wait($0, ticket: ticket) }
    } onCancel: {
      cancel(ticket: ticket)
    }
  }

  private func wait(_ waiter: Waiter, ticket: Int) {
    let answer = state.withLock { state -> [Float]?? in
      switch state {
      case .finished(let vector): return .some(vector)
      case .running(var waiters, let next):
        // The handler runs once: if it came before this, the flag is set and it found nobody.
        if Task.isCancelled { return .some(nil) }
        waiters[ticket] = waiter
        state = .running(waiters: waiters, next: next)
        return .none
      }
    }
    if case .some(let vector) = answer { waiter.give(vector) }
  }

  private func cancel(ticket: Int) {
    let waiter = state.withLock { state -> Waiter? in
      guard case .running(var waiters, let next) = state else { return nil }
      let waiter = waiters.removeValue(forKey: ticket)
      state = .running(waiters: waiters, next: next)
      return waiter
    }
    waiter?.give(nil)
  }
}
