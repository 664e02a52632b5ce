import Logging

extension VectorStore {
  /// Commits records together: all of them or none.
  ///
  /// Returns when they are durable and visible to every query that begins afterwards, in the graph or
  /// not. Many callers at once share one sync of the disk.
  ///
  /// - Parameters:
  ///   - records: At most ``VDBLimits/batchBytes`` in all; none is no error and changes nothing.
  ///   - collection: The collection's name.
  ///   - mode: What happens to an id that is there already.
  ///   - model: Which model made the vectors; checked against the collection's when both are known.
  /// - Returns: The range of sequence numbers of the batch.
  /// - Throws: What is wrong with the batch, by row; `.idExists` under `.insert`; `.diskFull` and
  ///   `.mapFull` (the store stays usable); `.outcomeUnknown` when the commit itself failed.
  @discardableResult
  public func insertBatch(
    _ records: [Record],
    into collection: String,
    mode: InsertMode = .insert,
    model: String? = nil
  ) async throws(VectorStoreError) -> Receipt {
    _ = try writing("insert records")
    let known = try snapshot().collection(collection)
    let batch = try RecordBatch(records, dimension: known.record.options.dimension)
    return try await insertBatch(batch, into: collection, mode: mode, model: model)
  }

  /// Commits records given column by column, and marks with them; see ``insertBatch(_:into:mode:model:)``.
  @discardableResult
  public func insertBatch(
    _ batch: RecordBatch,
    into collection: String,
    mode: InsertMode = .insert,
    model: String? = nil,
    marks: [Mark] = []
  ) async throws(VectorStoreError) -> Receipt {
    try await enqueueBatch(batch, into: collection, mode: mode, model: model, marks: marks)
      .receipt()
  }

  /// Puts a batch into the writer's queue and returns while it waits there.
  ///
  /// Batches are committed in the order in which they were queued, so a caller may have several under
  /// way; those that wait together share a sync. Nothing is promised before the receipt.
  ///
  /// - Throws: What is wrong with the batch itself; what comes of the commit is told with the receipt.
  package func enqueueBatch(
    _ batch: RecordBatch,
    into collection: String,
    mode: InsertMode = .insert,
    model: String? = nil,
    marks: [Mark] = []
  ) async throws(VectorStoreError) -> QueuedBatch {
    let engine = try writing("insert records")
    let known = try snapshot().collection(collection)
    try known.checkModel(model)
    try Mark.check(marks)
    engine.queue.announce()
    var isAnnounced = true
    defer { if isAnnounced { engine.queue.withdraw() } }
    var prepared = try PreparedBatch(batch, for: known.record.options)
    let outcome = PendingOutcome()
    let isImmediate = known.record.options.indexing == .immediate
    let queued = QueuedBatch(
      outcome: outcome,
      store: self,
      collectionToIndex: isImmediate ? known.name : nil
    )
    if prepared.count == 0 {
      try await setMarks(marks, of: known.name)
      outcome.fill(.success(.nothing))
      return queued
    }
    try await ensureIDsIntact(of: known.name)
    if Task.isCancelled { throw .cancelled }
    let id = known.record.id
    // Here many callers look up at once; the writer is one.
    let latest = try snapshot()
    let same = try latest.collection(id, named: known.name)
    prepared.merged = try same.mergedRows(of: prepared, in: latest.reading)
    let ready = prepared
    let byteCount = marks.reduce(prepared.byteCount) { $0 + ($1.value?.count ?? 0) }
    let job = CommitQueue.Job(byteCount: byteCount) { (step) throws(VectorStoreError) in
      try step.withCollection(id, named: collection) { (state, step) throws(VectorStoreError) in
        let receipt = try state.insert(
          ready,
          mode: mode,
          sequence: &step.state.sequence,
          tables: step.tables,
          isLastCollection: step.state.nextCollection == id.number + 1,
          in: &step.transaction
        )
        if ready.hasOriginals { try step.use(.originals) }
        try step.put(marks, of: id)
        return receipt
      }
    } finish: {
      outcome.fill($0)
    }
    engine.queue.submit(job, announced: true)
    isAnnounced = false
    return queued
  }

  /// Deletes records by id, all in one commit; ids that are not there are no error.
  ///
  /// The records are gone for every query that begins afterwards. Their bytes stay in the file until
  /// compaction.
  @discardableResult
  public func delete(
    ids: [RecordID],
    from collection: String
  ) async throws(VectorStoreError) -> Receipt {
    _ = try writing("delete records")
    let known = try snapshot().collection(collection)
    let id = known.record.id
    for (row, id) in ids.enumerated() { try PreparedBatch.check(id, row: row) }
    if ids.isEmpty { return .nothing }
    let keys = ids.map(RecordCoding.idKey)
    try await ensureIDsIntact(of: known.name)
    return try await submit("delete records", byteCount: 64 * ids.count) {
      (step) throws(VectorStoreError) in
      try step.withCollection(id, named: collection) { (state, step) throws(VectorStoreError) in
        try state.delete(
          keys,
          sequence: &step.state.sequence,
          tables: step.tables,
          in: &step.transaction
        )
      }
    }
  }
}

extension VectorStore {
  /// Before ids are looked up for writing, the table that would say which are there is checked once; a
  /// damaged one is set aside and made again.
  private func ensureIDsIntact(of name: String) async throws(VectorStoreError) {
    let snapshot = try snapshot()
    let collection = try snapshot.collection(name)
    if try collection.areIDsIntact(in: snapshot.reading) { return }
    logger.warning("ids damaged, making them again", metadata: ["collection": "\(name)"])
    let id = collection.record.id
    _ = try await submit("find ids again", byteCount: 0) { (step) throws(VectorStoreError) in
      try step.forgetMergedIDs(of: id)
      return Receipt.nothing
    }
    try writing("find ids again").indexer.idsWereForgotten(id)
  }
}

extension WriterStep {
  /// Lends one collection's state to `body`, and takes it back unless an error came.
  mutating func withCollection(
    _ id: CollectionID,
    named name: String,
    _ body: (inout CollectionState, inout WriterStep) throws(VectorStoreError) -> Receipt
  ) throws(VectorStoreError) -> Receipt {
    guard var collection = state.collections[id] else { throw .unknownCollection(name) }
    let receipt = try body(&collection, &self)
    state.collections[id] = collection
    return receipt
  }
}
