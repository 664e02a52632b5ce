public import VDB

/// Another source's texts, each with some metadata more.
public final class LabelledSource: ResumableSource {
  private let source: any TextSource
  private let metadata: Metadata

  /// Adds `metadata` to each entry of `source`; what an entry has itself stays.
  public init(_ source: any TextSource, metadata: Metadata) {
    self.source = source
    self.metadata = metadata
  }

  /// That of the source.
  public var count: Int? { source.count }
  /// That of the source.
  public var share: Double? { source.share }

  /// That of the source, with the metadata; `nil` when it cannot be resumed.
  public var identity: SourceIdentity? {
    guard var identity = (source as? any ResumableSource)?.identity else { return nil }
    for (key, value) in metadata.sorted(by: { $0.key < $1.key }) {
      identity.state += ", \(key) \(value)"
    }
    return identity
  }
  /// That of the source.
  public var position: SourcePosition {
    (source as? any ResumableSource)?.position ?? SourcePosition()
  }

  /// Goes there in the source.
  ///
  /// - Throws: What the source throws.
  public func skip(to position: SourcePosition) throws {
    try (source as? any ResumableSource)?.skip(to: position)
  }

  /// The next entries; `nil` after the last one.
  ///
  /// - Throws: What the source throws.
  public func next(_ limit: Int) throws -> [TextEntry]? {
    try source.next(limit)?.map { entry in
      var entry = entry
      entry.metadata.merge(metadata) { own, _ in own }
      return entry
    }
  }
}
