import Foundation

/// A record's metadata as bytes: fields in the order of their names' bytes, so that equal metadata is
/// equal bytes.
enum MetadataCoding {
  /// - Throws: what is wrong, in words that fit behind "the metadata cannot be stored: ".
  static func encode(_ metadata: Metadata, into writer: inout ByteWriter) throws(MalformedBytes) {
    guard metadata.count <= Int(UInt16.max) else { throw MalformedBytes("more than 65535 fields") }
    writer.put(UInt16(metadata.count))
    let fields = metadata.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
    for (name, value) in fields {
      guard name.utf8.count <= Int(UInt16.max) else {
        throw MalformedBytes("a field name is too long")
      }
      writer.put(UInt16(name.utf8.count))
      writer.put(contentsOf: name.utf8)
      try encode(value, of: name, depth: 0, into: &writer)
    }
  }

  private static func encode(
    _ value: MetadataValue,
    of name: String,
    depth: Int,
    into writer: inout ByteWriter
  ) throws(MalformedBytes) {
    guard depth <= VDBLimits.metadataDepth else {
      throw MalformedBytes("'\(name)' is nested more than \(VDBLimits.metadataDepth) deep")
    }
    switch value {
    case .null: writer.put(UInt8(0))
    case .bool(let flag): writer.put(UInt8(flag ? 2 : 1))
    case .int(let number):
      writer.put(UInt8(3))
      writer.put(number)
    case .double(let number):
      guard number.isFinite else { throw MalformedBytes("'\(name)' is not a finite number") }
      writer.put(UInt8(4))
      writer.put(number)
    case .string(let text):
      guard text.utf8.count <= VDBLimits.metadataBytes else {
        throw MalformedBytes("'\(name)' is over \(VDBLimits.metadataBytes) bytes")
      }
      writer.put(UInt8(5))
      writer.put(UInt32(text.utf8.count))
      writer.put(contentsOf: text.utf8)
    case .date(let date):
      guard date.timeIntervalSince1970.isFinite else {
        throw MalformedBytes("'\(name)' is not a finite date")
      }
      writer.put(UInt8(6))
      writer.put(date.timeIntervalSince1970)
    case .array(let values):
      writer.put(UInt8(7))
      writer.put(UInt32(values.count))
      for value in values { try encode(value, of: name, depth: depth + 1, into: &writer) }
    }
  }

  static func decode(_ bytes: UnsafeRawBufferPointer) throws(MalformedBytes) -> Metadata {
    var reader = unsafe ByteReader(bytes)
    let count = Int(try reader.take(UInt16.self))
    var metadata = Metadata(minimumCapacity: count)
    for _ in 0..<count {
      let name = try reader.takeString(count: Int(reader.take(UInt16.self)))
      metadata[name] = try decodeValue(&reader, depth: 0)
    }
    try reader.expectEnd()
    return metadata
  }

  private static func decodeValue(
    _ reader: inout ByteReader,
    depth: Int
  ) throws(MalformedBytes) -> MetadataValue {
    guard depth <= VDBLimits.metadataDepth else { throw MalformedBytes("metadata nested too deep") }
    let kind = try reader.take(UInt8.self)
    switch kind {
    case 0: return .null
    case 1: return .bool(false)
    case 2: return .bool(true)
    case 3: return .int(try reader.take(Int64.self))
    case 4: return .double(try reader.takeDouble())
    case 5: return .string(try reader.takeString(count: Int(reader.take(UInt32.self))))
    case 6: return .date(Date(timeIntervalSince1970: try reader.takeDouble()))
    case 7:
      let count = Int(try reader.take(UInt32.self))
      // Each value takes a byte at least, so a lying count cannot make us allocate much.
      guard count <= reader.remaining else { throw MalformedBytes("an array of \(count) values") }
      var values: [MetadataValue] = []
      values.reserveCapacity(count)
      for _ in 0..<count { values.append(try decodeValue(&reader, depth: depth + 1)) }
      return .array(values)
    default: throw MalformedBytes("metadata value of kind \(kind)")
    }
  }
}
