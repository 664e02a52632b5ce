internal import VDB

/// Texts of JSON Lines, one object a line.
///
/// Besides text, id and `original` (the text before an earlier cleaning, as exports have it) every
/// member becomes metadata, objects flattened with dots.
public final class JSONLinesSource: ResumableSource {
  private let reader: RecordFileReader
  private let textField: String
  private let idField: String
  private var line = 0

  /// Not known before reading.
  public var count: Int? { nil }
  /// Bytes read of those there are; `nil` for streams.
  public var share: Double? { reader.share }

  /// The file and the members that are read of it; `nil` for a stream.
  public var identity: SourceIdentity? {
    reader.identity(as: "jsonl, text \(textField), id \(idField)")
  }
  /// Where the next line begins.
  public var position: SourcePosition { reader.position }

  /// Goes to the beginning of a line.
  ///
  /// - Throws: ``VectorFileError``.
  public func skip(to position: SourcePosition) throws { try reader.skip(to: position) }

  /// Opens a file, or standard input for `-`.
  ///
  /// - Parameters:
  ///   - path: The file.
  ///   - textField: The member that is the text; one within an object is named with dots.
  ///   - idField: The member that is the id, if the line has it.
  /// - Throws: ``VectorFileError``.
  public init(
    path: String,
    textField: String = "text",
    idField: String = "id"
  ) throws(VectorFileError) {
    reader = try RecordFileReader(path: path)
    self.textField = textField
    self.idField = idField
  }

  /// The next entries; `nil` after the last one.
  ///
  /// - Throws: ``VectorFileError`` with the line, also for one without a text.
  public func next(_ limit: Int) throws -> [TextEntry]? {
    guard let page = try reader.next(limit, idleTime: .zero) else { return nil }
    if reader.dimension != nil {
      throw fault(page.firstLine, "the record has a vector", "Import the file with --vectors")
    }
    var entries: [TextEntry] = []
    entries.reserveCapacity(page.ids.count)
    for row in page.ids.indices {
      var metadata = page.metadata[row]
      var text = page.documents[row]
      var original = page.originals[row]
      if textField != "text" {
        if let text { metadata["text"] = .string(text) }
        if textField == "original", original != nil {
          text = original.take()
        } else {
          text = try take(textField, from: &metadata, page.lines[row])
        }
      }
      var id = page.hasID[row] ? page.ids[row] : nil
      if idField != "id" {
        if let id { metadata["id"] = .string(id.description) }
        id = try takeID(from: &metadata, page.lines[row])
      }
      guard let text else {
        throw fault(
          page.lines[row],
          "the record has no \"\(textField)\"",
          "Say with --text-field which member is the text"
        )
      }
      entries.append(TextEntry(id: id, text: text, metadata: metadata, original: original))
    }
    return entries
  }

  private func take(_ key: String, from metadata: inout Metadata, _ line: Int) throws -> String? {
    switch metadata.removeValue(forKey: key) {
    case .string(let text)?: return text
    case nil, .null?: return nil
    default: throw fault(line, "\"\(key)\" is no string", "Name a member that is one")
    }
  }

  private func takeID(from metadata: inout Metadata, _ line: Int) throws -> RecordID? {
    switch metadata.removeValue(forKey: idField) {
    case .string(let text)? where (1...RecordID.maxStringBytes).contains(text.utf8.count):
      return .string(text)
    case .int(let number)?: return .integer(number)
    case nil, .null?: return nil
    default:
      throw fault(
        line,
        "\"\(idField)\" is no id: a string of 1 to \(RecordID.maxStringBytes) bytes or an integer",
        "Correct the line"
      )
    }
  }

  private func fault(_ line: Int, _ reason: String, _ remedy: String) -> VectorFileError {
    VectorFileError(
      path: reader.path,
      place: .line(line, column: nil),
      reason: reason,
      remedy: remedy
    )
  }
}
