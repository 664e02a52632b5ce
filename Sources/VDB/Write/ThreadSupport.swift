import Foundation

/// A thread with a name that runs `body` and ends.
func startThread(
  named name: String,
  stackBytes: Int = 8 << 20,
  _ body: @escaping @Sendable () -> Void
) {
  let thread = Thread { body() }
  thread.name = name
  thread.stackSize = stackBytes
  thread.start()
}
