internal import VDBIngest

/// Lets so many calls go on at a time; further ones wait in the order in which they came.
final class CallLimit: Sendable {
  private struct State {
    var free: Int
    var waiting: [(number: Int, continuation: CheckedContinuation<Bool, Never>)] = []
    var next = 0
  }

  private let state: Guarded<State>

  /// - Precondition: `limit` is at least 1.
  init(_ limit: Int) {
    precondition(limit >= 1, "at least one call goes on at a time, not \(limit)")
    state = Guarded(State(free: limit))
  }

  /// Runs `body` when there is room.
  ///
  /// - Throws: `.cancelled` if the task is cancelled while it waits, and what `body` throws.
  func run<Result: Sendable>(
    _ body: () async throws(EmbeddingError) -> Result
  ) async throws(EmbeddingError) -> Result {
    guard await enter() else { throw .cancelled }
    defer { leave() }
    return try await body()
  }

  private func enter() async -> Bool {
    let number = state.withLock { state in
      state.next += 1
      return state.next
    }
    return await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let answer = state.withLock { state -> Bool? in
          // A cancellation from here on waits for the lock and then finds the entry.
          if Task.isCancelled { return false }
          if state.free > 0 {
            state.free -= 1
            return true
          }
          state.waiting.append((number, continuation))
          return nil
        }
        if let answer { continuation.resume(returning: answer) }
      }
    } onCancel: {
      let cancelled = state.withLock { state in
        state.waiting.firstIndex { $0.number == number }.map { state.waiting.remove(at: $0) }
      }
      cancelled?.continuation.resume(returning: false)
    }
  }

  private func leave() {
    let next = state.withLock { state -> CheckedContinuation<Bool, Never>? in
      if state.waiting.isEmpty {
        state.free += 1
        return nil
      }
      return state.waiting.removeFirst().continuation
    }
    next?.resume(returning: true)
  }
}
