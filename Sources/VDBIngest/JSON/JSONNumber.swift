/// A number as JSON writes it.
package enum JSONNumber: Hashable {
  /// A whole number without fraction and exponent that 64 bits hold.
  case int(Int64)
  /// Any other finite number, correctly rounded.
  case double(Double)
}

extension JSONScanner {
  /// The parts of a number, which decide exactly or show that more digits must be looked at.
  private struct Parts {
    var start = 0
    var isNegative = false
    var isWhole = true
    /// The first 19 significant digits.
    var digits: UInt64 = 0
    /// Whether there are more, not all of which are zero.
    var isCut = false
    /// Power of ten of the last digit kept.
    var exponent = 0
  }

  /// A number; the position is at its sign or first digit.
  package mutating func number(_ text: Span<UInt8>) throws(JSONFault) -> JSONNumber {
    let parts = try parts(text)
    if parts.isWhole, parts.exponent == 0, !parts.isCut {
      if !parts.isNegative, let value = Int64(exactly: parts.digits) { return .int(value) }
      if parts.isNegative, parts.digits <= 1 << 63 {
        return .int(Int64(truncatingIfNeeded: 0 &- parts.digits))
      }
    }
    return .double(try value(parts, text))
  }

  /// A number in single precision, rounded once from its decimal digits.
  package mutating func float(_ text: Span<UInt8>) throws(JSONFault) -> Float {
    let parts = try parts(text)
    let double = try value(parts, text)
    var float = Float(double)
    // A double halfway between two floats may be the rounding of a decimal beside the middle.
    let isHalfway = double.bitPattern & 0x1FFF_FFFF == 0x1000_0000
    if isHalfway || double.magnitude < Double(Float.leastNormalMagnitude), double != 0 {
      float = Float(spelling(parts, text)) ?? float
    }
    guard float.isFinite else {
      throw JSONFault(offset: parts.start, reason: "the number is too large for float32")
    }
    return float
  }

  private func value(_ parts: Parts, _ text: Span<UInt8>) throws(JSONFault) -> Double {
    // Both operands are exact doubles, so one operation rounds once (Clinger 1990).
    if !parts.isCut, parts.digits < 1 << 53, (-22...22).contains(parts.exponent) {
      let digits = Double(parts.digits)
      let power = Self.powersOfTen[Int(parts.exponent.magnitude)]
      let value = parts.exponent < 0 ? digits / power : digits * power
      return parts.isNegative ? -value : value
    }
    guard let value = Double(spelling(parts, text)), value.isFinite else {
      throw JSONFault(offset: parts.start, reason: "the number is too large for a double")
    }
    return value
  }

  private func spelling(_ parts: Parts, _ text: Span<UInt8>) -> String {
    unsafe text.extracting(parts.start..<offset).withUnsafeBufferPointer {
      unsafe String(decoding: $0, as: UTF8.self)
    }
  }

  @inline(__always)
  private func digit(_ text: Span<UInt8>) -> UInt64? {
    guard offset < text.count else { return nil }
    let value = text[offset] &- 0x30
    return value < 10 ? UInt64(value) : nil
  }

  private mutating func parts(_ text: Span<UInt8>) throws(JSONFault) -> Parts {
    var parts = Parts()
    parts.start = offset
    if offset < text.count, text[offset] == UInt8(ascii: "-") {
      parts.isNegative = true
      offset += 1
    }
    guard let first = digit(text) else { throw fault("expected a digit, found \(found(text))") }
    offset += 1
    parts.digits = first
    if first == 0 {
      if digit(text) != nil { throw fault("a number does not begin with a superfluous 0") }
    } else {
      while let digit = digit(text) {
        Self.add(digit, to: &parts, isFraction: false)
        offset += 1
      }
    }
    if offset < text.count, text[offset] == UInt8(ascii: ".") {
      offset += 1
      parts.isWhole = false
      guard digit(text) != nil else { throw fault("expected a digit, found \(found(text))") }
      while let digit = digit(text) {
        Self.add(digit, to: &parts, isFraction: true)
        offset += 1
      }
    }
    if offset < text.count, text[offset] | 0x20 == UInt8(ascii: "e") {
      parts.isWhole = false
      parts.exponent += try exponent(text)
    }
    return parts
  }

  @inline(__always)
  private static func add(_ digit: UInt64, to parts: inout Parts, isFraction: Bool) {
    if parts.digits < 1_000_000_000_000_000_000 {
      parts.digits = parts.digits &* 10 &+ digit
      if isFraction { parts.exponent -= 1 }
    } else {
      if digit != 0 { parts.isCut = true }
      if !isFraction { parts.exponent += 1 }
    }
  }

  private mutating func exponent(_ text: Span<UInt8>) throws(JSONFault) -> Int {
    offset += 1
    var isNegative = false
    if offset < text.count, text[offset] == UInt8(ascii: "-") || text[offset] == UInt8(ascii: "+") {
      isNegative = text[offset] == UInt8(ascii: "-")
      offset += 1
    }
    guard digit(text) != nil else { throw fault("expected a digit, found \(found(text))") }
    var value = 0
    while let digit = digit(text) {
      // Beyond this every double is 0 or infinite, whatever digits follow.
      if value < 100_000_000 { value = value * 10 + Int(digit) }
      offset += 1
    }
    return isNegative ? -value : value
  }

  private static let powersOfTen: [Double] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
  ]
}
