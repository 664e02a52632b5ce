import Foundation

/// How a collection's recall figures become search widths.
extension CollectionSnapshot {
  /// Whether searches walk the graph; otherwise they compare every record.
  private var walks: Bool { index != nil && rows > SearchPlan.scanRows }

  /// How much wider a search must be for what was measured to hold: in proportion to the growth of the
  /// index since, and to the candidates that deleted rows take.
  private func widening(since calibration: RecallCalibration) -> Double {
    guard calibration.rows > 0, rows > 0 else { return 1 }
    let growth = Double(linked) / Double(calibration.rows)
    let liveShare = Double(max(1, record.live)) / Double(rows)
    let liveShareThen =
      Double(max(1, calibration.rows - min(calibration.rows, calibration.deleted)))
      / Double(calibration.rows)
    return max(1, growth) * max(1, liveShareThen / liveShare)
  }

  private func isCurrent(_ calibration: RecallCalibration) -> Bool {
    !calibration.isOutgrown(rows: linked, deleted: Row(live.deletedCount))
  }

  /// How a search for a recall is carried out.
  func choice(limit: Int, targetRecall target: Double) -> RecallChoice {
    guard walks, target < 1 else { return exactChoice(limit, target) }
    var width = 0.0
    var isPromised = false
    if let recall, let widest = recall.widest(limit: limit) {
      if let known = recall.width(limit: limit, target: target) {
        width = known
        isPromised = isCurrent(recall)
      } else {
        // More than the sample can promise: four times the width at which it was all but exhausted.
        width = 4 * widest
      }
      width *= widening(since: recall)
    } else {
      // Nothing is known: what misses one in five at the usual width is a hard collection.
      width = Double(SearchPlan.defaultWidth(limit: limit)) * max(1, 0.2 / (1 - target))
    }
    // A walk scores about `m` rows for each candidate: from here on it costs what a scan costs.
    let most = min(Double(SearchPlan.widest), Double(linked) / Double(record.options.index.m))
    guard width <= most else { return exactChoice(limit, target) }
    let ef = max(limit, Int(width.rounded(.up)))
    return RecallChoice(
      targetRecall: target,
      limit: limit,
      efSearch: ef,
      isPromised: isPromised,
      estimate: estimate(limit: limit, efSearch: ef)
    )
  }

  private func exactChoice(_ limit: Int, _ target: Double) -> RecallChoice {
    RecallChoice(
      targetRecall: target,
      limit: limit,
      efSearch: nil,
      isPromised: true,
      estimate: exactEstimate(limit)
    )
  }

  private func exactEstimate(_ limit: Int) -> RecallEstimate {
    RecallEstimate(
      limit: limit,
      efSearch: 0,
      recall: 1,
      lowerBound: 1,
      samples: 0,
      source: .exact,
      rows: Int(rows),
      calibrated: nil,
      isCurrent: true
    )
  }

  /// What is known of searches of a width; `nil` when the collection is not calibrated.
  func estimate(limit: Int, efSearch: Int) -> RecallEstimate? {
    guard walks else { return exactEstimate(limit) }
    guard let recall else { return nil }
    let width = Double(max(limit, efSearch)) / widening(since: recall)
    guard let (mean, lower) = recall.figures(limit: limit, ef: width) else { return nil }
    return RecallEstimate(
      limit: limit,
      efSearch: efSearch,
      recall: mean,
      lowerBound: lower,
      samples: recall.samples,
      source: recall.source,
      rows: Int(recall.rows),
      calibrated: recall.date,
      isCurrent: isCurrent(recall)
    )
  }
}

extension SearchPlan {
  /// The same plan with the width that the collection's figures give for the recall asked for.
  func aimed(in collection: CollectionSnapshot) -> SearchPlan {
    guard let targetRecall else { return self }
    var plan = self
    plan.targetRecall = nil
    let choice = collection.choice(limit: limit, targetRecall: targetRecall)
    if let efSearch = choice.efSearch { plan.efSearch = efSearch } else { plan.exact = true }
    return plan
  }
}
