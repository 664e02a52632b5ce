internal import Foundation
internal import VDB

/// Reads one line of JSON Lines into the columns of a batch.
///
/// `id`, `vector`, `text`, `original` (if it is a string) and `metadata` have their meaning; every other
/// key is metadata. An object
/// within metadata is flattened, its keys joined by dots.
struct RecordParser {
  /// What a line held besides its vector.
  struct Line {
    var id: RecordID?
    var text: String?
    var original: String?
    var metadata: Metadata = [:]
    /// Numbers appended to the vector column; `nil` if the line has no vector.
    var vectorCount: Int?
  }

  private var scanner = JSONScanner()
  /// Keys of this line's objects that were flattened; they must not occur again either.
  private var flattened: [String] = []

  /// Parses a line, appending its vector to `vectors`.
  mutating func parse(
    _ text: Span<UInt8>,
    appendingVectorTo vectors: inout [Float]
  ) throws(JSONFault) -> Line {
    scanner.offset = 0
    flattened.removeAll(keepingCapacity: true)
    var line = Line()
    var seen: (id: Bool, text: Bool, metadata: Bool) = (false, false, false)
    try scanner.expect(0x7B, text, "at the start of a record")
    if !scanner.take(0x7D, text) {
      repeat {
        _ = scanner.next(text)
        let start = scanner.offset
        let key = try scanner.string(text)
        try scanner.expect(0x3A, text, "after a key")
        switch key {
        case "id":
          if seen.id { throw duplicate(key, start) }
          seen.id = true
          line.id = try id(text)
        case "text":
          if seen.text { throw duplicate(key, start) }
          seen.text = true
          line.text = try document(text)
        case "vector":
          if line.vectorCount != nil { throw duplicate(key, start) }
          line.vectorCount = try vector(text, into: &vectors)
        case "original" where scanner.next(text) == 0x22:
          if line.original != nil || line.metadata[key] != nil { throw duplicate(key, start) }
          line.original = try scanner.string(text)
        case "original" where line.original != nil: throw duplicate(key, start)
        case "metadata":
          if seen.metadata { throw duplicate(key, start) }
          seen.metadata = true
          try metadata(text, into: &line.metadata)
        default:
          try member(key, start, text, into: &line.metadata, depth: 1)
        }
      } while scanner.take(0x2C, text)
      try scanner.expect(0x7D, text, "or ',' after a value")
    }
    try scanner.expectEnd(text)
    return line
  }

  private mutating func id(_ text: Span<UInt8>) throws(JSONFault) -> RecordID {
    let next = scanner.next(text)
    let start = scanner.offset
    switch next {
    case 0x22:
      let id = try scanner.string(text)
      guard (1...RecordID.maxStringBytes).contains(id.utf8.count) else {
        throw JSONFault(
          offset: start,
          reason: "an id has 1 to \(RecordID.maxStringBytes) bytes, this one \(id.utf8.count)"
        )
      }
      return .string(id)
    case 0x2D, 0x30...0x39:
      if case .int(let number) = try scanner.number(text) { return .integer(number) }
      throw JSONFault(offset: start, reason: "an id that is a number must be a 64-bit integer")
    case 0x7B:
      scanner.offset += 1
      if try scanner.string(text) == "$uuid" {
        try scanner.expect(0x3A, text, "after a key")
        if let uuid = UUID(uuidString: try scanner.string(text)) {
          try scanner.expect(0x7D, text, "after a UUID")
          return .uuid(uuid)
        }
      }
      throw JSONFault(offset: start, reason: "an id that is an object must be {\"$uuid\": \"…\"}")
    default:
      throw scanner.fault("an id is a string or an integer, found \(scanner.found(text))")
    }
  }

  private mutating func document(_ text: Span<UInt8>) throws(JSONFault) -> String? {
    switch scanner.next(text) {
    case 0x22: return try scanner.string(text)
    case 0x6E:
      try scanner.word("null", text)
      return nil
    default: throw scanner.fault("a text is a string or null, found \(scanner.found(text))")
    }
  }

  private mutating func vector(
    _ text: Span<UInt8>,
    into vectors: inout [Float]
  ) throws(JSONFault) -> Int {
    try scanner.expect(0x5B, text, "at the start of a vector")
    let before = vectors.count
    let start = scanner.offset
    if !scanner.take(0x5D, text) {
      repeat {
        _ = scanner.next(text)
        vectors.append(try scanner.float(text))
        if vectors.count - before > VDBLimits.dimension.upperBound {
          throw scanner.fault("a vector has at most \(VDBLimits.dimension.upperBound) numbers")
        }
      } while scanner.take(0x2C, text)
      try scanner.expect(0x5D, text, "or ',' after a number")
    }
    let count = vectors.count - before
    if count == 0 { throw JSONFault(offset: start, reason: "the vector is empty") }
    return count
  }

