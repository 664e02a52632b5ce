import VDBIngest

/// A truth file that fits the queries.
enum Truth {
  static func read(_ path: String, queries: Int, limit: Int) throws -> [[Int]] {
    let truth = try TruthFile(path: path)
    guard truth.rows.count == queries else {
      throw Failure(
        status: .data,
        message: "'\(path)' is for \(truth.rows.count) queries, not \(queries). "
          + "Give the truth of these queries."
      )
    }
    guard truth.columns >= limit else {
      throw Failure(
        status: .data,
        message: "'\(path)' has \(truth.columns) neighbours a query, fewer than --limit \(limit). "
          + "Give a smaller limit."
      )
    }
    return truth.rows
  }
}
