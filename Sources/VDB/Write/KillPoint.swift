import Foundation
import Synchronization

/// Named moments at which a test ends the process, to see what a crash there leaves behind.
///
/// `VDB_KILLPOINT=name:count` raises SIGKILL when the point is reached for the count-th time. Without
/// the variable a point costs one comparison.
enum KillPoint {
  private static let armed: (name: String, remaining: CountDown)? = {
    guard let setting = ProcessInfo.processInfo.environment["VDB_KILLPOINT"] else { return nil }
    let parts = setting.split(separator: ":")
    guard let name = parts.first else { return nil }
    return (String(name), CountDown(parts.count > 1 ? Int(parts[1]) ?? 1 : 1))
  }()

  private final class CountDown: Sendable {
    let left: Atomic<Int>
    init(_ count: Int) { left = Atomic(count) }
  }

  static func reach(_ name: StaticString) {
    guard let armed, armed.name == name.description else { return }
    if armed.remaining.left.subtract(1, ordering: .relaxed).newValue == 0 {
      kill(getpid(), SIGKILL)
      // The signal is on its way; nothing may happen after this point.
      while true { sleep(1) }
    }
  }
}
