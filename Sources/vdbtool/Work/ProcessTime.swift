import Foundation

/// How long all threads of this process have run.
enum ProcessTime {
  static var seconds: Double {
    var time = timespec()
    unsafe clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }

  /// Longer than a collection waits before it counts as resting.
  private static let window = Duration.milliseconds(600)
  private static let attempts = 100

  /// Waits until the process does next to nothing, a minute at most.
  static func settle() async throws {
    for _ in 0..<attempts {
      let before = seconds
      try await Task.sleep(for: window)
      if seconds - before < 0.02 * (window / .seconds(1)) { return }
    }
  }
}
