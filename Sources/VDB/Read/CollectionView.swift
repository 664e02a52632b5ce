/// A collection as it was at one moment, whatever is committed meanwhile.
///
/// While it lives, pages of the file that later commits free are not used again; keep it no longer than
/// it is needed.
public final class CollectionView: Sendable {
  private let snapshot: Snapshot
  private let collection: CollectionSnapshot

  init(_ snapshot: Snapshot, _ collection: CollectionSnapshot) {
    self.snapshot = snapshot
    self.collection = collection
  }

  /// What the collection was and how far it had come.
  public var info: CollectionInfo { snapshot.info(of: collection) }

  /// One page of records, in the order in which they were committed.
  ///
  /// - Parameters:
  ///   - position: 0, or `next` of the page before.
  ///   - limit: Records at most, 1 to 100 000.
  ///   - fields: What each record brings along.
  /// - Returns: The records, and where the next page starts.
  /// - Throws: `.invalidArgument`, `.corrupted`.
  public func scroll(
    from position: Int = 0,
    limit: Int = 1000,
    including fields: ResultFields = .all
  ) throws(VectorStoreError) -> ScrollPage {
    guard (1...100_000).contains(limit) else {
      throw .invalidArgument(name: "limit", reason: "must be 1 to 100000, not \(limit)")
    }
    var row = Row(clamping: position)
    var records: [Record] = []
    while row < collection.rows, records.count < limit {
      if !collection.live.isDeleted(row) {
        records.append(try collection.readRecord(row, in: snapshot.reading, including: fields))
      }
      row += 1
    }
    return ScrollPage(records: records, next: row < collection.rows ? Int(row) : nil)
  }
}
