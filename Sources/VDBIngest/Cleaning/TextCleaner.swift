/// A step that makes a text fit for embedding: takes away what means nothing, changes nothing else.
///
/// A cleaner is a pure function and is called from several tasks at once. Cleaners are put in a row
/// with ``CleaningChain``; your own stands beside those of this module:
///
///     struct WithoutSignature: TextCleaner {
///       let name = "without-signature"
///       func clean(_ text: String) -> String? { text.components(separatedBy: "\n-- \n").first }
///     }
public protocol TextCleaner: Sendable {
  /// A short name for reports; it says what changes, settings included.
  var name: String { get }
  /// The cleaned text, or `nil` for a text that is not worth storing.
  func clean(_ text: String) -> String?
}

/// Cleaners one after the other; the first that answers `nil` ends it.
public struct CleaningChain: TextCleaner {
  /// In the order in which they run.
  public var cleaners: [any TextCleaner]

  /// Takes the cleaners in their order.
  public init(_ cleaners: [any TextCleaner]) { self.cleaners = cleaners }

  /// Stripped HTML, no control characters, composed Unicode, single spaces, nothing empty.
  public static var standard: CleaningChain {
    CleaningChain([HTMLStripping(), ControlCharacters(), Composition(), Whitespace(), Length()])
  }

  /// Only what costs next to nothing: no control characters, single spaces, nothing empty.
  public static var fast: CleaningChain {
    CleaningChain([ControlCharacters(), Whitespace(), Length()])
  }

  /// The names, joined by `+`.
  public var name: String { cleaners.map(\.name).joined(separator: "+") }

  /// Runs the cleaners in their order.
  public func clean(_ text: String) -> String? {
    var text = text
    for cleaner in cleaners {
      guard let cleaned = cleaner.clean(text) else { return nil }
      text = cleaned
    }
    return text
  }
}
