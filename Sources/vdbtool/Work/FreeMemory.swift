import Foundation

/// Memory that is free, but perhaps not there yet.
enum FreeMemory {
  /// Touches so many free bytes once, an eighth of the machine's memory at most, and gives them back.
  ///
  /// A virtual machine's host often backs memory only when it is first touched (and takes back what was
  /// free for a while), which costs ten times as much as writing it. Whoever happens to get such pages
  /// would seem slow; after this, the pages that are handed out next are backed.
  static func touch(byteCount: Int) {
    let page = 4096
    let byteCount = min(byteCount, Int(clamping: ProcessInfo.processInfo.physicalMemory / 8))
    let memory = unsafe mmap(
      nil,
      byteCount,
      PROT_READ | PROT_WRITE,
      MAP_PRIVATE | anonymous,
      -1,
      0
    )
    guard let memory = unsafe memory, unsafe memory != MAP_FAILED else { return }
    for offset in stride(from: 0, to: byteCount, by: page) {
      unsafe memory.storeBytes(of: 1, toByteOffset: offset, as: UInt8.self)
    }
    unsafe munmap(memory, byteCount)
  }

  #if canImport(Darwin)
    private static let anonymous = MAP_ANON
  #else
    private static let anonymous = CInt(MAP_ANONYMOUS)
  #endif
}
