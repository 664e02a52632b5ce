/// The keys of the sub-databases, as docs/file-format.md lists them; nobody builds keys elsewhere.
enum Key {
  /// A collection and a row or block: `records`, `vectors`, `codes`, `tombstones`.
  static func item(_ collection: CollectionID, _ number: UInt32) -> [UInt8] {
    var writer = ByteWriter(capacity: 8)
    writer.putBigEndian(collection.number)
    writer.putBigEndian(number)
    return writer.bytes
  }

  /// The same as one number whose big-endian bytes are the key, for hot loops without an array.
  static func packed(_ collection: CollectionID, _ number: UInt32) -> UInt64 {
    (UInt64(collection.number) << 32 | UInt64(number)).bigEndian
  }

  /// What the keys of one collection begin with.
  static func prefix(_ collection: CollectionID) -> [UInt8] {
    var writer = ByteWriter(capacity: 4)
    writer.putBigEndian(collection.number)
    return writer.bytes
  }

  static func wal(_ collection: CollectionID, firstSequence: UInt64) -> [UInt8] {
    var writer = ByteWriter(capacity: 12)
    writer.putBigEndian(collection.number)
    writer.putBigEndian(firstSequence)
    return writer.bytes
  }

  static func graphPrefix(_ collection: CollectionID, generation: UInt32) -> [UInt8] {
    item(collection, generation)
  }

  static func graph(
    _ collection: CollectionID,
    generation: UInt32,
    layer: UInt8,
    block: UInt32
  ) -> [UInt8] {
    var writer = ByteWriter(capacity: 13)
    writer.putBigEndian(collection.number)
    writer.putBigEndian(generation)
    writer.put(layer)
    writer.putBigEndian(block)
    return writer.bytes
  }

  static func glog(_ collection: CollectionID, generation: UInt32, slice: UInt32) -> [UInt8] {
    var writer = ByteWriter(capacity: 12)
    writer.putBigEndian(collection.number)
    writer.putBigEndian(generation)
    writer.putBigEndian(slice)
    return writer.bytes
  }

  static func drop(_ collection: CollectionID) -> [UInt8] {
    var writer = ByteWriter(capacity: 9)
    writer.put(contentsOf: "drop/".utf8)
    writer.putBigEndian(collection.number)
    return writer.bytes
  }

  static let aliasPrefix = Array("alias/".utf8)

  static func alias(_ name: String) -> [UInt8] { aliasPrefix + name.utf8 }

  /// What the keys of one collection's marks begin with.
  static func markPrefix(_ collection: CollectionID) -> [UInt8] {
    var writer = ByteWriter(capacity: 64)
    writer.put(contentsOf: "mark/".utf8)
    writer.putBigEndian(collection.number)
    return writer.bytes
  }

  static func mark(_ collection: CollectionID, _ name: String) -> [UInt8] {
    markPrefix(collection) + name.utf8
  }

  static func recall(_ collection: CollectionID) -> [UInt8] {
    var writer = ByteWriter(capacity: 11)
    writer.put(contentsOf: "recall/".utf8)
    writer.putBigEndian(collection.number)
    return writer.bytes
  }

  /// The last four bytes of a key as the number they are.
  static func trailingNumber(_ key: UnsafeRawBufferPointer) -> UInt32 {
    guard key.count >= 4 else { return 0 }
    return unsafe UInt32(
      bigEndian: key.loadUnaligned(fromByteOffset: key.count - 4, as: UInt32.self)
    )
  }

  static let store = Array("store".utf8)
  static let sequence = Array("sequence".utf8)
  static let features = Array("features".utf8)
  static let nextCollection = Array("next-collection".utf8)
}
