import VectorKernels

/// Small values end in a checksum over their key and bytes: a value under the wrong key is noticed too.
enum SealedValue {
  static let checksumBytes = 4

  static func checksum(key: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer) -> UInt32 {
    unsafe Checksum.crc32c(value, seed: Checksum.crc32c(key))
  }

  /// `value` with its checksum behind it.
  static func seal(_ value: [UInt8], key: [UInt8]) -> [UInt8] {
    var sealed = value
    let sum = unsafe key.withRawBytes { key in
      unsafe value.withRawBytes { value in unsafe checksum(key: key, value: value) }
    }
    unsafe withUnsafeBytes(of: sum.littleEndian) { unsafe sealed.append(contentsOf: $0) }
    return sealed
  }

  /// Puts the checksum into the last bytes of a value that is complete before them.
  static func seal(inPlace value: UnsafeMutableRawBufferPointer, key: [UInt8]) {
    let body = unsafe UnsafeRawBufferPointer(rebasing: value.dropLast(checksumBytes))
    let sum = unsafe key.withRawBytes { unsafe checksum(key: $0, value: body) }
    unsafe value.storeBytes(of: sum.littleEndian, toByteOffset: body.count, as: UInt32.self)
  }

  /// The value without its checksum, which must be right.
  static func open(
    _ sealed: UnsafeRawBufferPointer,
    key: UnsafeRawBufferPointer
  ) throws(MalformedBytes) -> UnsafeRawBufferPointer {
    guard sealed.count >= checksumBytes else { throw MalformedBytes("too short for a checksum") }
    let body = unsafe UnsafeRawBufferPointer(rebasing: sealed.dropLast(checksumBytes))
    let stored = unsafe UInt32(
      littleEndian: sealed.loadUnaligned(fromByteOffset: body.count, as: UInt32.self)
    )
    guard unsafe stored == checksum(key: key, value: body) else {
      throw MalformedBytes("checksum differs")
    }
    return unsafe body
  }
}
