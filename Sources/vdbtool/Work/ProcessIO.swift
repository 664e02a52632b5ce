import Foundation

/// What Linux counts of this process's writes so far.
struct ProcessIO {
  /// Bytes handed over in calls that write: the pages of a commit, each as often as it is written.
  var handedOver = 0
  /// Bytes of the page cache that became dirty: whole folios, which may be many pages of which one changed.
  var dirtied = 0

  /// `nil` where the system does not say.
  static func now() -> ProcessIO? {
    guard let handle = FileHandle(forReadingAtPath: "/proc/self/io") else { return nil }
    let bytes: Data?
    do { bytes = try handle.readToEnd() } catch { return nil }
    var counts = ProcessIO()
    for line in String(decoding: bytes ?? Data(), as: UTF8.self).split(separator: "\n") {
      guard let number = line.split(separator: " ").last.flatMap({ Int($0) }) else { continue }
      if line.hasPrefix("wchar:") { counts.handedOver = number }
      if line.hasPrefix("write_bytes:") { counts.dirtied = number }
    }
    return counts
  }

  func since(_ earlier: ProcessIO) -> ProcessIO {
    ProcessIO(handedOver: handedOver - earlier.handedOver, dirtied: dirtied - earlier.dirtied)
  }

  mutating func add(_ other: ProcessIO) {
    handedOver += other.handedOver
    dirtied += other.dirtied
  }
}
