import LMDB
import VectorKernels

/// Reads of single records within a snapshot; every value's checksum is compared (I9).
extension CollectionSnapshot {
  /// Calls `body` with the parts of a row's record, valid during the call.
  func withRecord<Result>(
    _ row: Row,
    in reading: SharedReadTransaction,
    _ body: (RecordCoding.Parts) throws(MalformedBytes) -> Result
  ) throws(VectorStoreError) -> Result {
    let key = Key.packed(record.id, row)
    return unsafe try withUnsafeBytes(of: key) { (keyBytes) throws(VectorStoreError) -> Result in
      let value: UnsafeRawBufferPointer?
      do throws(LMDBError) {
        unsafe value = unsafe try reading.transaction.address(
          forKey: keyBytes,
          in: reading.tables.records
        )
      } catch {
        throw VectorStoreError(error, during: "read a record")
      }
      guard let value = unsafe value else {
        throw .corrupted(place: "records of '\(name)', row \(row)", detail: "the record is missing")
      }
      do throws(MalformedBytes) {
        return try unsafe body(RecordCoding.parts(SealedValue.open(value, key: keyBytes)))
      } catch {
        throw .corrupted(place: "records of '\(name)', row \(row)", detail: error.reason)
      }
    }
  }

  /// The live row of an id (kind and bytes), or `nil`.
  func row(
    ofID id: [UInt8],
    in reading: SharedReadTransaction
  ) throws(VectorStoreError) -> Row? {
    let hash = unsafe id.withRawBytes { unsafe PendingIDs.hash($0) }
    var found: Row?
    try pendingIDs.forEachCandidate(hash: hash) { (row) throws(VectorStoreError) -> Bool in
      guard row < rows, !live.isDeleted(row) else { return true }
      let matches = try withRecord(row, in: reading) { parts in
        unsafe id.withRawBytes { unsafe parts.hasID($0) }
      }
      if matches { found = row }
      return !matches
    }
    if found != nil || record.merged == 0 { return found }
    let key = Key.prefix(record.id) + id
    let merged = unsafe try key.withRawBytes { (keyBytes) throws(VectorStoreError) -> Row? in
      do throws(LMDBError) {
        guard
          let value = unsafe try reading.transaction.address(
            forKey: keyBytes,
            in: reading.tables.ids
          )
        else { return nil }
        return unsafe try Self.mergedRow(value, key: keyBytes)
      } catch {
        throw VectorStoreError(error, during: "look up an id")
      }
    }
    guard let merged else {
      // Not there is an answer only if the table is whole.
      return try areIDsIntact(in: reading) ? nil : rowByRecords(ofID: id, in: reading)
    }
    guard merged < rows else {
      throw .corrupted(place: "ids of '\(name)'", detail: "an id points at row \(merged)")
    }
    return live.isDeleted(merged) ? nil : merged
  }

  /// Lends the records of all these rows in turn, deleted ones too.
  func forEachRecord(
    of rows: Range<Row>,
    in reading: SharedReadTransaction,
    _ body: (Row, RecordCoding.Parts) throws(MalformedBytes) -> Void
  ) throws(VectorStoreError) {
    var next = rows.lowerBound
    func fail(_ detail: String) -> VectorStoreError {
      .corrupted(place: "records of '\(name)', row \(next)", detail: detail)
    }
    guard !rows.isEmpty else { return }
    unsafe try reading.forEach(
      from: Key.item(record.id, next),
      prefix: Key.prefix(record.id),
      in: reading.tables.records
    ) { (key, value) throws(VectorStoreError) in
      guard unsafe Key.trailingNumber(key) == next else { throw fail("the record is missing") }
      do throws(MalformedBytes) {
        try unsafe body(next, RecordCoding.parts(SealedValue.open(value, key: key)))
      } catch {
        throw fail(error.reason)
      }
      next += 1
      return next < rows.upperBound
    }
    if next < rows.upperBound { throw fail("the record is missing") }
  }

  /// The rows that a batch's ids lead to in `ids`, deleted or not.
  func mergedRows(
    of batch: PreparedBatch,
    in reading: SharedReadTransaction
  ) throws(VectorStoreError) -> PreparedBatch.MergedRows? {
    if record.merged == 0 { return nil }
    var rows: [Row?] = []
    rows.reserveCapacity(batch.count)
    let mayBeThere = idsIntegrity.mayContain(batch.hashes)
    let prefix = Key.prefix(record.id)
    var key = prefix
    for row in 0..<batch.count {
      if let mayBeThere, !mayBeThere[row] {
        rows.append(nil)
        continue
      }
      key.replaceSubrange(prefix.count..., with: batch.idKeys[batch.idRange(row)])
      do throws(LMDBError) {
        rows.append(
          unsafe try key.withRawBytes { (key) throws(LMDBError) -> Row? in
            let value = unsafe try reading.transaction.address(forKey: key, in: reading.tables.ids)
            return try unsafe value.map { (value) throws(LMDBError) in
              unsafe try Self.mergedRow(value, key: key)
            }
          }
        )
      } catch {
        throw VectorStoreError(error, during: "look up an id")
      }
    }
    return PreparedBatch.MergedRows(mark: record.merged, rows: rows)
  }

  /// The row in a value of `ids`; a damaged one is reported as LMDB reports damage.
  static func mergedRow(
    _ value: UnsafeRawBufferPointer,
    key: UnsafeRawBufferPointer
  ) throws(LMDBError) -> Row {
    do throws(MalformedBytes) {
      var reader = unsafe ByteReader(try SealedValue.open(value, key: key))
      return try reader.take(UInt32.self)
    } catch {
      throw LMDBError.corrupted
    }
  }

  /// Where a row's vector is, after its block's checksum was compared once.
  func checkedAddress(
    of row: Row,
    in reading: SharedReadTransaction
  ) throws(VectorStoreError) -> UnsafeRawPointer {
    try check(block: vectors.shape.block(of: row), in: reading)
    return unsafe vectors.address(of: row)
  }

  /// Compares a sealed block's checksum unless this process has done so before.
  func check(block: UInt32, in reading: SharedReadTransaction) throws(VectorStoreError) {
    if vectors.checked.contains(block) { return }
    // The block in memory came from values that were checked when it was filled.
    if vectors.tail != nil, Int(block) == vectors.count - 1 { return }
    let key = Key.item(record.id, block)
    let value: UnsafeRawBufferPointer?
    do throws(LMDBError) {
      unsafe value = try key.withRawBytes { (raw) throws(LMDBError) in
        unsafe try reading.transaction.address(forKey: raw, in: reading.tables.vectors)
      }
    } catch {
      throw VectorStoreError(error, during: "read a block of vectors")
    }
    guard let value = unsafe value, unsafe BlockHeader.isIntact(value, key: key) else {
      throw .corrupted(place: "vectors of '\(name)', block \(block)", detail: "checksum differs")
    }
    vectors.checked.insert(block)
  }
}
