internal import VDB

/// A queue of limited length between tasks: senders wait while it is full, receivers while it is empty.
///
/// Cancelling wakes everybody, so a task that is cancelled needs no handler of its own per element; the
/// owner of the pipeline cancels its channels.
final class BoundedChannel<Element: Sendable>: Sendable {
  private struct State {
    var elements: [Element] = []
    var receivers: [Answer<Element?>] = []
    var senders: [(element: Element, answer: Answer<Bool>)] = []
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
  var highestDepth: Int { state.withLock { $0.highest } }

  /// Waits for room and hands the element over; `false` once nobody wants any more.
  func send(_ element: Element) async -> Bool {
    await Answer.wait { answer in
      var receiver: Answer<Element?>?
      let isTaken = state.withLock { state -> Bool? in
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
        state.senders.append((element, answer))
        return nil
      }
      receiver?.give(element)
      if let isTaken { answer.give(isTaken) }
    }
  }

  /// The next element, waiting for one; `nil` after the last one or once cancelled.
  func next() async -> Element? {
    await Answer.wait { answer in
      var sender: Answer<Bool>?
      let element = state.withLock { state -> Element?? in
        if state.isCancelled { return .some(nil) }
        if !state.elements.isEmpty {
          let first = state.elements.removeFirst()
          if !state.senders.isEmpty {
            let waiting = state.senders.removeFirst()
            state.elements.append(waiting.element)
            sender = waiting.answer
          }
          return first
        }
        if state.isFinished { return .some(nil) }
        state.receivers.append(answer)
        return nil
      }
      sender?.give(true)
      if let element { answer.give(element) }
    }
  }

  /// Says that nothing more comes; what waits is still handed out.
  func finish() {
    let receivers = state.withLock { state in
      state.isFinished = true
      defer { state.receivers = [] }
      return state.receivers
    }
    for receiver in receivers { receiver.give(nil) }
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
    for receiver in receivers { receiver.give(nil) }
    for sender in senders { sender.answer.give(false) }
    return dropped
  }
}
