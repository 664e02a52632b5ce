/// Changes of precision on whole arrays, in loops that the compiler turns into vector instructions.
enum RowConversion {
  /// Bytes as half-precision numbers, which hold 0 to 255 exactly.
  static func halves(_ bytes: [UInt8]) -> [UInt16] {
    if bytes.isEmpty { return [] }
    return unsafe [UInt16](unsafeUninitializedCapacity: bytes.count) { buffer, initialized in
      unsafe halfOfByte.withUnsafeBufferPointer { table in
        for index in bytes.indices { unsafe buffer[index] = table[Int(bytes[index])] }
      }
      initialized = bytes.count
    }
  }

  /// Numbers in single precision, and where the first finite one is that single precision lacks.
  static func floats(_ numbers: [Double]) -> (values: [Float], firstOverflow: Int?) {
    if numbers.isEmpty { return ([], nil) }
    var overflow = false
    let values = unsafe [Float](unsafeUninitializedCapacity: numbers.count) {
      buffer,
      initialized in
      for index in numbers.indices {
        let value = Float(numbers[index])
        overflow = overflow || value.magnitude == .infinity
        unsafe buffer[index] = value
      }
      initialized = numbers.count
    }
    guard overflow else { return (values, nil) }
    // An infinity that the file itself has is the store's to refuse, like NaN.
    return (values, numbers.indices.first { numbers[$0].isFinite && !values[$0].isFinite })
  }

  /// The half-precision bits of 0 to 255.
  private static let halfOfByte: [UInt16] = (0...255).map { number in
    guard number > 0 else { return 0 }
    let exponent = number.bitWidth - 1 - number.leadingZeroBitCount
    let fraction = (number << (10 - exponent)) & 0x3FF
    return UInt16((exponent + 15) << 10 | fraction)
  }
}
