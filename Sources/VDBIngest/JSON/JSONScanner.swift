/// What is wrong in a JSON text, and at which byte of it, from 0.
package struct JSONFault: Error, Hashable {
  package let offset: Int
  package let reason: String
}

/// The position in one JSON text, and the steps that need no knowledge of what the text means.
///
/// The text is passed to every step instead of being kept, so that it can be a borrowed part of a
/// read buffer. Nothing is repaired: what RFC 8259 forbids is a fault with its place.
package struct JSONScanner {
  /// The next byte to look at.
  package var offset = 0
  /// Bytes of a string with escapes while it is put together.
  var scratch: [UInt8] = []

  /// Begins at the first byte.
  package init() {}

  /// Steps over white space; returns the next byte, or 0 at the end, which no JSON text contains.
  @inline(__always)
  package mutating func next(_ text: Span<UInt8>) -> UInt8 {
    while offset < text.count {
      let byte = text[offset]
      if byte > 0x20 { return byte }
      guard byte == 0x20 || byte == 0x09 || byte == 0x0D || byte == 0x0A else { return byte }
      offset += 1
    }
    return 0
  }

  /// Steps over `byte` if it is next.
  @inline(__always)
  package mutating func take(_ byte: UInt8, _ text: Span<UInt8>) -> Bool {
    guard next(text) == byte else { return false }
    offset += 1
    return true
  }

  package mutating func expect(
    _ byte: UInt8,
    _ text: Span<UInt8>,
    _ where: StaticString
  ) throws(JSONFault) {
    if take(byte, text) { return }
    let mark = Character(Unicode.Scalar(byte))
    throw fault("expected '\(mark)' \(`where`), found \(found(text))")
  }

  package mutating func expectEnd(_ text: Span<UInt8>) throws(JSONFault) {
    _ = next(text)
    if offset < text.count { throw fault("the line goes on after its object: \(found(text))") }
  }

  /// `true`, `false` or `null`.
  package mutating func word(_ word: StaticString, _ text: Span<UInt8>) throws(JSONFault) {
    let count = word.utf8CodeUnitCount
    guard offset + count <= text.count else {
      throw fault("expected a value, found a cut-off word")
    }
    for index in 0..<count where unsafe text[offset + index] != word.utf8Start[index] {
      throw fault("expected a value, found \(found(text))")
    }
    offset += count
  }

  package func fault(_ reason: String) -> JSONFault { JSONFault(offset: offset, reason: reason) }

  /// What is at the position, for a message.
  package func found(_ text: Span<UInt8>) -> String {
    guard offset < text.count else { return "the end of the line" }
    let byte = text[offset]
    if (0x21...0x7E).contains(byte) { return "'\(Character(Unicode.Scalar(byte)))'" }
    return "the byte 0x" + String(byte, radix: 16, uppercase: true)
  }
}
