import Logging

/// The work itself, done without the lock; who does what and when is decided in `Indexer.swift`.
extension Indexer {
  /// Removes what a dropped collection left behind.
  ///
  /// What cannot be removed now is at the next opening.
  func reclaim(_ id: CollectionID) {
    do throws(VectorStoreError) {
      try Reclamation(collection: id).run(writer: writer)
    } catch {
      logger.warning("space of a dropped collection kept", metadata: ["cause": "\(error)"])
    }
  }

  /// What came of an action.
  enum Outcome {
    case linked(CollectionIndexer)
    case checkpointed(CollectionIndexer, Row)
    case merged(Row)
    case calibrated
    case notCalibrated(VectorStoreError?)
    case gone
    case failed(VectorStoreError)
  }

  func perform(
    _ action: IndexerState.Action,
    on id: CollectionID,
    with known: CollectionIndexer?,
    isRewriting: Bool,
    workers: Int,
    stop: StopFlag
  ) -> Outcome {
    do throws(VectorStoreError) {
      let snapshot = try publisher.snapshot()
      guard let collection = snapshot.collections.values.first(where: { $0.record.id == id }) else {
        return .gone
      }
      if case .mergeIDs(let end) = action {
        KillPoint.reach("idmerge.before")
        try IDMerge(collection: id, name: collection.name)
          .run(upTo: end, publisher: publisher, writer: writer)
        return .merged(end)
      }
      if action == .calibrate {
        return calibrate(collection, in: snapshot.reading, workers: workers, stop: stop)
      }
      let indexer =
        known
        ?? CollectionIndexer(
          collection,
          in: snapshot.reading,
          isRewriting: isRewriting,
          publisher: publisher,
          writer: writer
        )
      switch action {
      case .link(let end, let includingPartialSlice):
        try indexer.link(
          upTo: end,
          includingPartialSlice: includingPartialSlice,
          workers: workers,
          shouldStop: { self.isStopping }
        )
        return .linked(indexer)
      case .checkpoint: return .checkpointed(indexer, try indexer.checkpoint())
      case .mergeIDs, .calibrate, .reclaim, .wait: return .gone
      }
    } catch {
      return .failed(error)
    }
  }

  /// Measures the recall and stores what was found; what stands in the way is no failure of the index.
  private func calibrate(
    _ collection: CollectionSnapshot,
    in reading: SharedReadTransaction,
    workers: Int,
    stop: StopFlag
  ) -> Outcome {
    do throws(VectorStoreError) {
      guard let index = collection.intactIndex(in: reading) else { return .notCalibrated(nil) }
      let measurement = RecallMeasurement(
        collection: collection,
        reading: reading,
        index: index,
        sample: try RecallSample(of: collection, index, in: reading),
        workers: workers,
        stop: stop
      )
      guard let calibration = try measurement.run() else { return .notCalibrated(nil) }
      let id = collection.record.id
      try writer.maintain("store recall figures") { (step) throws(VectorStoreError) in
        try step.putRecall(calibration, of: id, keepingGiven: true)
      }
      return .calibrated
    } catch {
      return .notCalibrated(error)
    }
  }
}
