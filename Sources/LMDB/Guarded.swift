#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// A value behind a lock of the operating system.
///
/// `Synchronization.Mutex` would do, but the thread sanitizer does not see its lock on Linux and takes
/// each use by two threads for a race.
// @unchecked: the value is given away to this object and only reached with the lock held; what is taken
// out of it is `sending`, and so no longer a part of it.
@safe
package final class Guarded<Value>: @unchecked Sendable {
  private let mutex: UnsafeMutablePointer<pthread_mutex_t>
  private nonisolated(unsafe) var value: Value

  package init(_ value: sending Value) {
    unsafe mutex = .allocate(capacity: 1)
    unsafe mutex.initialize(to: pthread_mutex_t())
    let code = unsafe pthread_mutex_init(mutex, nil)
    precondition(code == 0, "no lock could be made (code \(code))")
    unsafe self.value = value
  }

  deinit {
    unsafe pthread_mutex_destroy(mutex)
    unsafe mutex.deallocate()
  }

  /// Runs `body` alone with the value; it must not wait for anything.
  package func withLock<Result, Failure: Error>(
    _ body: (inout sending Value) throws(Failure) -> sending Result
  ) throws(Failure) -> sending Result {
    unsafe pthread_mutex_lock(mutex)
    defer { unsafe pthread_mutex_unlock(mutex) }
    return try unsafe body(&value)
  }
}
