public import VDB

/// One text to be stored, as a source gives it.
public struct TextEntry: Sendable, Hashable {
  /// The record's id; `nil` takes one that is derived from the cleaned text, the same in every run.
  public var id: RecordID?
  /// The text, not cleaned yet.
  public var text: String
  /// Named values that are stored beside it.
  public var metadata: Metadata
  /// What the text was before an earlier cleaning, where it was cleaned already; kept instead of it.
  public var original: String?

  /// Takes the values as they are.
  public init(
    id: RecordID? = nil,
    text: String,
    metadata: Metadata = [:],
    original: String? = nil
  ) {
    self.id = id
    self.text = text
    self.metadata = metadata
    self.original = original
  }
}

/// Where texts come from: read in pages, from front to back, once.
///
/// ``next(_:)`` may block; the pipeline calls it on a thread that may wait, one call at a time.
public protocol TextSource: AnyObject {
  /// Entries there are, when that is known before reading.
  var count: Int? { get }
  /// How much has been read, 0 to 1, when that can be told.
  var share: Double? { get }
  /// The next entries, at most `limit` and at least one; `nil` after the last one.
  ///
  /// A source whose entries come slowly returns those that it has rather than wait for more: what was
  /// returned is committed when nothing follows for ``IngestConfiguration/idleTime``.
  ///
  /// - Throws: What is wrong with the input, and where. Nothing is read after that.
  func next(_ limit: Int) throws -> [TextEntry]?
}

/// Entries that are in memory.
public final class TextList: TextSource {
  private let entries: [TextEntry]
  private var position = 0

  /// Takes the entries in their order.
  public init(_ entries: [TextEntry]) { self.entries = entries }

  /// The number of entries.
  public var count: Int? { entries.count }
  /// How much has been handed out.
  public var share: Double? {
    entries.isEmpty ? 1 : Double(position) / Double(entries.count)
  }

  /// The next entries; `nil` after the last one.
  public func next(_ limit: Int) -> [TextEntry]? {
    guard position < entries.count else { return nil }
    let page = entries[position..<min(position + limit, entries.count)]
    position = page.endIndex
    return Array(page)
  }
}
