/// The rows of a table in a file.
struct TableReader {
  let file: InputFile
  private var parser: TableParser
  private var buffer = [UInt8](repeating: 0, count: 1 << 18)
  private var position = 0
  private var end = 0
  private var isFirst = true
  private var isAtEnd = false
  /// A row of a stream that was looked for before it is wanted.
  private var ahead: [String]?

  init(_ file: InputFile, separator: UInt8) {
    self.file = file
    parser = TableParser(separator: separator)
  }

  /// Where the next row begins.
  var place: SourcePosition {
    SourcePosition(offset: file.offset - (end - position), line: parser.line - 1)
  }

  /// Goes to where a row begins.
  mutating func skip(to place: SourcePosition) throws(VectorFileError) {
    try file.seek(to: place.offset)
    parser = TableParser(separator: parser.separator, line: place.line + 1)
    (position, end, isFirst, isAtEnd) = (0, 0, place.offset == 0, false)
  }

  /// The next row; `nil` after the last one.
  mutating func next() throws(VectorFileError) -> [String]? {
    if let row = ahead.take() { return row }
    while true {
      if let row = try parsed() { return row }
      if isAtEnd {
        return try checked { (parser) throws(TableParser.Fault) in try parser.finish() }
      }
      try fill()
    }
  }

  /// Whether the next row, or the end, can be had without waiting for a stream.
  ///
  /// - Throws: What reading throws.
  mutating func isReady() throws(VectorFileError) -> Bool {
    if file.size != nil { return true }
    while ahead == nil, !isAtEnd {
      ahead = try parsed()
      if ahead == nil {
        if file.isIdle(for: .zero) { return false }
        try fill()
      }
    }
    return true
  }

  /// The next row, if all of it has been read.
  private mutating func parsed() throws(VectorFileError) -> [String]? {
    while position < end {
      position += 1
      let byte = buffer[position - 1]
      let row = try checked { (parser) throws(TableParser.Fault) in try parser.take(byte) }
      if let row { return row }
    }
    return nil
  }

  private mutating func checked(
    _ body: (inout TableParser) throws(TableParser.Fault) -> [String]?
  ) throws(VectorFileError) -> [String]? {
    do throws(TableParser.Fault) {
      return try body(&parser)
    } catch {
      throw self.error(error.line, error.reason, "Correct it, or check --format")
    }
  }

  private mutating func fill() throws(VectorFileError) {
    let file = file
    var failure: VectorFileError?
    end = unsafe buffer.withUnsafeMutableBytes { bytes in
      do throws(VectorFileError) {
        return unsafe try file.read(into: bytes)
      } catch {
        failure = error
        return 0
      }
    }
    if let failure { throw failure }
    isAtEnd = end == 0
    // A byte order mark is no part of the first column's name.
    position = isFirst && buffer[..<end].starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
    isFirst = false
  }

  /// An error about the row that was returned last.
  func fault(_ reason: String, _ remedy: String) -> VectorFileError {
    error(parser.rowLine, reason, remedy)
  }

  private func error(_ line: Int, _ reason: String, _ remedy: String) -> VectorFileError {
    VectorFileError(
      path: file.path,
      place: .line(line, column: nil),
      reason: reason,
      remedy: remedy
    )
  }
}
