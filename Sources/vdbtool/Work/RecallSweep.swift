import VDB

/// Measures recall and rate of one search width after the other.
struct RecallSweep {
  /// What one width gave.
  struct Point {
    /// 0: every record was compared.
    var ef: Int
    /// Found neighbours that are true, over all that are to be found.
    var recall: Double
    /// Queries a second, the best of the repetitions.
    var qps: Double
    /// Rows scored by their codes for one query, on average.
    var scored: Double
    /// Rows compared in full precision for one query, on average.
    var compared: Double
  }

  let store: VectorStore
  let collection: String
  let queries: VectorRows
  /// For each query its true neighbours' rows, `limit` or more.
  let truth: [[Int]]
  let limit: Int
  let threads: Int?

  /// Searches all queries in one batch, `repetitions` times.
  ///
  /// A `target` takes the place of the width, and must be what has led to it.
  func measure(ef: Int, target: Double? = nil, repetitions: Int) async throws -> Point {
    var best = Double.infinity
    var found: [[RowMatch]] = []
    for _ in 0..<repetitions {
      let start = ContinuousClock.now
      found = try await store.nearestRows(
        queries,
        in: collection,
        limit: limit,
        efSearch: target == nil ? ef : nil,
        targetRecall: target,
        threads: threads
      )
      best = min(best, (ContinuousClock.now - start) / .seconds(1))
    }
    var (scored, compared) = (0, 0)
    for query in 0..<(ef > 0 ? queries.count : 0) {
      let cost = try store.searchCost(
        queries.row(query),
        in: collection,
        limit: limit,
        efSearch: ef
      )
      scored += cost.scored
      compared += cost.compared
    }
    let count = Double(max(1, queries.count))
    return Point(
      ef: ef,
      recall: recall(of: found),
      qps: Double(queries.count) / best,
      scored: Double(scored) / count,
      compared: Double(compared) / count
    )
  }

  private func recall(of found: [[RowMatch]]) -> Double {
    var hits = 0
    var wanted = 0
    for (matches, truth) in zip(found, truth) {
      let expected = Set(truth.prefix(limit))
      wanted += expected.count
      hits += matches.count { expected.contains($0.row) }
    }
    return wanted == 0 ? 1 : Double(hits) / Double(wanted)
  }
}
