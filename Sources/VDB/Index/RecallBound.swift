/// How far the mean over all queries may lie below the mean over a sample.
///
/// A query's `limit` neighbours are found or missed together to some degree, so `samples * limit` trials
/// say less than as many independent ones: less by the design effect, the variance of the queries' recalls
/// over the variance that independent neighbours would have.
struct RecallBound {
  /// The quantile of the standard normal distribution that 5 % lie above.
  private static let z = 1.6448536269514722
  /// Fewer queries that miss something say nothing of how misses come together.
  private static let tellingQueries = 5

  let limit: Int
  /// 1: neighbours are independent; `limit`: all of a query's are found or none.
  let designEffect: Double

  /// Learns the design effect from the recall of each query at each width.
  init(limit: Int, sweeps: [[Double]]) {
    self.limit = limit
    let effects = sweeps.compactMap { Self.designEffect(of: $0, limit: limit) }
    // The greatest: where nearly all is found, what is missed comes together most.
    designEffect = min(Double(limit), max(1, effects.max() ?? Double(limit)))
  }

  private static func designEffect(of recalls: [Double], limit: Int) -> Double? {
    guard recalls.count(where: { $0 < 1 }) >= tellingQueries else { return nil }
    let mean = recalls.reduce(0, +) / Double(recalls.count)
    let squares = recalls.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    let independent = mean * (1 - mean) / Double(limit)
    return independent > 0 ? squares / Double(recalls.count - 1) / independent : nil
  }

  /// The one-sided 95 % lower bound: Wilson's score interval with continuity correction, which holds for
  /// means near 1 too (Newcombe 1998, method 4).
  func lower(mean: Double, samples: Int) -> Double {
    let n = max(1, Double(samples * limit) / designEffect)
    let z2 = Self.z * Self.z
    let root = max(0, z2 - 2 - 1 / n + 4 * mean * (n * (1 - mean) + 1)).squareRoot()
    return max(0, min(mean, (2 * n * mean + z2 - 1 - Self.z * root) / (2 * (n + z2))))
  }
}
