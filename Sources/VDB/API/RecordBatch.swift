/// Rows of numbers side by side, in the precision they come in.
public struct VectorRows: Sendable, Hashable {
  /// The numbers, row after row.
  public enum Storage: Sendable, Hashable {
    case float32([Float])
    /// IEEE half precision, as bit patterns.
    case float16([UInt16])
    case int8([Int8])
  }

  /// `count * dimension` numbers.
  public let storage: Storage
  /// Numbers per row; 0 only in ``none``.
  public let dimension: Int
  /// Number of rows.
  public let count: Int

  /// Of records without vectors: no numbers and dimension 0.
  public static let none = VectorRows()

  private init() {
    storage = .float32([])
    dimension = 0
    count = 0
  }

  /// - Precondition: the number of values is a multiple of `dimension`.
  public init(_ storage: Storage, dimension: Int) {
    let values =
      switch storage {
      case .float32(let x): x.count
      case .float16(let x): x.count
      case .int8(let x): x.count
      }
    precondition(dimension >= 1, "a row has at least one number, not \(dimension)")
    precondition(values % dimension == 0, "\(values) numbers are no whole rows of \(dimension)")
    self.storage = storage
    self.dimension = dimension
    self.count = values / dimension
  }
}

/// Records column by column: the quick way in for those who have rows of numbers already.
public struct RecordBatch: Sendable {
  /// One id a row.
  public var ids: [RecordID]
  /// One vector an id; ``VectorRows/none`` for a collection without vectors.
  public var vectors: VectorRows
  /// Empty, or one a row.
  public var metadata: [Metadata]
  /// Empty, or one a row.
  public var documents: [String?]
  /// Empty, or one a row: the texts that the documents were made of, where they are to be kept.
  public var originals: [String?]

  /// Takes the values as they are.
  public init(
    ids: [RecordID],
    vectors: VectorRows,
    metadata: [Metadata] = [],
    documents: [String?] = [],
    originals: [String?] = []
  ) {
    self.ids = ids
    self.vectors = vectors
    self.metadata = metadata
    self.documents = documents
    self.originals = originals
  }

  /// Records without vectors, for a collection of dimension 0.
  public init(ids: [RecordID], metadata: [Metadata] = [], documents: [String?] = []) {
    self.init(ids: ids, vectors: .none, metadata: metadata, documents: documents)
  }

  /// Number of rows.
  public var count: Int { ids.count }
}
