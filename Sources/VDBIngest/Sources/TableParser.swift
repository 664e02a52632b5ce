/// Cuts a stream of bytes into the rows of a table, as RFC 4180 writes them.
///
/// It takes one byte at a time and keeps one row, so a file of any size is read in the memory of its
/// longest row; the libraries there are load the whole file.
struct TableParser {
  /// What is wrong, in which line of the file, from 1.
  struct Fault: Error, Hashable {
    let line: Int
    let reason: String
  }

  /// Bytes of the longest row that is read; a quote that is never closed must not fill the memory.
  static let longestRow = 32 << 20

  private enum State {
    case fieldStart, plain, quoted, quoteInQuoted, carriageReturn
  }

  let separator: UInt8
  private var state = State.fieldStart
  private var field: [UInt8] = []
  private var row: [String] = []
  private var rowBytes = 0
  /// The line that the next byte is in.
  private(set) var line = 1
  /// The line in which the row began that was returned last.
  private(set) var rowLine = 1
  private var startLine = 1

  /// Counts lines from `line`.
  init(separator: UInt8, line: Int = 1) {
    self.separator = separator
    self.line = line
    startLine = line
  }

  /// Takes a byte; returns a row when it ends one.
  ///
  /// Blank lines are no rows.
  mutating func take(_ byte: UInt8) throws(Fault) -> [String]? {
    rowBytes += 1
    if rowBytes > Self.longestRow {
      throw Fault(line: startLine, reason: "the row that begins here has more than 32 MB")
    }
    if byte == 0x0A { line += 1 }
    switch state {
    case .quoted:
      if byte == 0x22 { state = .quoteInQuoted } else { field.append(byte) }
      return nil
    case .carriageReturn:
      state = .fieldStart
      if byte == 0x0A {
        startLine = line
        return nil
      }
      if byte == 0x22 {
        state = .quoted
        return nil
      }
    case .quoteInQuoted where byte == 0x22:
      field.append(0x22)
      state = .quoted
      return nil
    case .fieldStart where byte == 0x22:
      state = .quoted
      return nil
    case .fieldStart, .plain, .quoteInQuoted: break
    }
    switch byte {
    case separator:
      try endField()
      return nil
    case 0x0A, 0x0D:
      let ended = try endRow()
      if byte == 0x0D { state = .carriageReturn }
      return ended
    default:
      if state == .quoteInQuoted {
        throw Fault(line: line, reason: "something follows a closing quote; write a quote twice")
      }
      field.append(byte)
      state = .plain
      return nil
    }
  }

  /// Says that the bytes are at their end; returns the last row if its line end was missing.
  mutating func finish() throws(Fault) -> [String]? {
    if state == .quoted {
      throw Fault(
        line: startLine,
        reason: "the row that begins here has a quote that is not closed"
      )
    }
    return try endRow()
  }

  private mutating func endField() throws(Fault) {
    guard let text = String(validating: field, as: UTF8.self) else {
      throw Fault(line: startLine, reason: "the row that begins here is not UTF-8")
    }
    row.append(text)
    field.removeAll(keepingCapacity: true)
    state = .fieldStart
  }

  private mutating func endRow() throws(Fault) -> [String]? {
    let isBlank = row.isEmpty && (state == .fieldStart || state == .carriageReturn)
    if !isBlank { try endField() }
    defer {
      row = []
      rowBytes = 0
      state = .fieldStart
      startLine = line
    }
    rowLine = startLine
    return isBlank ? nil : row
  }
}
