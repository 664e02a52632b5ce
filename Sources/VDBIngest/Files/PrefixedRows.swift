/// The rows of .fvecs, .bvecs and .ivecs, each of which repeats its dimension.
enum PrefixedRows {
  /// Reads `rows` rows and returns their numbers side by side.
  static func read<Value: BitwiseCopyable>(
    _ file: InputFile,
    _ layout: VectorLayout,
    rows: Int,
    firstRow: Int,
    as type: Value.Type
  ) throws(VectorFileError) -> [Value] {
    if rows == 0 { return [] }
    let bytes = try file.readValues(rows * layout.rowBytes, as: UInt8.self)
    let payload = layout.rowBytes - layout.prefixBytes
    var wrong: (row: Int, dimension: Int)?
    let values = unsafe [Value](unsafeUninitializedCapacity: rows * layout.dimension) {
      buffer,
      initialized in
      let target = UnsafeMutableRawBufferPointer(buffer)
      unsafe bytes.withUnsafeBytes { source in
        for row in 0..<rows {
          let start = row * layout.rowBytes
          let dimension = unsafe source.loadUnaligned(fromByteOffset: start, as: Int32.self)
          if Int(dimension) != layout.dimension {
            wrong = (row, Int(dimension))
            return
          }
          unsafe UnsafeMutableRawBufferPointer(rebasing: target[(row * payload)...])
            .copyMemory(
              from: UnsafeRawBufferPointer(rebasing: source[(start + 4)...].prefix(payload))
            )
        }
      }
      initialized = wrong == nil ? rows * layout.dimension : 0
    }
    if let wrong {
      throw VectorFileError(
        path: file.path,
        place: .row(firstRow + wrong.row),
        reason: "this row says dimension \(wrong.dimension), the first one \(layout.dimension)",
        remedy: "The file is damaged or of another format; fetch it again"
      )
    }
    return values
  }
}
