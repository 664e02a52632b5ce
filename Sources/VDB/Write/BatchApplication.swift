import LMDB

/// The life of a batch within the writer's transaction: ids are looked up, then everything is appended.
extension CollectionState {
  /// Puts a batch's rows behind the collection's last one.
  ///
  /// Nothing of the state or the transaction has changed when it throws one of the caller's errors
  /// (`idExists`, `collectionFull`); after a storage error the transaction must be aborted.
  mutating func insert(
    _ batch: PreparedBatch,
    mode: InsertMode,
    sequence: inout UInt64,
    tables: Tables,
    isLastCollection: Bool,
    in transaction: inout WriteTransaction
  ) throws(VectorStoreError) -> Receipt {
    guard Int(record.nextRow) + batch.count <= VDBLimits.rows else {
      throw .collectionFull(name: name, limit: VDBLimits.rows)
    }
    let replaced = try replacedRows(batch, mode: mode, tables: tables, in: transaction)
    let firstRow = record.nextRow
    let firstSequence = sequence + 1
    do throws(LMDBError) {
      try appendRecords(batch, tables: tables, append: isLastCollection, in: &transaction)
      try markDeleted(replaced, tables: tables, in: &transaction)
      if record.options.hasVectors {
        try appendVectors(batch, tables: tables, in: &transaction)
        unlogged.append(
          Insertion(
            firstSequence: firstSequence,
            firstRow: firstRow,
            rows: UInt32(batch.count),
            replaced: replaced
          )
        )
      }
    } catch {
      throw VectorStoreError(error, during: "store a batch")
    }
    pendingIDs = pendingIDs.reserving(batch.count)
    for row in 0..<batch.count {
      pendingIDs.insert(hash: batch.hashes[row], row: firstRow + UInt32(row))
    }
    record.nextRow += UInt32(batch.count)
    record.live += UInt32(batch.count - replaced.count)
    recordChanged = true
    sequence += UInt64(batch.count)
    return Receipt(
      sequences: SequenceNumber(firstSequence)...SequenceNumber(sequence),
      inserted: batch.count - replaced.count,
      replaced: replaced.count,
      deleted: 0
    )
  }

  /// Deletes the records with these ids (kind and bytes); unknown ones are no error.
  mutating func delete(
    _ ids: [[UInt8]],
    sequence: inout UInt64,
    tables: Tables,
    in transaction: inout WriteTransaction
  ) throws(VectorStoreError) -> Receipt {
    var rows: [Row] = []
    for id in ids {
      let hash = unsafe id.withRawBytes { unsafe PendingIDs.hash($0) }
      if let row = try liveRow(ofID: id[...], hash: hash, tables: tables, in: transaction) {
        rows.append(row)
      }
    }
    rows = Array(Set(rows)).sorted()
    guard !rows.isEmpty else {
      return Receipt(sequences: nil, inserted: 0, replaced: 0, deleted: 0)
    }
    let firstSequence = sequence + 1
    do throws(LMDBError) {
      try markDeleted(rows, tables: tables, in: &transaction)
      if record.options.hasVectors {
        let entry = unsafe WALEntry(
          operation: .delete,
          firstRow: record.nextRow,
          rows: 0,
          firstVectorRow: record.nextRow,
          stride: UInt32(shape.stride),
          vectors: UnsafeRawBufferPointer(start: nil, count: 0),
          deleted: rows
        )
        let key = Key.wal(record.id, firstSequence: firstSequence)
        try transaction.put(entry, forKey: key, in: tables.wal)
      }
    } catch {
      throw VectorStoreError(error, during: "delete records")
    }
    record.live -= UInt32(rows.count)
    recordChanged = true
    sequence += UInt64(rows.count)
    return Receipt(
      sequences: SequenceNumber(firstSequence)...SequenceNumber(sequence),
      inserted: 0,
      replaced: 0,
      deleted: rows.count
    )
  }

