import Foundation
import TestSupport

/// Bytes of test files, put together by hand so that they may lie.
struct Bytes {
  var data: [UInt8] = []

  init(_ data: [UInt8] = []) { self.data = data }
  init(_ text: String) { data = Array(text.utf8) }

  /// Appends a number, little-endian.
  func adding<Number: FixedWidthInteger>(_ number: Number) -> Bytes {
    var copy = self
    withUnsafeBytes(of: number.littleEndian) { copy.data.append(contentsOf: $0) }
    return copy
  }

  func adding(_ numbers: [Float]) -> Bytes {
    numbers.reduce(self) { $0.adding($1.bitPattern) }
  }

  func adding(_ bytes: [UInt8]) -> Bytes { Bytes(data + bytes) }

  func dropping(_ count: Int) -> Bytes { Bytes(Array(data.dropLast(count))) }

  /// A NumPy file with any header and body.
  static func npy(
    _ header: String,
    _ body: [UInt8] = [],
    version: (UInt8, UInt8) = (1, 0),
    length: Int? = nil
  ) -> Bytes {
    let start = Bytes([0x93] + Array("NUMPY".utf8) + [version.0, version.1])
    let length = length ?? header.utf8.count
    let sized = version.0 == 1 ? start.adding(UInt16(length)) : start.adding(UInt32(length))
    return sized.adding(Array(header.utf8)).adding(body)
  }

  /// A NumPy file as numpy.save writes it.
  static func npy(descr: String, shape: String, _ body: [UInt8]) -> Bytes {
    npy("{'descr': '\(descr)', 'fortran_order': False, 'shape': \(shape), }\n", body)
  }
}

/// Writes the bytes under a name in a fresh folder and runs `body` with the path.
func withFile<Result>(
  _ name: String,
  _ bytes: Bytes,
  _ body: (String) throws -> Result
) throws -> Result {
  try TemporaryFolder.with { folder in
    let path = folder + "/" + name
    try Data(bytes.data).write(to: URL(filePath: path))
    return try body(path)
  }
}
