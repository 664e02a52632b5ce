extension JSONScanner {
  /// A string; the position is at its opening quote.
  package mutating func string(_ text: Span<UInt8>) throws(JSONFault) -> String {
    guard next(text) == 0x22 else { throw fault("expected a string, found \(found(text))") }
    let opening = offset
    offset += 1
    let start = offset
    let count = text.count
    var bits: UInt8 = 0
    while offset < count {
      let byte = text[offset]
      if byte == 0x22 {
        let end = offset
        offset += 1
        return try Self.decode(text.extracting(start..<end), isASCII: bits < 0x80, at: start)
      }
      if byte == 0x5C { return try escapedString(text, opening: opening, start: start) }
      if byte < 0x20 { throw controlCharacter(byte) }
      bits |= byte
      offset += 1
    }
    throw JSONFault(offset: opening, reason: "the string that begins here does not end")
  }

  /// A string that has escapes; the position is at the first of them.
  private mutating func escapedString(
    _ text: Span<UInt8>,
    opening: Int,
    start: Int
  ) throws(JSONFault) -> String {
    scratch.removeAll(keepingCapacity: true)
    for index in start..<offset { scratch.append(text[index]) }
    while offset < text.count {
      let byte = text[offset]
      switch byte {
      case 0x22:
        offset += 1
        return try Self.decode(scratch.span, isASCII: false, at: start)
      case 0x5C: try escape(text)
      case 0..<0x20: throw controlCharacter(byte)
      default:
        scratch.append(byte)
        offset += 1
      }
    }
    throw JSONFault(offset: opening, reason: "the string that begins here does not end")
  }

  private mutating func escape(_ text: Span<UInt8>) throws(JSONFault) {
    let start = offset
    guard offset + 1 < text.count else { throw fault("the line ends within an escape") }
    let letter = text[offset + 1]
    offset += 2
    switch letter {
    case 0x22, 0x5C, 0x2F: scratch.append(letter)
    case UInt8(ascii: "b"): scratch.append(0x08)
    case UInt8(ascii: "f"): scratch.append(0x0C)
    case UInt8(ascii: "n"): scratch.append(0x0A)
    case UInt8(ascii: "r"): scratch.append(0x0D)
    case UInt8(ascii: "t"): scratch.append(0x09)
    case UInt8(ascii: "u"):
      var value = try hexadecimal(text)
      if (0xD800...0xDBFF).contains(value), offset + 1 < text.count, text[offset] == 0x5C,
        text[offset + 1] == UInt8(ascii: "u")
      {
        offset += 2
        let low = try hexadecimal(text)
        if (0xDC00...0xDFFF).contains(low) {
          value = 0x10000 + (value - 0xD800) << 10 + (low - 0xDC00)
        }
      }
      guard let scalar = Unicode.Scalar(value) else {
        throw JSONFault(offset: start, reason: "half of a surrogate pair stands alone")
      }
      scratch.append(contentsOf: String(Character(scalar)).utf8)
    default: throw JSONFault(offset: start, reason: "there is no such escape")
    }
  }

  private mutating func hexadecimal(_ text: Span<UInt8>) throws(JSONFault) -> UInt32 {
    guard offset + 4 <= text.count else { throw fault("the line ends within an escape") }
    var value: UInt32 = 0
    for _ in 0..<4 {
      let byte = text[offset]
      switch byte {
      case 0x30...0x39: value = value << 4 | UInt32(byte - 0x30)
      case 0x41...0x46: value = value << 4 | UInt32(byte - 0x37)
      case 0x61...0x66: value = value << 4 | UInt32(byte - 0x57)
      default: throw fault("expected four hexadecimal digits, found \(found(text))")
      }
      offset += 1
    }
    return value
  }

  private func controlCharacter(_ byte: UInt8) -> JSONFault {
    let code = String(byte, radix: 16, uppercase: true)
    return fault("the control character 0x\(code) must be written as an escape in a string")
  }

  private static func decode(
    _ bytes: Span<UInt8>,
    isASCII: Bool,
    at start: Int
  ) throws(JSONFault) -> String {
    let string = unsafe bytes.withUnsafeBufferPointer { buffer -> String? in
      isASCII
        ? unsafe String(decoding: buffer, as: UTF8.self)
        : unsafe String(validating: buffer, as: UTF8.self)
    }
    guard let string else {
      throw JSONFault(offset: start, reason: "the string that begins here is not UTF-8")
    }
    return string
  }
}
