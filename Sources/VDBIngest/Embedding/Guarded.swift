internal import Foundation

/// A value behind a lock that the thread sanitizer can see.
///
/// `Synchronization.Mutex` would do, but on Linux it is built from futexes within the standard library,
/// which is not instrumented: the sanitizer reports every use of it by two threads as a race, even a
/// counter (Swift 6.3.1). This lock is one of pthreads, which the sanitizer knows.
// @unchecked: the value is given away to this object and only reached with the lock held; what is taken
// out of it is `sending`, and so no longer a part of it.
package final class Guarded<Value>: @unchecked Sendable {
  private let lock = NSLock()
  private nonisolated(unsafe) var value: Value

  package init(_ value: sending Value) { unsafe self.value = value }

  /// Runs `body` alone with the value.
  package func withLock<Result, Failure: Error>(
    _ body: (inout sending Value) throws(Failure) -> sending Result
  ) throws(Failure) -> sending Result {
    lock.lock()
    defer { lock.unlock() }
    return try unsafe body(&value)
  }
}
