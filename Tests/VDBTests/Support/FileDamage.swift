import Foundation
import VectorKernels

/// A store's files as bytes, to be damaged by hand.
struct StoreFiles {
  let folder: String

  func path(_ name: String) -> String { folder + "/" + name }

  func read(_ name: String) throws -> [UInt8] {
    Array(try Data(contentsOf: URL(filePath: path(name))))
  }

  func write(_ bytes: [UInt8], to name: String) throws {
    try Data(bytes).write(to: URL(filePath: path(name)))
  }

  /// Rewrites the superblock with `change` and, if wanted, the checksum that then belongs to it.
  func changeSuperblock(sealing: Bool, _ change: (inout [UInt8]) -> Void) throws {
    var bytes = try read("superblock")
    change(&bytes)
    if sealing {
      let sum = bytes.prefix(60).withUnsafeBytes { Checksum.crc32c($0) }
      bytes.replaceSubrange(60..<64, with: withUnsafeBytes(of: sum.littleEndian) { Array($0) })
    }
    try write(bytes, to: "superblock")
  }

  /// Names and bytes of all files, those of the locks aside.
  func image() throws -> [String: [UInt8]] {
    var image: [String: [UInt8]] = [:]
    for name in try FileManager.default.contentsOfDirectory(atPath: folder)
    where name != "lock.mdb" && name != "writer.lock" {
      image[name] = try read(name)
    }
    return image
  }
}
