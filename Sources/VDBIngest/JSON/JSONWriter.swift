internal import Foundation
package import VDB

/// Puts JSON text together in one buffer of bytes, without spaces, keys in the order given.
package struct JSONWriter {
  /// What was written so far.
  package private(set) var bytes: [UInt8] = []
  /// Whether the next element of an object or array needs a comma before it.
  private var needsComma = false

  package init() {}

  /// Forgets the text and keeps the memory.
  package mutating func reset() {
    bytes.removeAll(keepingCapacity: true)
    needsComma = false
  }

  /// The text as a string.
  package var text: String { String(decoding: bytes, as: UTF8.self) }

  /// Ends a line of JSON Lines.
  package mutating func newline() {
    bytes.append(0x0A)
    needsComma = false
  }

  /// An object, whose members `body` writes.
  package mutating func object(_ body: (inout JSONWriter) throws -> Void) rethrows {
    try group(0x7B, 0x7D, body)
  }

  /// An array, whose elements `body` writes.
  package mutating func array(_ body: (inout JSONWriter) throws -> Void) rethrows {
    try group(0x5B, 0x5D, body)
  }

  private mutating func group(
    _ opening: UInt8,
    _ closing: UInt8,
    _ body: (inout JSONWriter) throws -> Void
  ) rethrows {
    separate()
    bytes.append(opening)
    needsComma = false
    try body(&self)
    bytes.append(closing)
    needsComma = true
  }

  /// The key of a member; its value follows.
  package mutating func key(_ key: String) {
    separate()
    quote(key)
    bytes.append(0x3A)
    needsComma = false
  }

  /// A key with its value.
  package mutating func member(_ key: String, _ value: String) {
    self.key(key)
    string(value)
  }

  /// A key with its value.
  package mutating func member(_ key: String, _ value: some BinaryInteger) {
    self.key(key)
    int(value)
  }

  /// A key with its value.
  package mutating func member(_ key: String, _ value: Bool) {
    self.key(key)
    bool(value)
  }

  /// A key with a number that is rounded to so many digits after the point.
  package mutating func member(_ key: String, rounded value: Double, _ digits: Int) {
    self.key(key)
    rounded(value, digits)
  }

  package mutating func string(_ value: String) {
    separate()
    quote(value)
    needsComma = true
  }

  package mutating func int(_ value: some BinaryInteger) { raw(String(value)) }
  package mutating func bool(_ value: Bool) { raw(value ? "true" : "false") }
  package mutating func null() { raw("null") }

  /// The shortest digits that read back as the same number; `null` if it is not finite.
  package mutating func double(_ value: Double) { raw(value.isFinite ? value.description : "null") }

  /// The shortest digits that read back as the same number; `null` if it is not finite.
  package mutating func float(_ value: Float) { raw(value.isFinite ? value.description : "null") }

  /// A number rounded to so many digits after the point, for rates and times.
  package mutating func rounded(_ value: Double, _ digits: Int) {
    let power = (0..<digits).reduce(1.0) { product, _ in product * 10 }
    let rounded = (value * power).rounded() / power
    if digits == 0, let whole = Int(exactly: rounded) { int(whole) } else { double(rounded) }
  }

  /// Text that is JSON already.
  package mutating func raw(_ json: String) {
    separate()
    bytes.append(contentsOf: json.utf8)
    needsComma = true
  }

  /// An id so that it reads back as the same: a UUID as `{"$uuid": …}`.
  package mutating func id(_ id: RecordID) {
    switch id {
    case .string(let text): string(text)
    case .integer(let number): int(number)
    case .uuid(let uuid):
      object {
        $0.key("$uuid")
        $0.string(uuid.uuidString)
      }
    }
  }

  /// Metadata with sorted keys, so that equal records are equal lines.
  package mutating func metadata(_ metadata: Metadata) {
    object { writer in
      for (key, value) in metadata.sorted(by: { $0.key < $1.key }) {
        writer.key(key)
        writer.value(value)
      }
    }
  }

  /// A value so that it reads back as the same: a date as `{"$date": seconds since 1970}`.
  package mutating func value(_ value: MetadataValue) {
    switch value {
    case .null: null()
    case .bool(let value): bool(value)
    case .int(let value): int(value)
    case .double(let value): double(value)
    case .string(let value): string(value)
    case .date(let date):
      object {
        $0.key("$date")
        $0.double(date.timeIntervalSince1970)
      }
    case .array(let values):
      array { for value in values { $0.value(value) } }
    }
  }

  private mutating func separate() { if needsComma { bytes.append(0x2C) } }

  private mutating func quote(_ text: String) {
    bytes.append(0x22)
    for byte in text.utf8 {
      switch byte {
      case 0x22, 0x5C:
        bytes.append(0x5C)
        bytes.append(byte)
      case 0x0A: bytes.append(contentsOf: #"\n"#.utf8)
      case 0x0D: bytes.append(contentsOf: #"\r"#.utf8)
      case 0x09: bytes.append(contentsOf: #"\t"#.utf8)
      case 0..<0x20, 0x7F:
        // Written out, so that a terminal never acts on what a record contains.
        let digits = String(byte, radix: 16)
        bytes.append(contentsOf: (digits.utf8.count < 2 ? #"\u000"# : #"\u00"#).utf8)
        bytes.append(contentsOf: digits.utf8)
      default: bytes.append(byte)
      }
    }
    bytes.append(0x22)
  }
}
