import Foundation

/// What was measured of a collection's recall: for some limits a curve of recall over search width.
///
/// Derived, and small: kept beside the collection's record, carried in its snapshots, dropped with it.
struct RecallCalibration: Equatable, Sendable {
  /// One width with what searches of it found.
  struct Point: Equatable, Sendable {
    let ef: Int
    /// The mean over the sample.
    let recall: Double
    /// What the mean over all queries reaches with 95 % confidence.
    let lower: Double
  }

  /// Widths ascending, each with bounds no less than those of the narrower ones.
  struct Curve: Equatable, Sendable {
    let limit: Int
    let points: [Point]
  }

  /// Limits that are measured; others go by the next larger one.
  static let limits = [1, 10, 100]

  let source: RecallEstimate.Source
  let samples: Int
  /// Rows of the index.
  let rows: Row
  /// Deleted rows of the collection.
  let deleted: Row
  let seconds: UInt64
  let curves: [Curve]

  var date: Date { Date(timeIntervalSince1970: Double(seconds)) }

  /// Whether so much has changed that it is to be measured again.
  func isOutgrown(rows: Row, deleted: Row) -> Bool {
    Self.isOutgrown(from: (self.rows, self.deleted), to: (rows, deleted))
  }

  /// Grown by half, or another fifth deleted.
  static func isOutgrown(
    from old: (rows: Row, deleted: Row),
    to new: (rows: Row, deleted: Row)
  ) -> Bool {
    UInt64(new.rows) * 2 >= UInt64(old.rows) * 3
      || UInt64(new.deleted) >= UInt64(old.deleted) + UInt64(max(5, old.rows)) / 5
  }

  /// The least width whose lower bound reaches `target`; `nil` where none does.
  func width(limit: Int, target: Double) -> Double? {
    guard let (curve, factor) = curve(for: limit) else { return nil }
    guard let index = curve.points.firstIndex(where: { $0.lower >= target }) else { return nil }
    let point = curve.points[index]
    guard index > 0 else { return Double(point.ef) * factor }
    // Between two widths the bound is taken to grow with the logarithm of the width. Recall grows faster
    // than that at first and slower then, so that the true curve lies above.
    let before = curve.points[index - 1]
    let share = (target - before.lower) / (point.lower - before.lower)
    return Double(before.ef) * pow(Double(point.ef) / Double(before.ef), share) * factor
  }

  /// The widest width measured for a limit.
  func widest(limit: Int) -> Double? {
    guard let (curve, factor) = curve(for: limit), let last = curve.points.last else { return nil }
    return Double(last.ef) * factor
  }

  /// Recall and its lower bound at a width.
  func figures(limit: Int, ef: Double) -> (recall: Double, lower: Double)? {
    guard let (curve, factor) = curve(for: limit), let first = curve.points.first,
      let last = curve.points.last
    else { return nil }
    let ef = ef / factor
    // Narrower than anything measured: nothing is promised.
    if ef < Double(first.ef) { return (first.recall * ef / Double(first.ef), 0) }
    guard let index = curve.points.firstIndex(where: { Double($0.ef) > ef }) else {
      return (last.recall, last.lower)
    }
    let (left, right) = (curve.points[index - 1], curve.points[index])
    let share = log(ef / Double(left.ef)) / log(Double(right.ef) / Double(left.ef))
    return (
      left.recall + share * (right.recall - left.recall),
      left.lower + share * (right.lower - left.lower)
    )
  }

  /// The curve of the next larger limit; beyond the largest, widths grow in proportion.
  private func curve(for limit: Int) -> (Curve, factor: Double)? {
    if let curve = curves.first(where: { $0.limit >= limit }) { return (curve, 1) }
    guard let last = curves.last else { return nil }
    return (last, Double(limit) / Double(last.limit))
  }
}

extension RecallCalibration.Curve {
  /// Of widths ascending, each with the recall of each query.
  init(limit: Int, sweep: [(ef: Int, recalls: [Double])]) {
    let bound = RecallBound(limit: limit, sweeps: sweep.map(\.recalls))
    var points: [RecallCalibration.Point] = []
    // From the widest down: no width promises more than a wider one.
    var (recall, lower) = (1.0, 1.0)
    for (ef, recalls) in sweep.reversed() {
      let mean = recalls.isEmpty ? 0 : recalls.reduce(0, +) / Double(recalls.count)
      recall = min(recall, mean)
      lower = min(lower, bound.lower(mean: mean, samples: recalls.count))
      points.append(RecallCalibration.Point(ef: ef, recall: recall, lower: min(lower, recall)))
    }
    self.init(limit: limit, points: points.reversed())
  }
}
