import Foundation

extension VectorStore {
  /// What is known of the recall of searches with a limit and a width.
  ///
  /// - Parameters:
  ///   - collection: The collection's name.
  ///   - limit: Results a query asks for, 1 to 100 000.
  ///   - efSearch: The width; by default the one of a search that names none.
  /// - Returns: `nil` when the collection is not calibrated.
  /// - Throws: `.unknownCollection`, `.invalidArgument`.
  public func recallEstimate(
    in collection: String,
    limit: Int = 10,
    efSearch: Int? = nil
  ) throws(VectorStoreError) -> RecallEstimate? {
    let plan = try SearchPlan(limit, efSearch, false, .latest)
    return try snapshot().collection(collection).estimate(limit: limit, efSearch: plan.efSearch)
  }

  /// How a search for a recall would be carried out now, and whether the recall is promised.
  ///
  /// - Parameters:
  ///   - targetRecall: More than 0, up to 1.
  ///   - collection: The collection's name.
  ///   - limit: Results a query asks for, 1 to 100 000.
  /// - Returns: The width, or that every record is compared, with what is known of it.
  /// - Throws: `.unknownCollection`, `.invalidArgument`.
  public func recallChoice(
    for targetRecall: Double,
    in collection: String,
    limit: Int = 10
  ) throws(VectorStoreError) -> RecallChoice {
    _ = try SearchPlan(limit, nil, false, .latest, targetRecall: targetRecall)
    return try snapshot().collection(collection).choice(limit: limit, targetRecall: targetRecall)
  }

  /// Measures the recall of a collection's index now, for searches that name a recall.
  ///
  /// The indexer does so by itself when a collection rests and has grown by half, or a fifth of it was
  /// deleted, since the last time: with stored rows as queries, each hidden from its own search. Queries
  /// that are unlike the data may find less; give a few hundred of them here, and the figures are theirs.
  /// They stay until this is called again; once the collection has outgrown them nothing is promised.
  ///
  /// A collection that is scanned, being small or not indexed, is left as it is: its answers are exact.
  ///
  /// - Parameters:
  ///   - collection: The collection's name.
  ///   - queries: Vectors of the collection's dimension; `nil` takes a sample of the stored rows.
  ///   - threads: Threads at most; `nil` takes those that index.
  /// - Throws: `.unknownCollection`, `.readOnly`, `.invalidArgument` for no queries at all, what a search
  ///   throws for a query that is wrong, `.cancelled`.
  /// - Complexity: Compares each query with every row; a sample of stored rows is small enough for about
  ///   two seconds of one core up to some 50 million numbers.
  public func calibrateRecall(
    _ collection: String,
    queries: VectorRows? = nil,
    threads: Int? = nil
  ) async throws(VectorStoreError) {
    let engine = try writing("calibrate recall")
    if let threads, threads < 1 {
      throw .invalidArgument(name: "threads", reason: "must be at least 1, not \(threads)")
    }
    let snapshot = try snapshot()
    let known = try snapshot.collection(collection)
    var sample: RecallSample?
    if let queries { sample = try RecallSample(queries, for: known.record.options) }
    guard known.rows > SearchPlan.scanRows,
      let index = known.intactIndex(in: snapshot.reading), index.linked > 0
    else { return }
    let used: RecallSample
    if let sample {
      used = sample
    } else {
      used = try RecallSample(of: known, index, in: snapshot.reading)
    }
    let stop = StopFlag()
    let measurement = RecallMeasurement(
      collection: known,
      reading: snapshot.reading,
      index: index,
      sample: used,
      workers: threads ?? engine.indexer.threads,
      stop: stop
    )
    let measured = await withTaskCancellationHandler {
      await Self.run(measurement)
    } onCancel: {
      stop.raise()
    }
    guard let calibration = try measured.get() else { throw .cancelled }
    _ = try await submit("store recall figures", byteCount: 1024) {
      (step) throws(VectorStoreError) in
      try step.putRecall(calibration, of: known.record.id)
      return Receipt.nothing
    }
  }

  /// Measures on a thread of its own, so that no task waits for a core.
  private static func run(
    _ measurement: RecallMeasurement
  ) async -> Result<RecallCalibration?, VectorStoreError> {
    await withCheckedContinuation { continuation in
      startThread(named: "vdb.recall") {
        do throws(VectorStoreError) {
          continuation.resume(returning: .success(try measurement.run()))
        } catch {
          continuation.resume(returning: .failure(error))
        }
      }
    }
  }

  /// Calibrates unless the figures there are still hold.
  package func refreshRecall(
    _ collection: String,
    threads: Int? = nil
  ) async throws(VectorStoreError) {
    let known = try snapshot().collection(collection)
    let deleted = Row(known.live.deletedCount)
    if let recall = known.recall {
      if recall.source == .queries || !recall.isOutgrown(rows: known.linked, deleted: deleted) {
        return
      }
    }
    try await calibrateRecall(collection, threads: threads)
  }

  /// Takes over figures that were measured with queries which are not known any more.
  func adoptRecall(
    _ calibration: RecallCalibration,
    for collection: String
  ) async throws(VectorStoreError) {
    let known = try snapshot().collection(collection)
    let adopted = RecallCalibration(
      source: calibration.source,
      samples: calibration.samples,
      rows: min(calibration.rows, known.linked),
      deleted: 0,
      seconds: calibration.seconds,
      curves: calibration.curves
    )
    _ = try await submit("store recall figures", byteCount: 1024) {
      (step) throws(VectorStoreError) in
      try step.putRecall(adopted, of: known.record.id)
      return Receipt.nothing
    }
  }
}

extension RecallSample {
  /// Queries of the application.
  init(_ queries: VectorRows, for options: CollectionOptions) throws(VectorStoreError) {
    guard queries.count > 0 else {
      throw .invalidArgument(name: "queries", reason: "must be at least one")
    }
    guard queries.dimension == options.dimension else {
      throw .dimensionMismatch(expected: options.dimension, actual: queries.dimension, row: nil)
    }
    var vectors: [Query] = []
    for number in 0..<queries.count {
      let vector = queries.row(number)
      try ElementEncoding.check(vector, row: number, metric: options.metric)
      vectors.append(Query(vector: vector, row: nil))
    }
    self.init(queries: vectors, source: .queries)
  }
}