  /// The live rows that the batch's ids have now, ascending; an error under insert semantics.
  private func replacedRows(
    _ batch: PreparedBatch,
    mode: InsertMode,
    tables: Tables,
    in transaction: borrowing WriteTransaction
  ) throws(VectorStoreError) -> [Row] {
    // An empty collection has nothing to replace: the first bulk load looks nothing up.
    if record.live == 0 { return [] }
    var replaced: [Row] = []
    var pending = pendingIDs.candidates(among: batch.hashes)[...]
    for row in 0..<batch.count {
      let mayBePending = pending.first == row
      if mayBePending { pending.removeFirst() }
      let found: Row?
      if !mayBePending, let merged = batch.merged, merged.mark == record.merged {
        found = isLive(merged.rows[row])
      } else {
        let id = batch.idKeys[batch.idRange(row)]
        let hash = batch.hashes[row]
        found = try liveRow(ofID: id, hash: hash, tables: tables, in: transaction)
      }
      guard let found else { continue }
      if mode == .insert {
        throw .idExists(id: try decode(batch.idKeys[batch.idRange(row)]), row: row)
      }
      replaced.append(found)
    }
    return replaced.sorted()
  }

  private func decode(_ id: ArraySlice<UInt8>) throws(VectorStoreError) -> RecordID {
    do throws(MalformedBytes) {
      return unsafe try Array(id).withRawBytes { (raw) throws(MalformedBytes) -> RecordID in
        try unsafe RecordCoding.decodeID(raw)
      }
    } catch {
      throw .invalidBatch(reason: error.reason)
    }
  }

  private func isLive(_ row: Row?) -> Row? {
    guard let row, row < record.nextRow, !live.isDeleted(row) else { return nil }
    return row
  }

  /// The row that carries an id and is not deleted, as of this point of the transaction.
  private func liveRow(
    ofID id: ArraySlice<UInt8>,
    hash: UInt64,
    tables: Tables,
    in transaction: borrowing WriteTransaction
  ) throws(VectorStoreError) -> Row? {
    let pending = try pendingRow(ofID: id, hash: hash, tables: tables, in: transaction)
    if pending != nil || record.merged == 0 { return pending }
    let key = Key.prefix(record.id) + id
    do throws(LMDBError) {
      let row = unsafe try key.withRawBytes { (keyBytes) throws(LMDBError) -> Row? in
        guard let value = unsafe try transaction.address(forKey: keyBytes, in: tables.ids) else {
          return nil
        }
        return unsafe try CollectionSnapshot.mergedRow(value, key: keyBytes)
      }
      return isLive(row)
    } catch {
      throw VectorStoreError(error, during: "look up an id")
    }
  }

  /// The same among rows whose ids are not merged yet.
  private func pendingRow(
    ofID id: ArraySlice<UInt8>,
    hash: UInt64,
    tables: Tables,
    in transaction: borrowing WriteTransaction
  ) throws(VectorStoreError) -> Row? {
    var candidates: [Row] = []
    pendingIDs.forEachCandidate(hash: hash) { row in
      if row < record.nextRow, !live.isDeleted(row) { candidates.append(row) }
      return true
    }
    for row in candidates {
      if try carries(row, id, tables: tables, in: transaction) { return row }
    }
    return nil
  }

  /// Whether a row's record has the id.
  private func carries(
    _ row: Row,
    _ id: ArraySlice<UInt8>,
    tables: Tables,
    in transaction: borrowing WriteTransaction
  ) throws(VectorStoreError) -> Bool {
    let key = Key.item(record.id, row)
    let value: UnsafeRawBufferPointer?
    do throws(LMDBError) {
      unsafe value = try key.withRawBytes { (raw) throws(LMDBError) in
        unsafe try transaction.address(forKey: raw, in: tables.records)
      }
    } catch {
      throw VectorStoreError(error, during: "read a record")
    }
    guard let value = unsafe value else {
      throw .corrupted(place: "records of '\(name)', row \(row)", detail: "the record is missing")
    }
    do throws(MalformedBytes) {
      let body = unsafe try key.withRawBytes { (raw) throws(MalformedBytes) in
        unsafe try SealedValue.open(value, key: raw)
      }
      let parts = unsafe try RecordCoding.parts(body)
      return unsafe Array(id).withRawBytes { unsafe parts.hasID($0) }
    } catch {
      throw .corrupted(place: "records of '\(name)', row \(row)", detail: error.reason)
    }
  }

