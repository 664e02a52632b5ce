/// How far the indexer is.
public struct IndexStatus: Sendable, Hashable, Codable {
  /// Rows committed, over all collections (or the one asked for).
  public let rows: Int
  /// Rows in the graph.
  public let indexed: Int
  /// Rows waiting.
  public var backlog: Int { rows - indexed }
  /// Rows per second over the last seconds.
  public let rate: Double
  /// Seconds until the backlog is done at this rate; `nil` when nothing moves.
  public let etaSeconds: Double?
  /// Seconds since the oldest row that waits was committed.
  public let lagSeconds: Double
}

/// What a store consists of, for people and monitoring.
public struct StoreStatistics: Sendable, Codable {
  /// A sub-database's share of the file.
  public struct Table: Sendable, Codable {
    /// Its name.
    public let name: String
    /// Number of keys.
    public let entries: Int
    /// Bytes of its pages.
    public let bytes: Int
  }
  /// A collection's figures.
  public struct Collection: Sendable, Codable {
    /// Its name.
    public let name: String
    /// The names that stand for it, sorted.
    public let aliases: [String]
    /// What it was created as.
    public let options: CollectionOptions
    /// Rows ever committed, deleted ones included.
    public let rows: Int
    /// Records there are.
    public let live: Int
    /// Rows whose record was deleted or replaced, not reclaimed yet.
    public let deleted: Int
    /// Rows in the graph.
    public let indexed: Int
    /// Rows that wait for the graph.
    public let backlog: Int
    /// `degreeHistogram[d]` nodes of layer 0 have d links.
    public let degreeHistogram: [Int]
    /// Nodes of each layer of the graph, bottom first.
    public let layerNodes: [Int]
    /// Bytes of codes and links that search touches.
    public let residentBytes: Int
    /// What is known of searches for 1, 10 and 100 results that name no width; empty when the
    /// collection is not calibrated.
    public let recall: [RecallEstimate]
  }
  /// A read transaction on the file.
  public struct Reader: Sendable, Codable {
    /// The process that holds it.
    public let processID: Int
    /// Commits since it began: what it keeps from being reused.
    public let lag: Int
    /// Seconds since it began; known for this process's only.
    public let ageSeconds: Double?
  }

  /// The folder of the store.
  public let path: String
  /// Version of the file format.
  public let formatVersion: Int
  /// Bytes of the data file in use.
  public let fileBytes: Int
  /// Bytes in the file that the next commits reuse.
  public let freeBytes: Int
  /// Address space reserved: what the file may grow to.
  public let mapSizeBytes: Int
  /// The last committed operation.
  public let lastSequence: SequenceNumber
  /// Rows ever committed, deleted ones included.
  public let rows: Int
  /// Records there are.
  public let live: Int
  /// Rows whose record was deleted or replaced, not reclaimed yet.
  public let deleted: Int
  /// Rows in the graph.
  public let indexed: Int
  /// Rows that wait for the graph.
  public let backlog: Int
  /// The sub-databases.
  public let tables: [Table]
  /// The collections, by name.
  public let collections: [Collection]
  /// Read transactions, of all processes.
  public let readers: [Reader]
}

/// How thoroughly `verify` looks.
public enum VerifyDepth: String, Sendable, Codable {
  /// Counts, watermarks, keys and headers.
  case quick
  /// Every checksum, every id, every link (all invariants).
  case deep
}

/// What `verify` found.
public struct VerifyReport: Sendable, Codable {
  /// One broken promise.
  public struct Problem: Sendable, Hashable, Codable {
    /// The invariant's number in docs/invariants.md, such as "I6".
    public let invariant: String
    /// Sub-database, collection, row or block.
    public let place: String
    /// What is wrong.
    public let detail: String
  }
  /// How thoroughly was looked.
  public let depth: VerifyDepth
  /// Values whose checksum was compared.
  public let checkedValues: Int
  /// Rows that were looked at.
  public let checkedRows: Int
  /// The first problems found, at most 100.
  public let problems: [Problem]
  /// Whether all is well.
  public var isSound: Bool { problems.isEmpty }
}

/// What compaction did.
public struct CompactReport: Sendable, Codable {
  /// Bytes of the data file before.
  public let bytesBefore: Int
  /// Bytes of the data file now.
  public let bytesAfter: Int
  /// Deleted rows that were left out.
  public let rowsReclaimed: Int
  /// How long it took.
  public let seconds: Double
}

/// A step of a long operation, for progress displays.
public struct OperationProgress: Sendable, Hashable {
  /// What is being done, in a few words.
  public let stage: String
  /// Steps done.
  public let done: Int
  /// Steps in all.
  public let total: Int
}
