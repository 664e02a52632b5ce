internal import VDB

/// Gathers embedded batches into commits; a row that the store refuses does not harm the others.
///
/// Some commits are under way at once, in the order of the input, so that the writer always finds the
/// next one prepared and several share a sync.
struct WritingStep {
  /// Rows of one commit, each with the batch it came in.
  private struct Gathered {
    var records: [TextRecord] = []
    var vectors: [Float] = []
    var batches: [Int] = []
    var bytes = 0

    init() {}

    init(records: [TextRecord], vectors: [Float], batches: [Int]) {
      self.records = records
      self.vectors = vectors
      self.batches = batches
    }

    mutating func remove(_ row: Int, dimension: Int) {
      records.remove(at: row)
      batches.remove(at: row)
      vectors.removeSubrange(row * dimension..<(row + 1) * dimension)
    }

    func part(_ rows: Range<Int>, dimension: Int) -> Gathered {
      Gathered(
        records: Array(records[rows]),
        vectors: Array(vectors[rows.lowerBound * dimension..<rows.upperBound * dimension]),
        batches: Array(batches[rows])
      )
    }
  }

  /// Rows that are in the writer's queue, and the pages that end with them.
  private struct InFlight {
    let rows: Gathered
    let queued: QueuedBatch
    var ends: [PageEnd] = []
  }

  /// Commits that may be under way before the oldest is waited for.
  private static let commitsInFlight = 2

  let store: VectorStore
  let collection: String
  let model: String?
  let dimension: Int
  let settings: IngestSettings
  let retryDelay: Duration
  let meter: IngestMeter
  private var gathered = Gathered()
  private var inFlight: [InFlight] = []
  /// Pages that end with the rows gathered.
  private var ends: [PageEnd] = []
  /// How far the source is committed, when it can be resumed.
  private var cursor: SourceCursor?

  /// Pages after which the place is committed even if nothing of them had to be written.
  private static let pagesWithoutRows = 8

  init(
    store: VectorStore,
    collection: String,
    embedder: any Embedder,
    settings: IngestSettings,
    retryDelay: Duration,
    cursor: SourceCursor?,
    meter: IngestMeter
  ) {
    self.store = store
    self.collection = collection
    model = embedder.pinnedModel
    dimension = embedder.dimension
    self.settings = settings
    self.retryDelay = retryDelay
    self.cursor = cursor
    self.meter = meter
  }

  /// Takes a batch, and hands rows to the writer when enough for a commit are there.
  ///
  /// - Throws: What makes going on useless: the store is closed, full, damaged or gone.
  mutating func add(_ batch: EmbeddedBatch) async throws(VectorStoreError) {
    if let failure = batch.failure { throw failure }
    for (row, record) in batch.records.enumerated() {
      // The store refuses a commit that has an id twice, and the later record must win.
      if record.repeatsID { try await drain() }
      gathered.records.append(record)
      if dimension > 0 {
        gathered.vectors += batch.vectors[row * dimension..<(row + 1) * dimension]
      }
      gathered.batches.append(batch.index)
      gathered.bytes += record.text.utf8.count + (record.original?.utf8.count ?? 0) + 4 * dimension
      if gathered.records.count >= settings.writeBatch
        || gathered.bytes >= 2 * IngestSettings.commitBytes
      {
        try await handOver()
      }
    }
    if batch.isCut { cursor?.stop() }
    ends += batch.ends
    let isDue = gathered.records.isEmpty && ends.count >= Self.pagesWithoutRows
    if isDue || batch.flushes { try await flush() }
  }

  /// Commits what is there, and waits for it; with `isComplete` nothing of the source is left.
  mutating func flush(isComplete: Bool = false) async throws(VectorStoreError) {
    try await drain()
    if meter.hasFailures { return }
    let marks = (isComplete ? cursor?.finish() : cursor?.takeMarks()) ?? []
    try await store.setMarks(marks, of: collection)
  }

  private mutating func drain() async throws(VectorStoreError) {
    try await handOver()
    try await settle(downTo: 0)
  }

  /// Counts what is under way and still succeeds, when the run ends early.
  mutating func abandon() async {
    _ = await receipts()
  }

  private mutating func handOver() async throws(VectorStoreError) {
    let (rows, ends) = (gathered, ends)
    gathered = Gathered()
    self.ends = []
    try await enqueue(rows)
    if inFlight.isEmpty {
      pass(ends)
    } else {
      inFlight[inFlight.count - 1].ends += ends
    }
    try await settle(downTo: Self.commitsInFlight)
  }

