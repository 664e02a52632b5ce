internal import VDB

/// Gathers embedded batches into commits; a row that the store refuses does not harm the others.
struct WritingStep {
  /// Rows of one commit, each with the batch it came in.
  private struct Gathered {
    var records: [TextRecord] = []
    var vectors: [Float] = []
    var batches: [Int] = []
    var bytes = 0

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

  let store: VectorStore
  let collection: String
  let model: String
  let dimension: Int
  let settings: IngestSettings
  let retryDelay: Duration
  let meter: IngestMeter
  private var gathered = Gathered()

  init(
    store: VectorStore,
    collection: String,
    embedder: any Embedder,
    settings: IngestSettings,
    retryDelay: Duration,
    meter: IngestMeter
  ) {
    self.store = store
    self.collection = collection
    model = embedder.modelIdentity
    dimension = embedder.dimension
    self.settings = settings
    self.retryDelay = retryDelay
    self.meter = meter
  }

  /// Takes a batch, and commits when enough is there.
  ///
  /// - Throws: What makes going on useless: the store is closed, full, damaged or gone.
  mutating func add(_ batch: EmbeddedBatch) async throws(VectorStoreError) {
    if let failure = batch.failure { throw failure }
    for (row, record) in batch.records.enumerated() {
      // The store refuses a commit that has an id twice.
      if record.repeatsID { try await flush() }
      gathered.records.append(record)
      gathered.vectors += batch.vectors[row * dimension..<(row + 1) * dimension]
      gathered.batches.append(batch.index)
      gathered.bytes += record.text.utf8.count + 4 * dimension
      if gathered.records.count >= settings.writeBatch
        || gathered.bytes >= 2 * IngestSettings.commitBytes
      {
        try await flush()
      }
    }
  }

  /// Commits what is there.
  mutating func flush() async throws(VectorStoreError) {
    let rows = gathered
    gathered = Gathered()
    try await write(rows)
  }

  private func write(_ gathered: Gathered) async throws(VectorStoreError) {
    var rows = gathered
    var attempt = 0
    while !rows.records.isEmpty {
      let failure: VectorStoreError
      do throws(VectorStoreError) {
        try await commit(rows)
        return
      } catch {
        failure = error
      }
      if let row = failure.refusedRow, row < rows.records.count {
        meter.fail([rows.records[row].id], batch: rows.batches[row], errors: ["\(failure)"])
        rows.remove(row, dimension: dimension)
      } else if case .invalidBatch = failure, rows.records.count > 1 {
        let middle = rows.records.count / 2
        try await write(rows.part(0..<middle, dimension: dimension))
        rows = rows.part(middle..<rows.records.count, dimension: dimension)
      } else if failure.mayPass, attempt < settings.retries {
        do {
          try await Task.sleep(for: retryDelay * (1 << min(attempt, 16)))
        } catch {
          throw .cancelled
        }
        attempt += 1
      } else {
        if failure == .cancelled { throw failure }
        for (batch, failed) in Dictionary(grouping: rows.batches.indices, by: { rows.batches[$0] })
        {
          meter.fail(failed.map { rows.records[$0].id }, batch: batch, errors: ["\(failure)"])
        }
        throw failure
      }
    }
  }

  private func commit(_ rows: Gathered) async throws(VectorStoreError) {
    let hasMetadata = rows.records.contains { !$0.metadata.isEmpty }
    let receipt = try await store.insertBatch(
      RecordBatch(
        ids: rows.records.map(\.id),
        vectors: VectorRows(.float32(rows.vectors), dimension: dimension),
        metadata: hasMetadata ? rows.records.map(\.metadata) : [],
        documents: rows.records.map(\.text)
      ),
      into: collection,
      mode: .upsert,
      model: model
    )
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
