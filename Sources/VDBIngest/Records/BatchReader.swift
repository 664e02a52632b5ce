public import VDB

/// Joins a file of vectors and a file of records, or one JSON Lines file of both, into batches.
public final class BatchReader {
  private enum Source {
    case numbers(VectorFileReader)
    case both(VectorFileReader, RecordFileReader)
    case lines(RecordFileReader)
  }

  /// Bytes of vectors after which a batch ends, however few rows it has.
  static let batchBytes = 64 << 20

  private let source: Source
  private let rowsPerBatch: Int
  private let idleTime: Duration
  private var row = 0
  private var ahead: RecordFileReader.Page?

  /// Numbers a row.
  public let dimension: Int
  /// Rows there are, if a header says so.
  public let count: Int?
  /// The element type that keeps the numbers as they come.
  public let element: ElementType

  /// Opens the files and checks their headers.
  ///
  /// - Parameters:
  ///   - vectors: A file of any format; `-` is JSON Lines on standard input.
  ///   - records: JSON Lines without vectors, line i belonging to row i; `-` is standard input.
  ///   - batchSize: Rows a batch, at least 1. Batches of wide rows are smaller.
  ///   - idleTime: How long a stream is waited for once a batch has a row; then the batch ends.
  /// - Throws: ``VectorFileError``.
  public init(
    vectors: String,
    records: String? = nil,
    batchSize: Int,
    idleTime: Duration = .seconds(1)
  ) throws(VectorFileError) {
    let format = try VectorFileFormat(path: vectors)
    if format == .jsonLines {
      if records != nil {
        throw VectorFileError(
          path: vectors,
          reason: "JSON Lines hold the records already",
          remedy: "Leave --records out, or give the vectors as .npy, .fvecs or .fbin"
        )
      }
      let lines = try RecordFileReader(path: vectors)
      ahead = try lines.next(1)
      guard let dimension = lines.dimension else {
        throw VectorFileError(
          path: vectors,
          reason: ahead == nil ? "there are no records" : "the records have no vectors",
          remedy: "Give each line a \"vector\", or give the vectors in a file of their own"
        )
      }
      source = .lines(lines)
      self.dimension = dimension
      count = nil
      element = .float32
    } else {
      let numbers = try VectorFileReader(path: vectors, format: format)
      if let records {
        source = .both(numbers, try RecordFileReader(path: records))
      } else {
        source = .numbers(numbers)
      }
      dimension = numbers.dimension
      count = numbers.count
      element = numbers.element
    }
    self.idleTime = idleTime
    rowsPerBatch = Swift.max(1, Swift.min(batchSize, Self.batchBytes / (4 * dimension)))
  }

  /// The next rows with their ids, metadata and documents; `nil` after the last one.
  ///
  /// - Throws: ``VectorFileError``, also where the two files differ in length.
  public func next() throws(VectorFileError) -> RecordBatch? {
    let batch: RecordBatch?
    switch source {
    case .numbers(let numbers): batch = try nextNumbers(numbers)
    case .both(let numbers, let records): batch = try nextJoined(numbers, records)
    case .lines(let lines): batch = try nextLines(lines)
    }
    row += batch?.count ?? 0
    return batch
  }

  private func nextNumbers(_ numbers: VectorFileReader) throws(VectorFileError) -> RecordBatch? {
    guard let rows = try numbers.next(rowsPerBatch) else { return nil }
    let ids = (row..<row + rows.count).map { RecordID.integer(Int64($0)) }
    return RecordBatch(ids: ids, vectors: rows)
  }

  private func nextLines(_ lines: RecordFileReader) throws(VectorFileError) -> RecordBatch? {
    var page = ahead
    ahead = nil
    if page == nil { page = try lines.next(rowsPerBatch, idleTime: idleTime) }
    guard let page else { return nil }
    return batch(page, VectorRows(.float32(page.vectors), dimension: dimension))
  }

  private func nextJoined(
    _ numbers: VectorFileReader,
    _ records: RecordFileReader
  ) throws(VectorFileError) -> RecordBatch? {
    guard let page = try records.next(rowsPerBatch, idleTime: idleTime) else {
      if row == numbers.count { return nil }
      throw VectorFileError(
        path: records.path,
        reason: "there are \(row) records for \(numbers.count) rows of '\(numbers.path)'",
        remedy: "Line i of the records belongs to row i of the vectors; give one line a row"
      )
    }
    if records.dimension != nil {
      throw VectorFileError(
        path: records.path,
        place: .line(page.firstLine, column: nil),
        reason: "the record has a vector, and '\(numbers.path)' gives one as well",
        remedy: "Give this file as --vectors, or take the vectors out of it"
      )
    }
    guard let rows = try numbers.next(page.ids.count), rows.count == page.ids.count else {
      throw VectorFileError(
        path: records.path,
        reason: "there are more records than the \(numbers.count) rows of '\(numbers.path)'",
        remedy: "Line i of the records belongs to row i of the vectors; give one line a row"
      )
    }
    return batch(page, rows)
  }

  private func batch(_ page: RecordFileReader.Page, _ vectors: VectorRows) -> RecordBatch {
    RecordBatch(
      ids: page.ids,
      vectors: vectors,
      metadata: page.metadata.allSatisfy(\.isEmpty) ? [] : page.metadata,
      documents: page.documents.allSatisfy { $0 == nil } ? [] : page.documents,
      originals: page.originals.allSatisfy { $0 == nil } ? [] : page.originals
    )
  }
}