  private mutating func metadata(
    _ text: Span<UInt8>,
    into metadata: inout Metadata
  ) throws(JSONFault) {
    switch scanner.next(text) {
    case 0x7B:
      scanner.offset += 1
      try members(prefix: "", text, into: &metadata, depth: 1)
    case 0x6E: try scanner.word("null", text)
    default: throw scanner.fault("metadata is an object or null, found \(scanner.found(text))")
    }
  }

  /// The members of an object whose brace is read, each under `prefix` and its key.
  private mutating func members(
    prefix: String,
    _ text: Span<UInt8>,
    into metadata: inout Metadata,
    depth: Int
  ) throws(JSONFault) {
    if scanner.take(0x7D, text) { return }
    var isFirst = true
    repeat {
      _ = scanner.next(text)
      let start = scanner.offset
      let key = try scanner.string(text)
      try scanner.expect(0x3A, text, "after a key")
      if key == "$date", isFirst, !prefix.isEmpty {
        metadata[String(prefix.dropLast())] = try date(text, start)
        return
      }
      isFirst = false
      try member(prefix + key, start, text, into: &metadata, depth: depth)
    } while scanner.take(0x2C, text)
    try scanner.expect(0x7D, text, "or ',' after a value")
  }

  private mutating func member(
    _ key: String,
    _ start: Int,
    _ text: Span<UInt8>,
    into metadata: inout Metadata,
    depth: Int
  ) throws(JSONFault) {
    if !flattened.isEmpty, flattened.contains(key) { throw duplicate(key, start) }
    if scanner.next(text) == 0x7B {
      if depth >= VDBLimits.metadataDepth { throw tooDeep() }
      if metadata[key] != nil { throw duplicate(key, start) }
      scanner.offset += 1
      try members(prefix: key + ".", text, into: &metadata, depth: depth + 1)
      flattened.append(key)
      return
    }
    let value = try value(text, depth: depth)
    if metadata.updateValue(value, forKey: key) != nil { throw duplicate(key, start) }
  }

  private mutating func value(_ text: Span<UInt8>, depth: Int) throws(JSONFault) -> MetadataValue {
    switch scanner.next(text) {
    case 0x22: return .string(try scanner.string(text))
    case 0x2D, 0x30...0x39:
      switch try scanner.number(text) {
      case .int(let value): return .int(value)
      case .double(let value): return .double(value)
      }
    case 0x74:
      try scanner.word("true", text)
      return .bool(true)
    case 0x66:
      try scanner.word("false", text)
      return .bool(false)
    case 0x6E:
      try scanner.word("null", text)
      return .null
    case 0x5B: return try array(text, depth: depth)
    case 0x7B:
      let start = scanner.offset
      scanner.offset += 1
      if scanner.next(text) == 0x22, try scanner.string(text) == "$date" {
        try scanner.expect(0x3A, text, "after a key")
        return try date(text, start)
      }
      throw JSONFault(
        offset: start,
        reason: "an array in metadata holds an object; only numbers, strings, true, false, null "
          + "and arrays of them can be kept"
      )
    default: throw scanner.fault("expected a value, found \(scanner.found(text))")
    }
  }

  private mutating func array(_ text: Span<UInt8>, depth: Int) throws(JSONFault) -> MetadataValue {
    if depth >= VDBLimits.metadataDepth { throw tooDeep() }
    scanner.offset += 1
    var values: [MetadataValue] = []
    if scanner.take(0x5D, text) { return .array(values) }
    repeat {
      values.append(try value(text, depth: depth + 1))
    } while scanner.take(0x2C, text)
    try scanner.expect(0x5D, text, "or ',' after a value")
    return .array(values)
  }

  /// The number and closing brace of `{"$date": seconds}`.
  private mutating func date(
    _ text: Span<UInt8>,
    _ start: Int
  ) throws(JSONFault) -> MetadataValue {
    _ = scanner.next(text)
    let seconds: Double
    switch try scanner.number(text) {
    case .int(let value): seconds = Double(value)
    case .double(let value): seconds = value
    }
    guard scanner.take(0x7D, text) else {
      throw JSONFault(offset: start, reason: "a date is written {\"$date\": seconds since 1970}")
    }
    return .date(Date(timeIntervalSince1970: seconds))
  }

  private func duplicate(_ key: String, _ start: Int) -> JSONFault {
    JSONFault(offset: start, reason: "the key '\(key)' occurs twice")
  }

  private func tooDeep() -> JSONFault {
    scanner.fault("metadata is nested deeper than \(VDBLimits.metadataDepth) levels")
  }
}