  /// Puts rows into the writer's queue; a row that the store refuses is reported, the rest goes on.
  ///
  /// The place in the source that goes along is one before which all is committed already, so that it is
  /// right whatever becomes of the rows.
  private mutating func enqueue(_ gathered: Gathered) async throws(VectorStoreError) {
    var rows = gathered
    let marks = rows.records.isEmpty ? [] : cursor?.takeMarks() ?? []
    while !rows.records.isEmpty {
      let failure: VectorStoreError
      do throws(VectorStoreError) {
        let queued = try await store.enqueueBatch(
          batch(of: rows),
          into: collection,
          mode: .upsert,
          model: model,
          marks: meter.hasFailures ? [] : marks
        )
        inFlight.append(InFlight(rows: rows, queued: queued))
        return
      } catch {
        failure = error
      }
      if let row = failure.refusedRow, row < rows.records.count {
        meter.fail([rows.records[row].id], batch: rows.batches[row], errors: ["\(failure)"])
        rows.remove(row, dimension: dimension)
      } else if case .invalidBatch = failure, rows.records.count > 1 {
        let middle = rows.records.count / 2
        try await enqueue(rows.part(0..<middle, dimension: dimension))
        rows = rows.part(middle..<rows.records.count, dimension: dimension)
      } else {
        return try await commitAgain(rows, after: failure)
      }
    }
  }

  /// Waits until at most `count` commits are under way; those that failed are tried again, in their order.
  private mutating func settle(downTo count: Int) async throws(VectorStoreError) {
    while inFlight.count > count {
      let first = inFlight.removeFirst()
      let failure: VectorStoreError
      do throws(VectorStoreError) {
        note(try await first.queued.receipt(), first.rows)
        pass(first.ends)
        continue
      } catch {
        failure = error
      }
      // Its marks are lost, and those that come after them are no use alone.
      cursor?.stop()
      // What came after it may have failed for the same reason.
      let failed = await receipts()
      try await commitAgain(first.rows, after: failure)
      for (rows, failure) in failed { try await commitAgain(rows, after: failure) }
    }
  }

  /// Moves the place behind pages whose entries are all settled, unless one of them failed.
  private mutating func pass(_ ends: [PageEnd]) {
    if meter.hasFailures { cursor?.stop() }
    for end in ends { cursor?.advance(to: end) }
  }

  /// Waits for all that is under way.
  ///
  /// - Returns: what failed.
  private mutating func receipts() async -> [(rows: Gathered, failure: VectorStoreError)] {
    var failed: [(rows: Gathered, failure: VectorStoreError)] = []
    for commit in inFlight {
      do throws(VectorStoreError) {
        note(try await commit.queued.receipt(), commit.rows)
      } catch {
        failed.append((commit.rows, error))
      }
    }
    inFlight = []
    return failed
  }

  /// Tries a commit that failed again after growing waits, as long as that may help.
  private func commitAgain(
    _ rows: Gathered,
    after failure: VectorStoreError
  ) async throws(VectorStoreError) {
    var failure = failure
    for attempt in 0..<settings.retries where failure.mayPass {
      do {
        try await Task.sleep(for: retryDelay * (1 << min(attempt, 16)))
      } catch {
        throw .cancelled
      }
      do throws(VectorStoreError) {
        let receipt = try await store.insertBatch(
          batch(of: rows),
          into: collection,
          mode: .upsert,
          model: model
        )
        note(receipt, rows)
        return
      } catch {
        failure = error
      }
    }
    if failure == .cancelled { throw failure }
    for (batch, failed) in Dictionary(grouping: rows.batches.indices, by: { rows.batches[$0] }) {
      meter.fail(failed.map { rows.records[$0].id }, batch: batch, errors: ["\(failure)"])
    }
    throw failure
  }

  private func batch(of rows: Gathered) -> RecordBatch {
    let hasMetadata = rows.records.contains { !$0.metadata.isEmpty }
    let hasOriginals = rows.records.contains { $0.original != nil }
    return RecordBatch(
      ids: rows.records.map(\.id),
      vectors: dimension == 0 ? .none : VectorRows(.float32(rows.vectors), dimension: dimension),
      metadata: hasMetadata ? rows.records.map(\.metadata) : [],
      documents: rows.records.map(\.text),
      originals: hasOriginals ? rows.records.map(\.original) : []
    )
  }

  private func note(_ receipt: Receipt, _ rows: Gathered) {
    meter.update { state in
      state.written += rows.records.count
      state.report.inserted += receipt.inserted
      state.report.replaced += receipt.replaced
      state.report.last = max(state.report.last, receipt.last)
    }
  }
}

extension VectorStoreError {
  /// The row that is to blame, when one is.
  fileprivate var refusedRow: Int? {
    switch self {
    case .notFinite(let row, _), .zeroVector(let row): row
    case .notInt8(let row, _),
      .duplicateIDInBatch(_, _, let row), .invalidID(let row, _), .invalidMetadata(let row, _),
      .documentTooLarge(let row, _):
      row
    default: nil
    }
  }

  /// Whether the same commit may succeed a little later.
  fileprivate var mayPass: Bool {
    switch self {
    case .diskFull, .io, .tooManyReaders: true
    default: false
    }
  }
}
