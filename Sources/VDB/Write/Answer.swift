import LMDB

/// One value that a task waits for and another thread gives.
///
/// A checked continuation would do, but where the value is given before the task has gone to sleep the
/// concurrency runtime does not tell the thread sanitizer (Swift 6.3.1), which then takes what the task
/// reads of the value for a race. Here the value goes through a lock, which the sanitizer knows.
package final class Answer<Value: Sendable>: Sendable {
  private struct State {
    var continuation: CheckedContinuation<Void, Never>?
    var value: Value?
  }

  private let state = Guarded(State())

  private init() {}

  /// Suspends until the answer is given, which may be before `ask` returns.
  ///
  /// - Parameter ask: Runs at once on this thread and sees to it that the answer is given, exactly once.
  /// - Returns: The answer.
  package static func wait(_ ask: (Answer) -> Void) async -> Value {
    let answer = Answer()
    await withCheckedContinuation { continuation in
      answer.state.withLock { $0.continuation = continuation }
      ask(answer)
    }
    guard let value = answer.state.withLock({ $0.value.take() }) else {
      preconditionFailure("a task was resumed without its answer")
    }
    return value
  }

  /// Gives the answer.
  ///
  /// - Precondition: None was given before.
  package func give(_ value: Value) {
    let continuation = state.withLock { state in
      state.value = .some(value)
      return state.continuation.take()
    }
    guard let continuation else { preconditionFailure("an answer was given twice") }
    continuation.resume()
  }
}
