public import VDB

/// The texts of a collection: as they came before cleaning where that was kept, else the documents.
///
/// All of them come from one committed state, whatever is written meanwhile. A record without a text
/// gives an empty one, which the cleaners of this module refuse.
public final class CollectionSource: TextSource {
  private let view: CollectionView
  private var row: Int? = 0
  private var given = 0

  /// Records read at a time: few enough that long texts do not fill the memory.
  private static let stepRecords = 256

  /// Takes the collection as it is now.
  ///
  /// - Parameters:
  ///   - collection: The name of the collection, or an alias.
  ///   - store: The store, which may be open for reading only.
  /// - Throws: `.unknownCollection`.
  public init(_ collection: String, of store: VectorStore) throws(VectorStoreError) {
    view = try store.view(of: collection)
  }

  /// What the collection is.
  public var info: CollectionInfo { view.info }
  /// Records there are.
  public var count: Int? { view.info.live }
  /// How much has been handed out.
  public var share: Double? { view.info.live == 0 ? 1 : Double(given) / Double(view.info.live) }

  /// The next records' texts, ids and metadata; `nil` after the last one.
  ///
  /// - Throws: `VectorStoreError`, for records that are damaged.
  public func next(_ limit: Int) throws -> [TextEntry]? {
    var entries: [TextEntry] = []
    var bytes = 0
    while let from = row, entries.count < limit, bytes < LinesSource.pageBytes {
      let page = try view.scroll(
        from: from,
        limit: min(limit - entries.count, Self.stepRecords),
        including: [.metadata, .document, .original]
      )
      for record in page.records {
        let text = record.original ?? record.document ?? ""
        bytes += text.utf8.count
        entries.append(TextEntry(id: record.id, text: text, metadata: record.metadata))
      }
      row = page.next
    }
    given += entries.count
    return entries.isEmpty ? nil : entries
  }
}
