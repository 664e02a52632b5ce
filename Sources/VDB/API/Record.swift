/// One thing to find: an id, its vector, and what is known of it.
public struct Record: Sendable, Hashable {
  /// Unique within the collection.
  public var id: RecordID
  /// As many finite numbers as the collection has dimensions.
  ///
  /// A record that was read has the numbers as its collection keeps them: those given under `float32`,
  /// rounded ones under `float16`, and for ``ElementType/int8`` under `cosine` whole numbers up to 127,
  /// the length of the vector that was given being lost.
  public var vector: [Float]
  /// Named values, at most ``VDBLimits/metadataBytes`` once encoded.
  public var metadata: Metadata
  /// The text that the vector stands for, if it is to be kept.
  public var document: String?

  /// Takes the values as they are.
  public init(id: RecordID, vector: [Float], metadata: Metadata = [:], document: String? = nil) {
    self.id = id
    self.vector = vector
    self.metadata = metadata
    self.document = document
  }
}

/// Limits that hold for every store; each is checked before anything is queued.
public enum VDBLimits {
  /// Bytes of one record's metadata, encoded.
  public static let metadataBytes = 64 * 1024
  /// Bytes of one record's document, in UTF-8.
  public static let documentBytes = 16 * 1024 * 1024
  /// Dimensions of a collection.
  public static let dimension = 1...65_536
  /// Rows of a collection, counting deleted ones until compaction.
  public static let rows = Int(Int32.max)
  /// Bytes of one batch: vectors, ids, metadata and documents together.
  public static let batchBytes = 256 * 1024 * 1024
  /// Levels of arrays within a metadata value.
  public static let metadataDepth = 32
  /// Characters of a collection's name: letters, digits, `_`, `-` and `.`, not beginning with `.`.
  public static let collectionNameLength = 1...64
}
