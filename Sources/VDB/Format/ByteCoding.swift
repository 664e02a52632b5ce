/// Appends fixed-width little-endian numbers and bytes to a value.
struct ByteWriter {
  private(set) var bytes: [UInt8] = []

  init(capacity: Int = 64) { bytes.reserveCapacity(capacity) }

  mutating func put<Number: FixedWidthInteger>(_ number: Number) {
    unsafe withUnsafeBytes(of: number.littleEndian) { unsafe bytes.append(contentsOf: $0) }
  }

  /// Big-endian, as keys are, so that their order is the numbers' order.
  mutating func putBigEndian<Number: FixedWidthInteger>(_ number: Number) {
    unsafe withUnsafeBytes(of: number.bigEndian) { unsafe bytes.append(contentsOf: $0) }
  }

  mutating func put(_ number: Double) { put(number.bitPattern) }

  mutating func put(contentsOf other: some Collection<UInt8>) {
    let isDone: Void? = other.withContiguousStorageIfAvailable {
      unsafe bytes.append(contentsOf: $0)
    }
    if isDone == nil { bytes.append(contentsOf: other) }
  }

  mutating func put(_ other: UnsafeRawBufferPointer) { unsafe bytes.append(contentsOf: other) }

  /// Overwrites a number written before, when it is known only later.
  mutating func replace(at offset: Int, with number: UInt32) {
    unsafe withUnsafeBytes(of: number.littleEndian) { source in
      for index in 0..<4 { bytes[offset + index] = unsafe source[index] }
    }
  }
}

/// Why bytes on disk are not what this version writes.
struct MalformedBytes: Error {
  let reason: String
  init(_ reason: String) { self.reason = reason }
}

/// Takes fixed-width little-endian numbers and bytes from a value; every step checks its bounds (I9).
@safe
struct ByteReader {
  private let bytes: UnsafeRawBufferPointer
  private(set) var offset = 0

  /// The bytes must stay valid while the reader is used.
  init(_ bytes: UnsafeRawBufferPointer) { unsafe self.bytes = bytes }

  var remaining: Int { unsafe bytes.count - offset }

  mutating func take<Number: FixedWidthInteger>(
    _ type: Number.Type = Number.self
  ) throws(MalformedBytes) -> Number {
    let size = MemoryLayout<Number>.size
    guard remaining >= size else {
      throw MalformedBytes("ends \(size - remaining) bytes too early")
    }
    defer { offset += size }
    return unsafe Number(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: type))
  }

  mutating func takeDouble() throws(MalformedBytes) -> Double {
    Double(bitPattern: try take(UInt64.self))
  }

  mutating func take(count: Int) throws(MalformedBytes) -> UnsafeRawBufferPointer {
    guard count >= 0, remaining >= count else {
      throw MalformedBytes("ends \(count - remaining) bytes too early")
    }
    defer { offset += count }
    return unsafe UnsafeRawBufferPointer(rebasing: bytes[offset..<(offset + count)])
  }

  mutating func takeString(count: Int) throws(MalformedBytes) -> String {
    let raw = unsafe try take(count: count)
    guard let text = unsafe String(validating: raw, as: UTF8.self) else {
      throw MalformedBytes("text is not UTF-8")
    }
    return text
  }

  mutating func expectEnd() throws(MalformedBytes) {
    guard remaining == 0 else { throw MalformedBytes("\(remaining) bytes too many") }
  }
}

extension Array where Element == UInt8 {
  /// `withUnsafeBytes` that keeps the type of a thrown error.
  func withRawBytes<Result, Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    unsafe try withUnsafeBufferPointer { (buffer) throws(Failure) -> Result in
      try unsafe body(UnsafeRawBufferPointer(buffer))
    }
  }
}