  /// Copies the vectors into the unfinished block and writes every block that fills.
  private mutating func appendVectors(
    _ batch: PreparedBatch,
    tables: Tables,
    in transaction: inout WriteTransaction
  ) throws(LMDBError) {
    var row = record.nextRow
    let end = row + UInt32(batch.count)
    var offset = 0
    while row < end {
      let block = shape.block(of: row)
      let within = Int(row & shape.mask)
      let take = min(shape.rows - within, Int(end - row))
      let bytes = offset..<(offset + take * shape.stride)
      row += UInt32(take)
      offset = bytes.upperBound
      if take == shape.rows {
        // A block that is full at once goes to its place without a stop in memory.
        unsafe try batch.vectors.withRawBytes { (vectors) throws(LMDBError) in
          let rows = unsafe UnsafeRawBufferPointer(rebasing: vectors[bytes])
          unsafe try putVectorBlock(block, rows, tables: tables, in: &transaction)
        }
        record.sealed = row
        markUnresolved(block)
        continue
      }
      let memory = tailMemory()
      unsafe batch.vectors.withRawBytes { vectors in
        let source = unsafe UnsafeRawBufferPointer(rebasing: vectors[bytes])
        unsafe (memory.base + within * shape.stride).copyMemory(
          from: source.baseAddress ?? UnsafeRawPointer(memory.base),
          byteCount: source.count
        )
      }
      if within + take == shape.rows {
        try putVectorBlock(block, rows: shape.rows, tables: tables, in: &transaction)
        record.sealed = row
        tail = nil
      }
      markUnresolved(block)
    }
  }

  /// Writes the unfinished block's first `rows` rows as a block value.
  mutating func putVectorBlock(
    _ block: UInt32,
    rows: Int,
    tables: Tables,
    in transaction: inout WriteTransaction
  ) throws(LMDBError) {
    guard let tail else { return }
    let payload = unsafe UnsafeRawBufferPointer(start: tail.base, count: rows * shape.stride)
    unsafe try putVectorBlock(block, payload, tables: tables, in: &transaction)
  }

  private mutating func putVectorBlock(
    _ block: UInt32,
    _ payload: UnsafeRawBufferPointer,
    tables: Tables,
    in transaction: inout WriteTransaction
  ) throws(LMDBError) {
    let header = BlockHeader(
      kind: .vectors,
      firstRow: UInt64(shape.firstRow(of: block)),
      rows: UInt32(payload.count / shape.stride),
      stride: UInt32(shape.stride),
      payloadBytes: UInt64(payload.count)
    )
    try unsafe transaction.putBlock(
      header,
      payload: payload,
      runs: nil,
      key: Key.item(record.id, block),
      in: tables.vectors
    )
    vectors.checked.remove(block)
    markUnresolved(block)
  }

  private mutating func appendRecords(
    _ batch: PreparedBatch,
    tables: Tables,
    append: Bool,
    in transaction: inout WriteTransaction
  ) throws(LMDBError) {
    let first = record.nextRow
    let id = record.id
    var digest = record.digest
    try transaction.withCursor(in: tables.records, failure: { $0 }) {
      (cursor) throws(LMDBError) in
      unsafe try batch.records.withRawBytes { (records) throws(LMDBError) in
        for index in 0..<batch.count {
          let row = first + UInt32(index)
          let value = unsafe UnsafeRawBufferPointer(rebasing: records[batch.recordRange(index)])
          let key = Key.packed(id, row)
          digest &+= unsafe try withUnsafeBytes(of: key) { (key) throws(LMDBError) in
            let sum = unsafe SealedValue.checksum(key: key, value: value)
            let byteCount = value.count + SealedValue.checksumBytes
            unsafe try cursor.put(byteCount: byteCount, forKey: key, append: append) { target in
              unsafe target.copyMemory(from: value)
              unsafe target.storeBytes(
                of: sum.littleEndian,
                toByteOffset: value.count,
                as: UInt32.self
              )
            }
            return CollectionRecord.digestTerm(row: row, checksum: sum)
          }
        }
      }
    }
    record.digest = digest
  }

  private mutating func markDeleted(
    _ rows: [Row],
    tables: Tables,
    in transaction: inout WriteTransaction
  ) throws(LMDBError) {
    for page in live.markDeleted(rows) {
      var writer = ByteWriter(capacity: LiveRows.pageRows / 8 + 4)
      for word in live.words(of: page) { writer.put(word) }
      let key = Key.item(record.id, page)
      try transaction.put(
        SealedValue.seal(writer.bytes, key: key),
        forKey: key,
        in: tables.tombstones
      )
    }
  }
}
