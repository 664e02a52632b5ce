internal import VDB

/// Texts of a CSV or TSV file whose first row names the columns.
///
/// Columns other than text and id become metadata, as strings; empty cells are left out.
public final class TableSource: ResumableSource {
  /// What stands between cells.
  public enum Separator: UInt8, Sendable {
    case comma = 0x2C
    case semicolon = 0x3B
    case tab = 0x09
  }

  private var reader: TableReader
  private let columns: [String]
  private let textColumn: Int
  private let idColumn: Int?

  /// Not known before reading.
  public var count: Int? { nil }
  /// Bytes read of those there are; `nil` for streams.
  public var share: Double? { reader.file.share }

  /// The file and the columns that are read of it; `nil` for a stream.
  public var identity: SourceIdentity? {
    reader.file.identity(
      as: "table, text \(columns[textColumn]), id \(idColumn.map { columns[$0] } ?? "")"
    )
  }
  /// Where the next row begins.
  public var position: SourcePosition { reader.place }

  /// Goes to the beginning of a row.
  ///
  /// - Throws: ``VectorFileError``.
  public func skip(to position: SourcePosition) throws { try reader.skip(to: position) }

  /// Opens a file, or standard input for `-`, and reads the names of the columns.
  ///
  /// - Parameters:
  ///   - path: The file.
  ///   - separator: What stands between cells.
  ///   - textField: The column of the texts.
  ///   - idField: The column of the ids; it may be missing only when it is `id`.
  /// - Throws: ``VectorFileError``.
  public init(
    path: String,
    separator: Separator = .comma,
    textField: String = "text",
    idField: String = "id"
  ) throws(VectorFileError) {
    reader = TableReader(try InputFile(path, as: .stream), separator: separator.rawValue)
    guard let names = try reader.next() else {
      throw VectorFileError(
        path: path,
        reason: "the file is empty",
        remedy: "Begin it with a row that names the columns"
      )
    }
    guard let text = names.firstIndex(of: textField) else {
      let listed = names.joined(separator: ", ")
      throw reader.fault(
        "there is no column '\(textField)' among \(listed)",
        "Say with --text-field which one is the text"
      )
    }
    let id = names.firstIndex(of: idField)
    if id == nil, idField != "id" {
      throw reader.fault("there is no column '\(idField)'", "Correct --id-field, or leave it out")
    }
    if Set(names).count < names.count {
      throw reader.fault("two columns have the same name", "Rename one of them")
    }
    (columns, textColumn, idColumn) = (names, text, id)
  }

  /// The next entries; `nil` after the last one.
  ///
  /// - Throws: ``VectorFileError`` with the line.
  public func next(_ limit: Int) throws -> [TextEntry]? {
    var entries: [TextEntry] = []
    var bytes = 0
    while entries.count < limit, bytes < LinesSource.pageBytes,
      try entries.isEmpty || reader.isReady(), let row = try reader.next()
    {
      guard row.count == columns.count else {
        throw reader.fault(
          "the row has \(row.count) cells, the first one \(columns.count)",
          "Put cells with separators or line ends between quotes"
        )
      }
      var metadata: Metadata = [:]
      for (index, cell) in row.enumerated()
      where index != textColumn && index != idColumn && !cell.isEmpty {
        metadata[columns[index]] = .string(cell)
      }
      let id = idColumn.flatMap { row[$0].isEmpty ? nil : RecordID.string(row[$0]) }
      entries.append(TextEntry(id: id, text: row[textColumn], metadata: metadata))
      bytes += row[textColumn].utf8.count
    }
    return entries.isEmpty ? nil : entries
  }
}
