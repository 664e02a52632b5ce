public import VDB

/// Reads a binary file of vectors row by row, in the file's own precision where the store takes it.
///
/// The header is checked against the file's size before anything else is read or allocated, so a
/// file that is cut off or lies is refused as a whole.
public final class VectorFileReader {
  private let file: InputFile
  private let layout: VectorLayout
  private var row = 0

  /// The path as it was given.
  public var path: String { file.path }
  /// Numbers a row.
  public var dimension: Int { layout.dimension }
  /// Rows in the file.
  public var count: Int { layout.rows }

  /// Opens a file of any format but JSON Lines and checks its header.
  ///
  /// - Throws: ``VectorFileError`` that says what is wrong and where.
  public convenience init(path: String) throws(VectorFileError) {
    try self.init(path: path, format: VectorFileFormat(path: path))
  }

  /// Like `init(path:)`, whatever the file is called.
  public init(path: String, format: VectorFileFormat) throws(VectorFileError) {
    guard format != .jsonLines else {
      throw VectorFileError(
        path: path,
        reason: "JSON Lines are not a binary format",
        remedy: "Read it with RecordFileReader"
      )
    }
    file = try InputFile(path, as: .regular)
    layout = try VectorLayout(file, format: format)
    if layout.element == .int32 || layout.element == .int64 {
      throw VectorFileError(
        path: path,
        reason: "it holds \(layout.element.rawValue), which are row numbers and no vectors",
        remedy: "Give it as --truth, or save the vectors as float32"
      )
    }
    try file.seek(to: layout.dataOffset)
  }

  /// The type that keeps the file's numbers without loss, or as float32 if they are float64.
  public var element: ElementType {
    switch layout.element {
    case .float16, .uint8: .float16
    case .int8: .int8
    default: .float32
    }
  }

  /// Goes to a row, which the next call of ``next(_:)`` starts with.
  public func seek(toRow row: Int) throws(VectorFileError) {
    let target = Swift.min(Swift.max(row, 0), count)
    try file.seek(to: layout.dataOffset + target * layout.rowBytes)
    self.row = target
  }

  /// The next rows, at most `maxRows` and fewer only at the end; `nil` after the last one.
  ///
  /// float16 and int8 come as they are, unsigned bytes as float16 (exact), float64 as float32.
  ///
  /// - Complexity: One allocation of the rows' size, and one more where they are converted.
  public func next(_ maxRows: Int) throws(VectorFileError) -> VectorRows? {
    let rows = Swift.min(maxRows, count - row)
    guard rows > 0 else { return nil }
    let values = rows * dimension
    let storage: VectorRows.Storage
    switch layout.element {
    case .float16: storage = .float16(try file.readValues(values, as: UInt16.self))
    case .int8: storage = .int8(try file.readValues(values, as: Int8.self))
    case .float32 where layout.prefixBytes == 0:
      storage = .float32(try file.readValues(values, as: Float.self))
    case .float32: storage = .float32(try prefixedRows(rows, as: Float.self))
    case .uint8 where layout.prefixBytes == 0:
      storage = .float16(RowConversion.halves(try file.readValues(values, as: UInt8.self)))
    case .uint8: storage = .float16(RowConversion.halves(try prefixedRows(rows, as: UInt8.self)))
    case .float64:
      let numbers = try file.readValues(values, as: Double.self)
      let converted = RowConversion.floats(numbers)
      if let index = converted.firstOverflow {
        throw VectorFileError(
          path: path,
          place: .row(row + index / dimension),
          reason: "component \(index % dimension) is \(numbers[index]), too large for float32",
          remedy: "Correct or scale the row"
        )
      }
      storage = .float32(converted.values)
    case .int32, .int64: preconditionFailure("refused when the file was opened")
    }
    row += rows
    return VectorRows(storage, dimension: dimension)
  }

  private func prefixedRows<Value: BitwiseCopyable>(
    _ rows: Int,
    as type: Value.Type
  ) throws(VectorFileError) -> [Value] {
    try PrefixedRows.read(file, layout, rows: rows, firstRow: row, as: type)
  }
}
