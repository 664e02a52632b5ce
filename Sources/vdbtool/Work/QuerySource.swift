import VDB
import VDBIngest

/// Query vectors from a file of any format, some rows at a time.
struct QuerySource {
  private let numbers: VectorFileReader?
  private let lines: RecordFileReader?
  private let range: RowRange?
  private var row = 0

  init(path: String, rows range: RowRange? = nil) throws {
    self.range = range
    if try VectorFileFormat(path: path) == .jsonLines {
      numbers = nil
      lines = try RecordFileReader(path: path)
    } else {
      let reader = try VectorFileReader(path: path)
      if let lower = range?.lower {
        guard lower <= reader.count else {
          let message =
            "'\(path)' has \(reader.count) rows, so none from \(lower) on. Give a smaller --rows."
          throw Failure(status: .data, message: message)
        }
        try reader.seek(toRow: lower)
        row = lower
      }
      numbers = reader
      lines = nil
    }
  }

  /// The next rows and the number of the first; `nil` after the last one.
  mutating func next(_ count: Int) throws -> (first: Int, rows: VectorRows)? {
    if let lines {
      while row < range?.lower ?? 0 {
        guard let skipped = try lines.next((range?.lower ?? 0) - row) else { return nil }
        row += skipped.ids.count
      }
    }
    let left = min(count, (range?.upper ?? Int.max) - row)
    guard left > 0 else { return nil }
    let first = row
    if let lines {
      guard let page = try lines.next(left) else { return nil }
      guard let dimension = lines.dimension else {
        throw Failure(
          status: .data,
          message: "'\(lines.path)' has records without vectors. Give each line a \"vector\"."
        )
      }
      row += page.ids.count
      return (first, VectorRows(.float32(page.vectors), dimension: dimension))
    }
    guard let rows = try numbers?.next(left) else { return nil }
    row += rows.count
    return (first, rows)
  }

  /// All rows, for measurements.
  static func all(_ path: String) throws -> VectorRows {
    var source = try QuerySource(path: path)
    guard var all = try source.next(1 << 20)?.rows else {
      throw Failure(status: .data, message: "'\(path)' has no rows. Give a file with queries.")
    }
    // JSON Lines come in pages; binary files are one page here.
    while let more = try source.next(1 << 20)?.rows {
      guard case .float32(let head) = all.storage, case .float32(let tail) = more.storage else {
        throw Failure(
          status: .data,
          message: "'\(path)' has more than \(1 << 20) rows. Give fewer queries."
        )
      }
      all = VectorRows(.float32(head + tail), dimension: all.dimension)
    }
    return all
  }
}
