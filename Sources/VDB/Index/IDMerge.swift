import LMDB

/// Moves ids from the map in memory into the `ids` sub-database: sorted, so that a leaf is written once
/// for all its new ids instead of once an id.
struct IDMerge {
  let collection: CollectionID
  let name: String

  /// Ids of one transaction.
  static let sliceRows = 32_768

  func run(upTo end: Row, publisher: Publisher, writer: Writer) throws(VectorStoreError) {
    let snapshot = try publisher.snapshot()
    let source = try snapshot.collection(collection, named: name)
    let entries = try sortedEntries(source, snapshot.reading, upTo: end)
    let id = collection
    if source.record.merged == 0 { try clearTable(writer) }
    var start = 0
    repeat {
      let slice = Array(entries[start..<min(entries.count, start + Self.sliceRows)])
      start += slice.count
      let isLast = start >= entries.count
      try writer.maintain("merge ids") { (step) throws(VectorStoreError) in
        guard var collection = step.state.collections[id] else { return }
        for entry in slice { collection.record.idsDigest &+= try step.putID(entry) }
        collection.recordChanged = true
        if isLast {
          // Only now: until then the rows are found through the map in memory.
          collection.record.merged = end
          collection.pendingIDs = collection.pendingIDs.dropping(before: end)
        }
        step.state.collections[id] = collection
      }
    } while start < entries.count
  }

  /// Removes what an interrupted first merge left, or a table that was found damaged.
  private func clearTable(_ writer: Writer) throws(VectorStoreError) {
    try writer.removeAll(prefix: Key.prefix(collection), \.ids)
    let id = collection
    try writer.maintain("clear the ids") { (step) throws(VectorStoreError) in
      step.state.collections[id]?.record.idsDigest = 0
      step.state.collections[id]?.recordChanged = true
    }
  }

  struct Entry: Sendable {
    let key: [UInt8]
    let row: Row
  }

  /// The ids of rows that are not merged yet, in the order of their keys.
  ///
  /// Deleted rows are left out: whatever the table says of their ids already leads to a deleted
  /// row.
  private func sortedEntries(
    _ source: CollectionSnapshot,
    _ reading: SharedReadTransaction,
    upTo end: Row
  ) throws(VectorStoreError) -> [Entry] {
    var entries: [Entry] = []
    let prefix = Key.prefix(collection)
    for row in source.record.merged..<min(end, source.rows) where !source.live.isDeleted(row) {
      let key = try source.withRecord(row, in: reading) { parts in prefix + parts.idKey }
      entries.append(Entry(key: key, row: row))
    }
    return entries.sorted { $0.key.lexicographicallyPrecedes($1.key) }
  }
}

extension WriterStep {
  /// Stores one id's row.
  ///
  /// - Returns: what changes of the table's digest.
  fileprivate mutating func putID(_ entry: IDMerge.Entry) throws(VectorStoreError) -> UInt64 {
    do throws(LMDBError) {
      let old = unsafe try entry.key.withRawBytes { (key) throws(LMDBError) -> [UInt8]? in
        guard let value = try unsafe transaction.address(forKey: key, in: tables.ids) else {
          return nil
        }
        _ = try unsafe CollectionSnapshot.mergedRow(value, key: key)
        return unsafe Array(value)
      }
      var writer = ByteWriter(capacity: 8)
      writer.put(entry.row)
      let value = SealedValue.seal(writer.bytes, key: entry.key)
      try transaction.put(value, forKey: entry.key, in: tables.ids)
      var change = IDsCheck.term(row: entry.row, sealed: value)
      if let old {
        let row = old.prefix(4).reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        change &-= IDsCheck.term(row: row, sealed: old)
      }
      return change
    } catch {
      throw VectorStoreError(error, during: "merge ids")
    }
  }

  /// Finds all ids through their records again: the table was found damaged (I8).
  ///
  /// It is made anew by the next merge.
  mutating func forgetMergedIDs(of id: CollectionID) throws(VectorStoreError) {
    guard var collection = state.collections[id] else { return }
    let all = PendingIDs(capacity: Int(collection.record.nextRow))
    let name = collection.name
    unsafe try transaction.forEach(prefix: Key.prefix(id), in: tables.records) {
      (key, value) throws(VectorStoreError) in
      do throws(MalformedBytes) {
        let parts = try unsafe RecordCoding.parts(SealedValue.open(value, key: key))
        all.insert(hash: parts.idHash(), row: unsafe Key.trailingNumber(key))
      } catch {
        throw .corrupted(place: "records of '\(name)'", detail: error.reason)
      }
      return true
    }
    collection.pendingIDs = all
    collection.idsIntegrity = IDsIntegrity(isNew: true)
    collection.record.merged = 0
    collection.recordChanged = true
    state.collections[id] = collection
  }
}
