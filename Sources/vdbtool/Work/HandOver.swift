import Dispatch
import VDB
import VDBIngest

/// A bounded queue from one thread, which may block, to one task, which must not.
final class HandOver<Element: Sendable>: Sendable {
  private struct State {
    var elements: [Element] = []
    var waiter: Answer<Result<Element?, any Error>>?
    /// Set once the sender is done; the error is passed on after the last element.
    var end: Result<Void, any Error>?
    var isCancelled = false
  }

  private let state = Guarded(State())
  private let room = DispatchSemaphore(value: 0)

  init(capacity: Int) {
    // Signalled up instead of created with the value, because a semaphore must not end below it.
    for _ in 0..<capacity { room.signal() }
  }

  /// Waits for room and hands an element over; `false` once nobody wants any more.
  func send(_ element: Element) -> Bool {
    room.wait()
    let (waiter, isCancelled) = state.withLock { state in
      if state.isCancelled {
        return (Answer<Result<Element?, any Error>>?.none, true)
      }
      guard let waiter = state.waiter.take() else {
        state.elements.append(element)
        return (nil, false)
      }
      return (waiter, false)
    }
    if isCancelled {
      room.signal()
      return false
    }
    if let waiter {
      room.signal()
      waiter.give(.success(element))
    }
    return true
  }

  /// Says that nothing more comes, and why if that is an error.
  func finish(_ result: Result<Void, any Error> = .success(())) {
    let waiter = state.withLock { state in
      state.end = result
      return state.waiter.take()
    }
    waiter?.give(result.map { nil })
  }

  /// The next element; `nil` after the last one or ``cancel()``.
  func next() async throws -> Element? {
    try await Answer<Result<Element?, any Error>>.wait { waiter in
      let answer = state.withLock { state -> Result<Element?, any Error>? in
        if state.isCancelled { return .success(nil) }
        if !state.elements.isEmpty { return .success(state.elements.removeFirst()) }
        if let end = state.end { return end.map { nil } }
        state.waiter = waiter
        return nil
      }
      guard let answer else { return }
      if case .success(_?) = answer { room.signal() }
      waiter.give(answer)
    }.get()
  }

  /// Drops what waits; the sender is told at its next element.
  func cancel() {
    let waiter = state.withLock { state in
      state.isCancelled = true
      state.elements = []
      return state.waiter.take()
    }
    waiter?.give(.success(nil))
    room.signal()
  }
}
