import Foundation

/// A record's bytes: id, metadata, document and original.
///
/// The vector is elsewhere.
enum RecordCoding {
  /// Writes the id's kind and bytes as keys of `ids` have them.
  static func encode(id: RecordID, into writer: inout ByteWriter) {
    switch id {
    case .string(let text):
      writer.put(UInt8(1))
      writer.put(contentsOf: text.utf8)
    case .integer(let number):
      writer.put(UInt8(2))
      // The sign bit flipped, so that the bytes sort as the numbers do.
      writer.putBigEndian(UInt64(bitPattern: number) ^ (1 << 63))
    case .uuid(let uuid):
      writer.put(UInt8(3))
      unsafe withUnsafeBytes(of: uuid.uuid) { unsafe writer.put($0) }
    }
  }

  static func idKey(_ id: RecordID) -> [UInt8] {
    var writer = ByteWriter(capacity: 32)
    encode(id: id, into: &writer)
    return writer.bytes
  }

  /// The id whose kind and bytes these are.
  static func decodeID(_ bytes: UnsafeRawBufferPointer) throws(MalformedBytes) -> RecordID {
    var reader = unsafe ByteReader(bytes)
    let kind = try reader.take(UInt8.self)
    switch kind {
    case 1: return .string(try reader.takeString(count: reader.remaining))
    case 2:
      let number = try reader.take(UInt64.self).byteSwapped
      try reader.expectEnd()
      return .integer(Int64(bitPattern: number ^ (1 << 63)))
    case 3:
      let raw = try unsafe reader.take(count: 16)
      try reader.expectEnd()
      return .uuid(UUID(uuid: unsafe raw.loadUnaligned(as: uuid_t.self)))
    default: throw MalformedBytes("id of kind \(kind)")
    }
  }

  /// The parts of a record's value, still as bytes; valid as long as the value is.
  @safe
  struct Parts {
    /// Kind and bytes, as a key of `ids` has them after the collection.
    let idKind: UInt8
    let idBytes: UnsafeRawBufferPointer
    let metadata: UnsafeRawBufferPointer
    let document: UnsafeRawBufferPointer?
    /// `nil` where none is kept.
    let original: OriginalCoding.Parts?

    /// Kind and bytes of the id.
    var idKey: [UInt8] {
      var key = [idKind]
      unsafe key.append(contentsOf: idBytes)
      return key
    }

    /// The hash under which `PendingIDs` knows the id.
    func idHash() -> UInt64 { unsafe idKey.withRawBytes { unsafe PendingIDs.hash($0) } }

    func id() throws(MalformedBytes) -> RecordID {
      unsafe try idKey.withRawBytes { (raw) throws(MalformedBytes) -> RecordID in
        try unsafe RecordCoding.decodeID(raw)
      }
    }

    /// Whether the id's key (kind, then bytes) is `key`.
    func hasID(_ key: UnsafeRawBufferPointer) -> Bool {
      guard unsafe key.count == idBytes.count + 1, unsafe key[0] == idKind else { return false }
      return unsafe idBytes.elementsEqual(UnsafeRawBufferPointer(rebasing: key.dropFirst()))
    }

    func text() throws(MalformedBytes) -> String? {
      guard let document = unsafe document else { return nil }
      guard let text = unsafe String(validating: document, as: UTF8.self) else {
        throw MalformedBytes("the document is not UTF-8")
      }
      return text
    }

    /// The text before cleaning; `nil` where none is kept.
    func originalText() throws(MalformedBytes) -> String? {
      unsafe try original?.text(with: document)
    }
  }

  /// Splits a record's value without its checksum.
  static func parts(_ body: UnsafeRawBufferPointer) throws(MalformedBytes) -> Parts {
    var reader = unsafe ByteReader(body)
    let kind = try reader.take(UInt8.self)
    let id = try unsafe reader.take(count: Int(reader.take(UInt16.self)))
    let metadata = try unsafe reader.take(count: Int(reader.take(UInt32.self)))
    let documentMark = Int(try reader.take(UInt32.self))
    let document =
      try documentMark == 0 ? nil : unsafe reader.take(count: documentMark - 1)
    let original = unsafe try OriginalCoding.parts(&reader, document: document)
    try reader.expectEnd()
    return unsafe Parts(
      idKind: kind,
      idBytes: id,
      metadata: metadata,
      document: document,
      original: original
    )
  }

  /// A record's value without its checksum, appended to `writer`.
  ///
  /// - Returns: Whether it has an original.
  static func encode(
    idKey: ArraySlice<UInt8>,
    metadata: Metadata,
    document: String?,
    original: String? = nil,
    into writer: inout ByteWriter
  ) throws(MalformedBytes) -> Bool {
    writer.put(idKey.first ?? 0)
    writer.put(UInt16(idKey.count - 1))
    writer.put(contentsOf: idKey.dropFirst())
    let lengthOffset = writer.bytes.count
    writer.put(UInt32(0))
    try MetadataCoding.encode(metadata, into: &writer)
    let metadataBytes = writer.bytes.count - lengthOffset - 4
    guard metadataBytes <= VDBLimits.metadataBytes else {
      throw MalformedBytes("it has \(metadataBytes) bytes, the limit is \(VDBLimits.metadataBytes)")
    }
    writer.replace(at: lengthOffset, with: UInt32(metadataBytes))
    if let document {
      writer.put(UInt32(document.utf8.count + 1))
      writer.put(contentsOf: document.utf8)
    } else {
      writer.put(UInt32(0))
    }
    guard let original else { return false }
    return OriginalCoding.encode(original, document: document, into: &writer)
  }
}
