internal import CVectorKernels

/// Checksums of stored bytes.
package enum Checksum {
  /// The CRC-32C of `bytes`, continuing from `seed`, the checksum of what comes before them.
  ///
  /// - Complexity: O(`bytes.count`), no allocation.
  package static func crc32c(_ bytes: UnsafeRawBufferPointer, seed: UInt32 = 0) -> UInt32 {
    guard let base = bytes.baseAddress else { return seed }
    return unsafe vk_crc32c(seed, base, bytes.count)
  }

  /// The CRC-32C of `bytes`, continuing from `seed`, the checksum of what comes before them.
  package static func crc32c(_ bytes: RawSpan, seed: UInt32 = 0) -> UInt32 {
    unsafe bytes.withUnsafeBytes { unsafe crc32c($0, seed: seed) }
  }
}
