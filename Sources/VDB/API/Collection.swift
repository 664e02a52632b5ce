/// How near two vectors are to each other.
public enum Metric: String, Sendable, Codable, CaseIterable {
  /// Distance `1 - cos`, 0 to 2; score `cos`. Zero vectors are refused.
  case cosine
  /// Distance `-(a · b)`; score `a · b`.
  case dot
  /// Distance is Euclidean, in the vectors' own unit; score is its negative.
  case l2
}

/// How a collection keeps its vectors' numbers.
public enum ElementType: String, Sendable, Codable, CaseIterable {
  /// 4 bytes a number, as given.
  case float32
  /// 2 bytes a number, rounded to IEEE half precision (11 significant bits, up to 65 504).
  case float16
  /// 1 byte a number. Under `cosine` each vector is scaled so that its largest component is 127 and
  /// rounded; under `dot` and `l2` components must be whole numbers from -128 to 127.
  ///
  /// The scale is not kept: under `cosine` the store gives back the whole numbers, a vector of the
  /// same direction (but for the rounding) and of another length. Vectors given as bytes are kept as
  /// they are under every metric.
  case int8
}

/// When rows enter the graph.
///
/// Rows that are not in it yet are found all the same, by their codes or a scan.
public enum IndexingMode: String, Sendable, Codable, CaseIterable {
  /// After the commit, by the background indexer.
  case background
  /// Before `insertBatch` returns.
  case immediate
  /// Only when ``VectorStore/index(_:)`` is called.
  case manual
}

/// The shape of the graph.
public struct IndexParameters: Sendable, Hashable, Codable {
  /// Links a node makes when it is inserted, 4 to 64; layer 0 keeps up to twice as many.
  public var m: Int
  /// Width of the search for a new node's neighbours, 1 to 4 096; they are chosen among twice as many.
  ///
  /// More is slower and better.
  public var efConstruction: Int
  /// Seed of the levels and of the rotation of the codes.
  public var seed: UInt64

  /// Takes the values as they are.
  public init(m: Int = 16, efConstruction: Int = 96, seed: UInt64 = 0x5EED) {
    self.m = m
    self.efConstruction = efConstruction
    self.seed = seed
  }
}

/// What a collection is, fixed when it is created.
public struct CollectionOptions: Sendable, Hashable, Codable {
  /// Numbers per vector, 1 to 65 536.
  ///
  /// 0 makes a collection of records without vectors: nothing is indexed, and a search there is an error.
  public var dimension: Int
  /// How near two vectors are.
  public var metric: Metric
  /// How the numbers are kept.
  public var element: ElementType
  /// The shape of the graph.
  public var index: IndexParameters
  /// When rows enter the graph.
  public var indexing: IndexingMode
  /// Which model made the vectors; checked wherever one is named again.
  public var model: String?

  /// Whether records have vectors, and so can be searched by them.
  public var hasVectors: Bool { dimension > 0 }

  /// Takes the values as they are.
  public init(
    dimension: Int,
    metric: Metric = .cosine,
    element: ElementType = .float32,
    index: IndexParameters = IndexParameters(),
    indexing: IndexingMode = .background,
    model: String? = nil
  ) {
    self.dimension = dimension
    self.metric = metric
    self.element = element
    self.index = index
    self.indexing = indexing
    self.model = model
  }
}

/// A collection and how far it has come.
public struct CollectionInfo: Sendable, Hashable, Codable {
  /// Its name, unique in the store.
  public let name: String
  /// The names that stand for it, sorted; see ``VectorStore/setAlias(_:to:)``.
  public internal(set) var aliases: [String] = []
  /// What it was created as.
  public let options: CollectionOptions
  /// Rows ever committed; the next row's number.
  public let rows: Int
  /// Records there are.
  public let live: Int
  /// Rows whose record was deleted or replaced, not reclaimed yet.
  public var deleted: Int { rows - live }
  /// Rows in the graph.
  public let indexed: Int
  /// Rows that a query goes through one by one, since the graph does not contain them yet; 0 where there are
  /// no vectors.
  public var backlog: Int { options.hasVectors ? rows - indexed : 0 }
}
