public import VDB

/// Another source's texts, each with some metadata more.
public final class LabelledSource: TextSource {
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
