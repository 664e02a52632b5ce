internal import VDB

/// Where the numbers of a binary file are, as its header says and its size confirms.
struct VectorLayout {
  /// The numbers of a file, all little-endian.
  enum Element: String {
    case float16, float32, float64, int8, uint8, int32, int64

    var byteCount: Int {
      switch self {
      case .int8, .uint8: 1
      case .float16: 2
      case .float32, .int32: 4
      case .float64, .int64: 8
      }
    }
  }

  var element: Element
  var rows: Int
  var dimension: Int
  /// Where the first row begins.
  var dataOffset: Int
  /// Bytes before each row's numbers: 4 where the rows repeat their dimension.
  var prefixBytes = 0

  /// Bytes of one row, prefix included.
  ///
  /// Cannot overflow: the dimension is checked.
  var rowBytes: Int { prefixBytes + dimension * element.byteCount }

  /// Reads the header and checks everything it says against the size of the file.
  init(_ file: InputFile, format: VectorFileFormat) throws(VectorFileError) {
    guard let size = file.size, size > 0 else {
      throw VectorFileError(
        path: file.path,
        reason: "the file is empty",
        remedy: "Write or fetch it again"
      )
    }
    switch format {
    case .npy: self = try NPYHeader.layout(of: file)
    case .fvecs: self = try Self.repeated(file, size, .float32)
    case .bvecs: self = try Self.repeated(file, size, .uint8)
    case .ivecs: self = try Self.repeated(file, size, .int32)
    case .fbin: self = try Self.headed(file, .float32)
    case .u8bin: self = try Self.headed(file, .uint8)
    case .i8bin: self = try Self.headed(file, .int8)
    case .ibin: self = try Self.headed(file, .int32)
    case .jsonLines: preconditionFailure("JSON Lines have no binary layout")
    }
    try check(file, size: size)
  }

  init(element: Element, rows: Int, dimension: Int, dataOffset: Int, prefixBytes: Int = 0) {
    self.element = element
    self.rows = rows
    self.dimension = dimension
    self.dataOffset = dataOffset
    self.prefixBytes = prefixBytes
  }

  private static func headed(
    _ file: InputFile,
    _ element: Element
  ) throws(VectorFileError) -> VectorLayout {
    let header = try file.readValues(2, as: UInt32.self)
    return VectorLayout(
      element: element,
      rows: Int(header[0]),
      dimension: Int(header[1]),
      dataOffset: 8
    )
  }

  private static func repeated(
    _ file: InputFile,
    _ size: Int,
    _ element: Element
  ) throws(VectorFileError) -> VectorLayout {
    let dimension = Int(try file.readValues(1, as: Int32.self)[0])
    var layout = VectorLayout(
      element: element,
      rows: 0,
      dimension: dimension,
      dataOffset: 0,
      prefixBytes: 4
    )
    try layout.checkDimension(file)
    layout.rows = size / layout.rowBytes
    return layout
  }

  private func checkDimension(_ file: InputFile) throws(VectorFileError) {
    guard dimension > 0, VDBLimits.dimension.contains(dimension) else {
      throw VectorFileError(
        path: file.path,
        place: .offset(0),
        reason: "the header says \(dimension) numbers a row, outside "
          + "1 to \(VDBLimits.dimension.upperBound)",
        remedy: "Check that the file is of the format that its name says"
      )
    }
  }

  private func check(_ file: InputFile, size: Int) throws(VectorFileError) {
    try checkDimension(file)
    guard (0...VDBLimits.rows).contains(rows) else {
      throw VectorFileError(
        path: file.path,
        place: .offset(0),
        reason: "the header says \(rows) rows, the limit is \(VDBLimits.rows)",
        remedy: "Check the file, or split it over several collections"
      )
    }
    // At most 2^31 rows of 2^19 bytes, so neither product nor sum overflows.
    let expected = dataOffset + rows * rowBytes
    if prefixBytes > 0, expected < size {
      throw VectorFileError(
        path: file.path,
        place: .row(rows),
        reason: "the last row has \(size - expected) of \(rowBytes) bytes",
        remedy: "The file is cut off, or its rows differ in dimension; fetch it again"
      )
    }
    guard size == expected else {
      let difference =
        size < expected ? "\(expected - size) missing" : "\(size - expected) too many"
      throw VectorFileError(
        path: file.path,
        place: .offset(Swift.min(size, expected)),
        reason: "the header says \(rows) rows of \(dimension) \(element.rawValue), which take "
          + "\(expected) bytes, but the file has \(size) (\(difference))",
        remedy: "The file is cut off or of another format; fetch or write it again"
      )
    }
  }
}
