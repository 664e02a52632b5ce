import HNSW

/// Decides what the indexer does next for one collection; knows no threads, clocks or disks.
///
/// Work is handed over as ranges of committed rows only. Linking goes first, in turns that grow with the
/// graph; the graph on disk follows when enough has changed, or when nothing else is left to do.
package struct IndexerState {
  package enum Action: Equatable, Sendable {
    /// Encode and link rows up to this one, then publish. The last slice may be a partial one only when
    /// nothing follows it, so that the graph does not depend on how commits came in.
    case link(upTo: Row, includingPartialSlice: Bool)
    /// Put ids of committed rows into `ids`.
    case mergeIDs(upTo: Row)
    /// Bring the graph on disk up to the graph in memory.
    case checkpoint
    /// Measure the recall of the graph.
    case calibrate
    /// Remove the values of a collection that was dropped.
    case reclaim
    /// Nothing to do until more is committed, or until the collection rests.
    case wait
  }

  /// Rows that wait at most before a turn begins while more are coming.
  package static let largestWait: Row = 1_024
  /// Rows linked in one turn at least while more than that wait: publishing costs as much as a few hundred
  /// of them.
  package static let minimumTurn: Row = 4_096
  /// Rows linked in one turn at most, so that queries do not scan many more.
  package static let maximumTurn: Row = 65_536
  /// Rows whose ids wait in memory at least before a merge while rows keep coming: a merge of random ids
  /// writes nearly all leaves of the table again.
  package static let minimumMerge: Row = 524_288

  package var mode: IndexingMode
  /// Without vectors only ids are merged.
  package let hasVectors: Bool
  package private(set) var committed: Row
  package private(set) var linked: Row
  package private(set) var checkpointed: Row
  package private(set) var merged: Row
  /// Someone asked for rows up to this one, whatever the mode.
  package private(set) var requested: Row = 0
  private var deleted: Row = 0
  /// What the last measurement of the recall was of.
  private var calibration: (rows: Row, deleted: Row, isKept: Bool)?
  /// The committed rows when linking last came no farther, since they were no whole slice.
  private var waitingRows: Row = 0

  package init(
    mode: IndexingMode,
    hasVectors: Bool = true,
    committed: Row,
    linked: Row,
    checkpointed: Row,
    merged: Row
  ) {
    self.mode = mode
    self.hasVectors = hasVectors
    self.committed = committed
    self.linked = linked
    // An index on disk that could not be read counts for nothing.
    self.checkpointed = min(checkpointed, linked)
    self.merged = merged
  }

  package mutating func didCommit(upTo row: Row) { committed = max(committed, row) }
  package mutating func request(upTo row: Row) { requested = max(requested, row) }
  /// - Parameter row: how far linking came; less than asked when the rest is no whole slice.
  package mutating func didLink(upTo row: Row) {
    if row <= linked { waitingRows = committed }
    linked = max(linked, row)
  }
  /// A checkpoint of a graph that was set aside meanwhile counts for nothing.
  package mutating func didCheckpoint(upTo row: Row) {
    checkpointed = min(linked, max(checkpointed, row))
  }
  package mutating func didDelete(_ rows: Row) { deleted = rows }
  /// Takes note of a measurement; one that is kept is not to be replaced by the indexer's own.
  package mutating func didCalibrate(at rows: Row, deleted: Row, isKept: Bool) {
    calibration = (rows, deleted, isKept)
  }
  package mutating func forgetMerged() { merged = 0 }
  package mutating func didMerge(upTo row: Row) { merged = max(merged, row) }
  /// The index was found damaged and begins anew (I8).
  package mutating func restart() {
    linked = 0
    checkpointed = 0
  }

  /// Rows to be linked as things stand.
  package var backlog: Row {
    if !hasVectors { return 0 }
    return max(linked, mode == .manual ? min(requested, committed) : committed) - linked
  }

  /// Rows that must wait before a turn begins while more are coming: few, since every query compares them
  /// all, but a whole slice, and more where a graph is dear to publish.
  ///
  /// A graph so small that queries do without it is in no hurry.
  private var leastRows: Row {
    if linked <= SearchPlan.scanRows { return Self.largestWait }
    return min(Self.largestWait, max(linked / 256, Row(Slice.size(after: linked))))
  }

  /// Rows linked in the next turn at most.
  ///
  /// A short backlog is published slice by slice, or queries would compare all of it until its end; but
  /// publishing makes the builder copy most of the graph, so a turn grows with it.
  private var turn: Row {
    if backlog <= Self.minimumTurn { return max(Self.largestWait, linked / 64) }
    return min(max(Self.minimumTurn, linked / 16), Self.maximumTurn)
  }

  /// The next thing to do.
  ///
  /// - Parameter isResting: Nothing was committed for a while, or the store is being closed.
  /// - Returns: One action; it is reported back with the `did` functions when it is done.
  package func next(isResting: Bool) -> Action {
    let isWanted = isResting || requested > linked
    if backlog > 0, !isCheckpointDue, isWanted || backlog >= leastRows,
      isWanted || committed > waitingRows
    {
      return .link(
        upTo: linked + min(backlog, turn),
        includingPartialSlice: isWanted && backlog <= turn
      )
    }
    if isCheckpointDue { return .checkpoint }
    if isMergeDue { return .mergeIDs(upTo: committed) }
    guard isResting else { return .wait }
    let left = tidy()
    return left == .wait && isCalibrationDue ? .calibrate : left
  }

  /// Whether it is to be done at the priority of queries: somebody waits for it, or so many rows are not
  /// linked that comparing them costs a query more than the want of a core does.
  package func isUrgent(_ action: Action) -> Bool {
    switch action {
    case .link, .checkpoint: requested > linked || backlog >= Row(TailCodes.rowLimit)
    case .mergeIDs: isMergeDue
    case .calibrate, .reclaim, .wait: false
    }
  }

  /// Whether so many ids wait in memory that they are merged even while rows keep coming.
  package var isMergeDue: Bool { committed - merged >= max(Self.minimumMerge, merged / 4) }

  /// What is left to do when nothing more is to be linked.
  package func tidy() -> Action {
    if checkpointed < linked { return .checkpoint }
    if committed > merged { return .mergeIDs(upTo: committed) }
    return .wait
  }

  /// The recall is measured once all is linked, and again when the graph has grown by half or a fifth of
  /// it was deleted: recall changes with the logarithm of the rows.
  ///
  /// Under `.manual` nothing is done in the background but what `index` asked for.
  private var isCalibrationDue: Bool {
    guard linked > SearchPlan.scanRows, backlog == 0, mode != .manual || requested > 0 else {
      return false
    }
    guard let calibration else { return true }
    return !calibration.isKept
      && RecallCalibration.isOutgrown(
        from: (calibration.rows, calibration.deleted),
        to: (linked, deleted)
      )
  }

  /// A growing graph is written when it has grown by half, which bounds what is written in all to a few
  /// times the graph, and what a crash has to link again.
  private var isCheckpointDue: Bool {
    linked - checkpointed >= max(131_072, checkpointed / 2)
  }
}
