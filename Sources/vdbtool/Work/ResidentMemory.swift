import Foundation

/// Memory of this process that is in RAM, as Linux counts it; 0 where it does not say.
struct ResidentMemory {
  /// All of it, in bytes.
  var total = 0
  /// Pages of mapped files under `folder`, in bytes.
  var mapped = 0
  /// The most that the process had at any time, in bytes.
  var peak = 0

  static func now(mappedUnder folder: String) -> ResidentMemory {
    var memory = ResidentMemory()
    for line in lines("/proc/self/status") {
      if line.hasPrefix("VmRSS:") { memory.total = kilobytes(line) * 1024 }
      if line.hasPrefix("VmHWM:") { memory.peak = kilobytes(line) * 1024 }
    }
    var isOurs = false
    for line in lines("/proc/self/smaps") {
      if line.hasPrefix("Rss:") {
        if isOurs { memory.mapped += kilobytes(line) * 1024 }
      } else if line.contains("/") {
        isOurs = line.contains(folder)
      } else if line.first.map({ $0.isHexDigit && !$0.isUppercase }) ?? false {
        isOurs = false
      }
    }
    return memory
  }

  private static func lines(_ path: String) -> [Substring] {
    guard let handle = FileHandle(forReadingAtPath: path) else { return [] }
    var bytes = Data()
    do {
      // The kernel hands such files out in pieces, of which reading a whole file takes the first.
      while let piece = try handle.read(upToCount: 4096), !piece.isEmpty { bytes += piece }
    } catch {
      return []
    }
    return String(decoding: bytes, as: UTF8.self).split(separator: "\n")
  }

  private static func kilobytes(_ line: Substring) -> Int {
    line.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
  }
}
