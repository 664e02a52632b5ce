internal import VDB

/// The true neighbours of queries, as row numbers: .ibin, .ivecs, or .npy of int32 or int64.
public struct TruthFile: Sendable, Hashable {
  /// One list a query, nearest first.
  public let rows: [[Int]]
  /// Neighbours a query.
  public let columns: Int

  /// Reads a truth file whole; it is small beside the vectors.
  ///
  /// - Throws: ``VectorFileError``, also for a row number that is negative or over the limit.
  public init(path: String) throws(VectorFileError) {
    let format = try VectorFileFormat(path: path)
    guard format != .jsonLines else {
      throw VectorFileError(
        path: path,
        reason: "JSON Lines are no truth file",
        remedy: "Give row numbers as .ibin, .ivecs, or .npy of int32 or int64"
      )
    }
    let file = try InputFile(path, as: .regular)
    let layout = try VectorLayout(file, format: format)
    try file.seek(to: layout.dataOffset)
    var lists: [[Int]] = []
    lists.reserveCapacity(layout.rows)
    for row in 0..<layout.rows {
      let numbers: [Int]
      switch layout.element {
      case .int32 where layout.prefixBytes > 0:
        numbers = try PrefixedRows.read(file, layout, rows: 1, firstRow: row, as: Int32.self)
          .map(Int.init)
      case .int32: numbers = try file.readValues(layout.dimension, as: Int32.self).map(Int.init)
      case .int64: numbers = try file.readValues(layout.dimension, as: Int64.self).map(Int.init)
      default:
        throw VectorFileError(
          path: path,
          reason: "it holds \(layout.element.rawValue), not row numbers",
          remedy: "Give row numbers as .ibin, .ivecs, or .npy of int32 or int64"
        )
      }
      if let wrong = numbers.first(where: { !(0..<VDBLimits.rows).contains($0) }) {
        throw VectorFileError(
          path: path,
          place: .row(row),
          reason: "\(wrong) is no row number",
          remedy: "Make the file again with as many neighbours as there are"
        )
      }
      lists.append(numbers)
    }
    rows = lists
    columns = layout.dimension
  }
}
