/// A named value of the application that belongs to a collection and is committed with its records.
///
/// What an importer has read so far is such a value: kept elsewhere it would be ahead of the records or
/// behind them after a crash.
public struct Mark: Sendable, Hashable {
  /// 1 to ``VDBLimits/markNameBytes`` bytes; unique within the collection.
  public var name: String
  /// At most ``VDBLimits/markBytes``; `nil` takes the mark away.
  public var value: [UInt8]?

  /// Takes the values as they are.
  public init(name: String, value: [UInt8]?) {
    self.name = name
    self.value = value
  }
}
