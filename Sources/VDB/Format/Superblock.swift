import VectorKernels

/// The 64 bytes that make a folder a store, checked before LMDB maps anything.
struct Superblock: Equatable {
  static let fileName = "superblock"
  static let byteCount = 64
  static let currentVersion: UInt32 = 1
  private static let magic = Array("VDBSTORE".utf8)
  private static let endianTag: UInt32 = 0x0102_0304

  let storeID: [UInt8]
  let pageSize: UInt32
  let createdSeconds: UInt64

  func encoded() -> [UInt8] {
    var writer = ByteWriter(capacity: Self.byteCount)
    writer.put(contentsOf: Self.magic)
    writer.put(Self.currentVersion)
    writer.put(Self.endianTag)
    writer.put(contentsOf: storeID)
    writer.put(pageSize)
    writer.put(UInt32(0))
    writer.put(createdSeconds)
    writer.put(contentsOf: [UInt8](repeating: 0, count: 12))
    unsafe writer.put(writer.bytes.withRawBytes { unsafe Checksum.crc32c($0) })
    return writer.bytes
  }

  init(storeID: [UInt8], pageSize: UInt32, createdSeconds: UInt64) {
    precondition(storeID.count == 16)
    self.storeID = storeID
    self.pageSize = pageSize
    self.createdSeconds = createdSeconds
  }

  /// - Throws: `.notAStore`, `.newerFormat`, or `.corrupted` when the checksum differs.
  init(decoding bytes: [UInt8], path: String) throws(VectorStoreError) {
    guard bytes.count == Self.byteCount, Array(bytes.prefix(8)) == Self.magic else {
      throw .notAStore(path: path, reason: "its superblock does not begin with VDBSTORE")
    }
    let sum = unsafe bytes.withRawBytes { raw in
      unsafe Checksum.crc32c(UnsafeRawBufferPointer(rebasing: raw.prefix(60)))
    }
    guard sum == Self.number(bytes, at: 60) else {
      throw .corrupted(place: "superblock", detail: "checksum differs")
    }
    guard Self.number(bytes, at: 12) == Self.endianTag else {
      throw .notAStore(path: path, reason: "it was written on a machine of another byte order")
    }
    let version = Self.number(bytes, at: 8)
    guard version <= Self.currentVersion, Self.number(bytes, at: 36) == 0 else {
      throw .newerFormat(found: Int(version), supported: Int(Self.currentVersion))
    }
    storeID = Array(bytes[16..<32])
    pageSize = Self.number(bytes, at: 32)
    createdSeconds = UInt64(Self.number(bytes, at: 44)) << 32 | UInt64(Self.number(bytes, at: 40))
  }

  private static func number(_ bytes: [UInt8], at offset: Int) -> UInt32 {
    bytes[offset..<(offset + 4)].reversed().reduce(0) { $0 << 8 | UInt32($1) }
  }
}
