public import VDB

/// Reads JSON Lines: one object a line with `id`, `vector`, `text`, `original` and `metadata`, each optional.
///
/// An `original` is the text before cleaning, a string; anything else under that key is metadata.
/// Other keys are metadata, nested objects are flattened (`{"a": {"b": 1}}` is `a.b`), blank lines
/// are skipped, a byte order mark and carriage returns are accepted. A record without an id gets its
/// number, counted from 0, as an integer id.
public final class RecordFileReader {
  /// Records column by column.
  public struct Page: Sendable {
    /// One id a record.
    public var ids: [RecordID] = []
    /// One a record.
    public var metadata: [Metadata] = []
    /// One a record.
    public var documents: [String?] = []
    /// One a record: the text before cleaning, where the line has one as `original`.
    public var originals: [String?] = []
    /// The vectors side by side; empty if the file has none.
    public var vectors: [Float] = []
    /// The line of the first record, from 1.
    public var firstLine = 0
    /// The line of each record, from 1.
    public var lines: [Int] = []
    /// Whether a record has its id from the file instead of its number.
    public var hasID: [Bool] = []
  }

  /// Bytes of lines after which a page ends, however few records it has.
  static let pageBytes = 32 << 20

  private var lines: LineReader
  private var parser = RecordParser()
  private var records = 0
  private var vectorDimension: Int?

  /// The path as it was given; `-` is standard input.
  public var path: String { lines.file.path }
  /// Numbers in each vector: `nil` before the first record, and if the file has no vectors.
  public var dimension: Int? { vectorDimension }

  /// How much of a file has been read, 0 to 1; `nil` for streams.
  public var share: Double? { lines.file.share }

  /// Where the next line begins.
  var position: SourcePosition { lines.position }

  /// Goes to the beginning of a line; records without an id are counted from there.
  func skip(to position: SourcePosition) throws(VectorFileError) { try lines.skip(to: position) }

  /// Which file it is; `nil` for a stream.
  func identity(as form: String) -> SourceIdentity? { lines.file.identity(as: form) }

  /// Opens a file, or standard input for `-`.
  public init(path: String) throws(VectorFileError) {
    let file = try InputFile(path, as: .stream)
    if file.size == 0 {
      throw VectorFileError(
        path: path,
        reason: "the file is empty",
        remedy: "Write one JSON object a line into it"
      )
    }
    lines = LineReader(file)
  }

  /// The next records, at most `maxRecords`; `nil` after the last one.
  ///
  /// A page also ends once its lines have 32 MB, so that long texts do not fill the memory, and where a
  /// stream lets its reader wait.
  ///
  /// - Parameters:
  ///   - maxRecords: The most records of the page.
  ///   - idleTime: How long a stream is waited for once the page has a record.
  /// - Returns: At least one record.
  /// - Throws: ``VectorFileError`` with line and byte column. The records before it are lost.
  public func next(
    _ maxRecords: Int,
    idleTime: Duration = .seconds(1)
  ) throws(VectorFileError) -> Page? {
    var page = Page()
    var bytes = 0
    page.ids.reserveCapacity(maxRecords)
    page.metadata.reserveCapacity(maxRecords)
    page.documents.reserveCapacity(maxRecords)
    page.vectors.reserveCapacity(maxRecords * (vectorDimension ?? 0))
    while page.ids.count < maxRecords, bytes < Self.pageBytes {
      if !page.ids.isEmpty, try !lines.isReady(within: idleTime) { break }
      guard let range = try lines.next() else { break }
      if isBlank(range) { continue }
      if page.ids.isEmpty { page.firstLine = lines.number }
      bytes += range.count
      let line: RecordParser.Line
      do throws(JSONFault) {
        line = try parser.parse(
          lines.buffer.span.extracting(range),
          appendingVectorTo: &page.vectors
        )
      } catch {
        throw fault(error.reason, column: error.offset + lines.skipped + 1)
      }
      try check(line.vectorCount)
      page.ids.append(line.id ?? .integer(Int64(records)))
      page.hasID.append(line.id != nil)
      page.lines.append(lines.number)
      page.metadata.append(line.metadata)
      page.documents.append(line.text)
      page.originals.append(line.original)
      records += 1
    }
    return page.ids.isEmpty ? nil : page
  }

  private func isBlank(_ range: Range<Int>) -> Bool {
    lines.buffer[range].allSatisfy { $0 == 0x20 || $0 == 0x09 }
  }

  /// All records have vectors of one dimension, or none has one.
  private func check(_ count: Int?) throws(VectorFileError) {
    if records == 0 { vectorDimension = count }
    if count == vectorDimension { return }
    let reason =
      switch (vectorDimension, count) {
      case (nil, _): "this record has a vector, those before it have none"
      case (_, nil): "this record has no vector, those before it have one"
      case (let first?, let count?): "the vector has \(count) numbers, those before it \(first)"
      }
    throw fault(reason, column: nil)
  }

  private func fault(_ reason: String, column: Int?) -> VectorFileError {
    VectorFileError(
      path: path,
      place: .line(lines.number, column: column),
      reason: reason,
      remedy: "Correct the line"
    )
  }
}
