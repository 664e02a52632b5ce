import Foundation

/// What becomes of a thread where several want the same core.
enum ThreadPriority {
  /// It gets as much as others.
  case normal
  /// Others get three times as much: nobody waits for it.
  case background

  /// The kernel weighs a thread that is nicer by 5 with a third.
  private static let niceness: Int32 = 5

  /// Makes it the calling thread's, and that of threads it starts.
  ///
  /// For good: without privileges a thread cannot raise its priority again.
  fileprivate func adopt() {
    #if !canImport(Darwin)
      // Linux keeps a nice value a thread; elsewhere it is the process's.
      if self == .background { _ = nice(Self.niceness) }
    #endif
  }
}

/// A thread with a name that runs `body` and ends.
func startThread(
  named name: String,
  stackBytes: Int = 8 << 20,
  priority: ThreadPriority = .normal,
  _ body: @escaping @Sendable () -> Void
) {
  let thread = Thread {
    priority.adopt()
    body()
  }
  thread.name = name
  thread.stackSize = stackBytes
  #if canImport(Darwin)
    if priority == .background { thread.qualityOfService = .utility }
  #endif
  thread.start()
}

/// Runs `body` at a priority and waits for it; a low one needs a thread of its own.
func withThread<Result>(
  of priority: ThreadPriority,
  named name: String,
  _ body: () -> Result
) -> Result {
  if priority == .normal { return body() }
  return withoutActuallyEscaping(body) { body in
    let work = LentWork(body)
    startThread(named: name, priority: priority) { work.perform() }
    return work.wait()
  }
}

/// Work that one thread does while the one that lends it waits.
///
/// Safe to share: `body` and `result` are the performing thread's until `done` is signalled, then the
/// waiting one's.
private final class LentWork<Result>: @unchecked Sendable {
  private var body: (() -> Result)?
  private var result: Result?
  private let done = DispatchSemaphore(value: 0)

  init(_ body: @escaping () -> Result) { self.body = body }

  func perform() {
    result = body?()
    body = nil
    done.signal()
  }

  func wait() -> Result {
    done.wait()
    guard let result else { preconditionFailure("the work was done") }
    return result
  }
}
