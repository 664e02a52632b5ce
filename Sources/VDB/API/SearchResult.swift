/// Which commits a query must see.
public enum Consistency: Sendable, Hashable {
  /// All that were committed when the query began, linked or not (I4).
  case latest
  /// Like `latest`, and an error unless the named commit is among them; for receipts that come from
  /// another process.
  case atLeast(SequenceNumber)
  /// Only rows in the graph: quicker while a large backlog waits, and blind to it.
  case linked
}

/// What a result brings along besides id and distance; less is quicker.
public struct ResultFields: OptionSet, Sendable, Hashable {
  /// The bits.
  public let rawValue: Int
  /// Takes the values as they are.
  public init(rawValue: Int) { self.rawValue = rawValue }
  /// The metadata.
  public static let metadata = ResultFields(rawValue: 1)
  /// The text.
  public static let document = ResultFields(rawValue: 2)
  /// The vector, in single precision.
  public static let vector = ResultFields(rawValue: 4)
  /// The text before cleaning, where it was another one and was kept.
  public static let original = ResultFields(rawValue: 8)
  /// All that a record has.
  public static let all: ResultFields = [.metadata, .document, .vector, .original]
}

/// A record near a query.
public struct SearchResult: Sendable, Hashable {
  /// The record's id.
  public let id: RecordID
  /// Smaller is nearer; see ``Metric`` for its meaning.
  public let distance: Float
  /// Larger is nearer; see ``Metric``.
  public let score: Float
  /// Empty unless asked for.
  public let metadata: Metadata
  /// `nil` unless asked for and there.
  public let document: String?
  /// `nil` unless asked for.
  public let vector: [Float]?
  /// `nil` unless asked for, kept, and another text than the document.
  public let original: String?
}

/// A row near a query, by the number it got when it was committed.
public struct RowMatch: Sendable, Hashable {
  /// 0 for a collection's first row; changed by compaction only.
  public let row: Int
  /// Smaller is nearer; see ``Metric``.
  public let distance: Float
}

/// One page of a collection's records in the order of their commits.
public struct ScrollPage: Sendable {
  /// At most as many as asked for; fewer only on the last page.
  public let records: [Record]
  /// Where the next page starts; `nil` after the last one.
  public let next: Int?
}
