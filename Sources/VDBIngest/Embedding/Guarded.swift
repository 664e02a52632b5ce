internal import Foundation

/// A value behind a lock that the thread sanitizer can see.
///
/// `Synchronization.Mutex` would do, but on Linux it is built from futexes within the standard library,
/// which is not instrumented: the sanitizer reports every use of it by two threads as a race, even a
/// counter (Swift 6.3.1). This lock is one of pthreads, which the sanitizer knows.
package final class Guarded<Value: Sendable>: @unchecked Sendable {
  private let lock = NSLock()
  /// Touched within `withLock` alone.
  private var value: Value

  package init(_ value: Value) { self.value = value }

  /// Runs `body`, which is short and calls nothing that waits, while no other thread does.
  package func withLock<Result>(_ body: (inout Value) throws -> Result) rethrows -> Result {
    lock.lock()
    defer { lock.unlock() }
    return try body(&value)
  }
}
