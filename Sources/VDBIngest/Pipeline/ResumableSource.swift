/// A place between two entries of a source, in the source's own units.
public struct SourcePosition: Sendable, Hashable, Codable {
  /// Bytes before it, or whatever the source counts.
  public var offset: Int
  /// Lines before it, or whatever the source counts within `offset`.
  public var line: Int

  /// Takes the values as they are; 0, 0 is the beginning.
  public init(offset: Int = 0, line: Int = 0) {
    self.offset = offset
    self.line = line
  }
}

/// Which source it is, and in which state.
public struct SourceIdentity: Sendable, Hashable, Codable {
  /// The same in every run, such as a file's full path.
  public var name: String
  /// Another one as soon as the source may give other entries.
  public var state: String

  /// Takes the values as they are.
  public init(name: String, state: String) {
    self.name = name
    self.state = state
  }
}

/// A source that can be read on from a place where it was before, in another run.
public protocol ResumableSource: TextSource {
  /// Which source it is; `nil` when it cannot be read again, such as standard input.
  var identity: SourceIdentity? { get }
  /// Where the entry begins that comes next.
  var position: SourcePosition { get }
  /// Goes to a place that ``position`` named in a source of the same identity.
  func skip(to position: SourcePosition) throws
}
