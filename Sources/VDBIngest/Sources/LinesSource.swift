/// Texts of a plain file, one a line; blank lines are left out.
public final class LinesSource: ResumableSource {
  /// Bytes of texts after which a page ends, so that long lines do not fill the memory.
  static let pageBytes = 8 << 20

  private var lines: LineReader

  /// Not known before reading.
  public var count: Int? { nil }
  /// Bytes read of those there are; `nil` for streams.
  public var share: Double? { lines.file.share }

  /// Opens a file, or standard input for `-`.
  ///
  /// - Parameter path: The file.
  /// - Throws: ``VectorFileError``.
  public init(path: String) throws(VectorFileError) {
    lines = LineReader(try InputFile(path, as: .stream))
  }

  /// The file; `nil` for a stream.
  public var identity: SourceIdentity? { lines.file.identity(as: "lines") }
  /// Where the next line begins.
  public var position: SourcePosition { lines.position }

  /// Goes to the beginning of a line.
  ///
  /// - Throws: ``VectorFileError``.
  public func skip(to position: SourcePosition) throws { try lines.skip(to: position) }

  /// The next entries, without ids; `nil` after the last one.
  ///
  /// - Throws: ``VectorFileError`` with the line that is not UTF-8.
  public func next(_ limit: Int) throws -> [TextEntry]? {
    var entries: [TextEntry] = []
    var bytes = 0
    while entries.count < limit, bytes < Self.pageBytes,
      try entries.isEmpty || lines.isReady(within: .zero), let range = try lines.next()
    {
      guard let text = String(validating: lines.buffer[range], as: UTF8.self) else {
        throw VectorFileError(
          path: lines.file.path,
          place: .line(lines.number, column: nil),
          reason: "the line is not UTF-8",
          remedy: "Convert the file first: iconv -f … -t UTF-8"
        )
      }
      if text.allSatisfy(\.isWhitespace) { continue }
      bytes += range.count
      entries.append(TextEntry(text: text))
    }
    return entries.isEmpty ? nil : entries
  }
}
