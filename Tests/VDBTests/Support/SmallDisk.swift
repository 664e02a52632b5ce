import Foundation

/// A file system of a few megabytes in memory; only where the system lets us mount one.
struct SmallDisk {
  let path: String

  init?(at path: String, megabytes: Int) {
    self.path = path
    #if os(Linux)
      do {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
      } catch {
        return nil
      }
      guard Self.run("mount", "-t", "tmpfs", "-o", "size=\(megabytes)m", "tmpfs", path) else {
        return nil
      }
    #else
      return nil
    #endif
  }

  func makeReadOnly() -> Bool { Self.run("mount", "-o", "remount,ro", path) }

  func remove() {
    // A lazy one, since a map may outlive the store for a moment.
    if !Self.run("umount", "-l", path) { print("left mounted: \(path)") }
  }

  private static func run(_ arguments: String...) -> Bool {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = arguments
    process.standardError = FileHandle.nullDevice
    do { try process.run() } catch { return false }
    process.waitUntilExit()
    return process.terminationStatus == 0
  }
}
