/// A queue of limited length between tasks: senders wait while it is full, receivers while it is empty.
///
/// Cancelling wakes everybody, so a task that is cancelled needs no handler of its own per element; the
/// owner of the pipeline cancels its channels.
final class BoundedChannel<Element: Sendable>: Sendable {
  private struct State {
    var elements: [Element] = []
    var receivers: [CheckedContinuation<Element?, Never>] = []
    var senders: [(element: Element, continuation: CheckedContinuation<Bool, Never>)] = []
    var isFinished = false
    var isCancelled = false
    var highest = 0
  }

  let capacity: Int
  private let state = Guarded(State())

  /// - Precondition: `capacity` is at least 1.
  init(capacity: Int) {
    precondition(capacity >= 1, "a queue holds at least one element, not \(capacity)")
    self.capacity = capacity
  }

  /// Elements that wait; never more than ``capacity``.
  var depth: Int { state.withLock { $0.elements.count } }
  /// The most that ever waited.
  var highestDepth: Int { state.withLock(\.highest) }

  /// Waits for room and hands the element over; `false` once nobody wants any more.
  func send(_ element: Element) async -> Bool {
    await withCheckedContinuation { continuation in
      var receiver: CheckedContinuation<Element?, Never>?
      let answer = state.withLock { state -> Bool? in
        if state.isCancelled || state.isFinished { return false }
        if !state.receivers.isEmpty {
          receiver = state.receivers.removeFirst()
          return true
        }
        if state.elements.count < capacity {
          state.elements.append(element)
          state.highest = max(state.highest, state.elements.count)
          return true
        }
        state.senders.append((element, continuation))
        return nil
      }
      receiver?.resume(returning: element)
      if let answer { continuation.resume(returning: answer) }
    }
  }

  /// The next element, waiting for one; `nil` after the last one or once cancelled.
  func next() async -> Element? {
    await withCheckedContinuation { continuation in
      var sender: CheckedContinuation<Bool, Never>?
      let answer = state.withLock { state -> Element?? in
        if state.isCancelled { return .some(nil) }
        if !state.elements.isEmpty {
          let first = state.elements.removeFirst()
          if !state.senders.isEmpty {
            let waiting = state.senders.removeFirst()
            state.elements.append(waiting.element)
            sender = waiting.continuation
          }
          return first
        }
        if state.isFinished { return .some(nil) }
        state.receivers.append(continuation)
        return nil
      }
      sender?.resume(returning: true)
      if let answer { continuation.resume(returning: answer) }
    }
  }

  /// Says that nothing more comes; what waits is still handed out.
  func finish() {
    let receivers = state.withLock { state in
      state.isFinished = true
      defer { state.receivers = [] }
      return state.receivers
    }
    for receiver in receivers { receiver.resume(returning: nil) }
  }

  /// Drops what waits and wakes everybody; returns what was dropped.
  @discardableResult
  func cancel() -> [Element] {
    let (dropped, receivers, senders) = state.withLock { state in
      state.isCancelled = true
      defer {
        state.elements = []
        state.receivers = []
        state.senders = []
      }
      return (state.elements, state.receivers, state.senders)
    }
    for receiver in receivers { receiver.resume(returning: nil) }
    for sender in senders { sender.continuation.resume(returning: false) }
    return dropped
  }
}
