/// A number of a committed operation; grows with every row inserted or deleted in the store.
public struct SequenceNumber: Sendable, Hashable, Comparable, Codable, CustomStringConvertible {
  /// 1 for a store's first operation.
  public let value: UInt64
  /// Takes the values as they are.
  public init(_ value: UInt64) { self.value = value }
  /// By the number.
  public static func < (left: Self, right: Self) -> Bool { left.value < right.value }
  /// From its plain value.
  public init(from decoder: any Decoder) throws {
    value = try decoder.singleValueContainer().decode(UInt64.self)
  }
  /// As its plain value.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(value)
  }
  /// As text.
  public var description: String { String(value) }
}

/// Proof that a batch is on disk: it survives a crash of the process and a loss of power (I1).
public struct Receipt: Sendable, Hashable, Codable {
  /// The batch's operations; `nil` when there was nothing to do.
  public let sequences: ClosedRange<SequenceNumber>?
  /// Records that are new.
  public let inserted: Int
  /// Records that took the place of one with the same id.
  public let replaced: Int
  /// Records that are gone.
  public let deleted: Int

  /// The last operation, or sequence 0: what ``Consistency/atLeast(_:)`` takes.
  public var last: SequenceNumber { sequences?.upperBound ?? SequenceNumber(0) }
}

/// What happens to a record whose id is there already.
public enum InsertMode: String, Sendable, Codable {
  /// The whole batch is refused.
  case insert
  /// The new record takes the old one's place.
  case upsert
}
