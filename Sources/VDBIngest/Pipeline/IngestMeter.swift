internal import VDB

/// What a run counts while it goes: the report so far, and how far each stage is.
final class IngestMeter: Sendable {
  struct State {
    var report: IngestReport
    var cleaned = 0
    var embedded = 0
    var written = 0
    /// How much of the source has been read, 0 to 1.
    var share: Double?
    var isFinished = false
    var isSourceAtEnd = false
    /// Errors by batch, in the order in which they came.
    var failures: [Int: (ids: [RecordID], errors: [String])] = [:]
    /// What ended the run early.
    var failure: (any Error)?
  }

  private let state: Guarded<State>
  private let started = ContinuousClock.now
  let count: Int?

  init(settings: IngestSettings, count: Int?) {
    state = Guarded(State(report: IngestReport(settings: settings)))
    self.count = count
  }

  func update(_ body: (inout State) -> Void) { state.withLock { body(&$0) } }

  /// Counts entries as failed under their batch.
  func fail(_ ids: [RecordID], batch: Int, errors: [String]) {
    state.withLock { state in
      var failed = state.failures[batch] ?? ([], [])
      failed.ids += ids
      failed.errors += errors
      state.failures[batch] = failed
      state.report.failed += ids.count
    }
  }

  /// Whether an entry was not stored so far.
  var hasFailures: Bool { state.withLock { $0.report.failed > 0 } }

  /// Whether the source was read to its end, and nothing ended the run early.
  var isComplete: Bool { state.withLock { $0.isSourceAtEnd && $0.failure == nil } }

  /// Keeps the first reason for which the run ends early.
  func stop(_ error: any Error) {
    state.withLock { state in
      if state.failure == nil { state.failure = error }
    }
  }

  /// The report at the end, and why the run ended early if it did.
  func finish() -> (report: IngestReport, failure: (any Error)?) {
    state.withLock { state in
      state.isFinished = true
      var report = state.report
      report.elapsedSeconds = elapsedSeconds
      report.throughput = Double(report.total) / max(report.elapsedSeconds, 1e-9)
      report.failedBatches = state.failures.sorted { $0.key < $1.key }.map { index, failed in
        IngestReport.FailedBatch(index: index, ids: failed.ids, errors: failed.errors)
      }
      return (report, state.failure)
    }
  }

  private var elapsedSeconds: Double { (ContinuousClock.now - started) / .seconds(1) }

  /// How far the run is; `queues` are entries that wait before cleaning and before embedding.
  func status(queues: [(waiting: Int, capacity: Int)]) -> IngestStatus {
    state.withLock { state in
      let report = state.report
      let settled =
        report.stored + report.duplicates + report.rejected + report.skipped + report.failed
      var part: Double?
      if let count, count > 0 {
        part = Double(settled) / Double(count)
      } else if let share = state.share, report.total > 0 {
        part = share * Double(settled) / Double(report.total)
      }
      let seconds = elapsedSeconds
      let done = [report.total, state.cleaned, state.embedded, state.written]
      let names = IngestStatus.Stage.Name.allCases
      return IngestStatus(
        stages: zip(names, done).enumerated().map { index, stage in
          IngestStatus.Stage(
            name: stage.0,
            done: stage.1,
            rate: seconds > 0 ? Double(stage.1) / seconds : 0,
            waiting: queues[index].waiting,
            capacity: queues[index].capacity
          )
        },
        count: count,
        duplicates: report.duplicates,
        failed: report.failed,
        elapsedSeconds: seconds,
        etaSeconds: part.flatMap { $0 > 0 ? seconds * max(0, 1 - $0) / $0 : nil },
        isFinished: state.isFinished
      )
    }
  }
}
