/// A JSON text of a model's folder as a tree: small files, read once, in which nothing is repaired.
indirect enum ModelJSON: Hashable {
  case null
  case bool(Bool)
  case number(JSONNumber)
  case string(String)
  case array([ModelJSON])
  case object([String: ModelJSON])

  /// Levels of nesting at most, so that a hostile file cannot exhaust the stack.
  static let depthLimit = 32

  /// Reads the one value of `text`; nothing but white space may follow.
  ///
  /// A key that stands twice in one object is a fault: readers differ in which of the two counts.
  init(_ text: Span<UInt8>) throws(JSONFault) {
    var scanner = JSONScanner()
    self = try Self.value(&scanner, text, depth: 0)
    _ = scanner.next(text)
    if scanner.offset < text.count {
      throw scanner.fault("the text goes on after its end: \(scanner.found(text))")
    }
  }

  private static func value(
    _ scanner: inout JSONScanner,
    _ text: Span<UInt8>,
    depth: Int
  ) throws(JSONFault) -> ModelJSON {
    if depth > depthLimit { throw scanner.fault("more than \(depthLimit) levels of nesting") }
    switch scanner.next(text) {
    case UInt8(ascii: "{"): return try object(&scanner, text, depth: depth)
    case UInt8(ascii: "["): return try array(&scanner, text, depth: depth)
    case UInt8(ascii: "\""): return .string(try scanner.string(text))
    case UInt8(ascii: "t"):
      try scanner.word("true", text)
      return .bool(true)
    case UInt8(ascii: "f"):
      try scanner.word("false", text)
      return .bool(false)
    case UInt8(ascii: "n"):
      try scanner.word("null", text)
      return .null
    default: return .number(try scanner.number(text))
    }
  }

  private static func object(
    _ scanner: inout JSONScanner,
    _ text: Span<UInt8>,
    depth: Int
  ) throws(JSONFault) -> ModelJSON {
    var members: [String: ModelJSON] = [:]
    scanner.offset += 1
    if scanner.take(0x7D, text) { return .object(members) }
    repeat {
      _ = scanner.next(text)
      let start = scanner.offset
      let key = try scanner.string(text)
      try scanner.expect(0x3A, text, "after a key")
      if members.updateValue(try value(&scanner, text, depth: depth + 1), forKey: key) != nil {
        throw JSONFault(offset: start, reason: "the key \"\(key)\" stands twice in its object")
      }
    } while scanner.take(0x2C, text)
    try scanner.expect(0x7D, text, "or ',' after a value")
    return .object(members)
  }

  private static func array(
    _ scanner: inout JSONScanner,
    _ text: Span<UInt8>,
    depth: Int
  ) throws(JSONFault) -> ModelJSON {
    var elements: [ModelJSON] = []
    scanner.offset += 1
    if scanner.take(0x5D, text) { return .array(elements) }
    repeat {
      elements.append(try value(&scanner, text, depth: depth + 1))
    } while scanner.take(0x2C, text)
    try scanner.expect(0x5D, text, "or ',' after a value")
    return .array(elements)
  }

  /// The value of a key of an object; `nil` if there is none, if it is null, or if this is no object.
  subscript(key: String) -> ModelJSON? {
    guard case .object(let members) = self, let value = members[key], value != .null else {
      return nil
    }
    return value
  }

  var string: String? {
    guard case .string(let value) = self else { return nil }
    return value
  }

  var bool: Bool? {
    guard case .bool(let value) = self else { return nil }
    return value
  }

  /// A whole number, which may not be negative.
  var count: Int? {
    guard case .number(.int(let value)) = self, value >= 0 else { return nil }
    return Int(exactly: value)
  }

  var array: [ModelJSON]? {
    guard case .array(let value) = self else { return nil }
    return value
  }

  var object: [String: ModelJSON]? {
    guard case .object(let value) = self else { return nil }
    return value
  }
}
