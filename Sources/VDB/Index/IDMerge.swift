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
    let entries = try SortedIDs(source, in: snapshot.reading, upTo: end)
    source.idsIntegrity.add(hashes: entries.hashes(behind: Key.prefix(collection).count))
    let id = collection
    if source.record.merged == 0 { try clearTable(writer) }
    var start = 0
    repeat {
      let slice = start..<min(entries.count, start + Self.sliceRows)
      start = slice.upperBound
      let isLast = start >= entries.count
      try writer.maintain("merge ids") { (step) throws(VectorStoreError) in
        guard var collection = step.state.collections[id] else { return }
        collection.record.idsDigest &+= try step.put(entries, slice)
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
}

/// The ids of rows that are not merged yet, as the table takes them: sorted and sealed, so that the
/// writer only copies.
private struct SortedIDs: Sendable {
  /// The keys one after the other, since there may be millions.
  private var keys: [UInt8] = []
  /// Where each key ends in `keys`.
  private var ends: [Int] = []
  /// The row and the checksum of each.
  private var values: [SealedRow] = []

  /// Deleted rows are left out: whatever the table says of their ids already leads to a deleted row.
  init(
    _ source: CollectionSnapshot,
    in reading: SharedReadTransaction,
    upTo end: Row
  ) throws(VectorStoreError) {
    let unsorted = try UnsortedIDs(source, in: reading, upTo: end)
    keys.reserveCapacity(unsorted.keys.count)
    ends.reserveCapacity(unsorted.entries.count)
    values.reserveCapacity(unsorted.entries.count)
    for position in unsorted.order() {
      let entry = unsorted.entries[position]
      let key = unsorted.keys[entry.bytes]
      keys.append(contentsOf: key)
      ends.append(keys.count)
      values.append(
        unsafe key.withUnsafeBytes { unsafe SealedRow(row: entry.row, key: $0) }
      )
    }
  }

  var count: Int { values.count }
  /// The hashes of the ids, which follow so many bytes in each key.
  func hashes(behind prefixCount: Int) -> [UInt64] {
    (0..<count).map { index in
      unsafe withKey(index) { key in
        unsafe PendingIDs.hash(UnsafeRawBufferPointer(rebasing: key.dropFirst(prefixCount)))
      }
    }
  }

  func value(_ index: Int) -> SealedRow { values[index] }

  func withKey<Result, Failure: Error>(
    _ index: Int,
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    let bytes = (index == 0 ? 0 : ends[index - 1])..<ends[index]
    return unsafe try keys.withRawBytes { (keys) throws(Failure) -> Result in
      try unsafe body(UnsafeRawBufferPointer(rebasing: keys[bytes]))
    }
  }
}

/// A row as the value of its id, with the checksum over both.
private struct SealedRow {
  let row: Row
  let checksum: UInt32

  init(row: Row, key: UnsafeRawBufferPointer) {
    self.row = row
    checksum = unsafe withUnsafeBytes(of: row.littleEndian) { row in
      unsafe SealedValue.checksum(key: key, value: row)
    }
  }

  /// The 8 bytes that are stored.
  var bytes: UInt64 { (UInt64(row) | UInt64(checksum) << 32).littleEndian }
  var digestTerm: UInt64 { CollectionRecord.digestTerm(row: row, checksum: checksum) }
}

/// The same in the order of the rows.
private struct UnsortedIDs {
  struct Entry {
    let start: Int
    let row: Row
    let count: UInt16

    var bytes: Range<Int> { start..<(start + Int(count)) }
  }

  private(set) var keys: [UInt8] = []
  private(set) var entries: [Entry] = []
  /// Bytes with which all keys begin.
  private var sharedCount = Int.max

  init(
    _ source: CollectionSnapshot,
    in reading: SharedReadTransaction,
    upTo end: Row
  ) throws(VectorStoreError) {
    let rows = source.record.merged..<max(source.record.merged, min(end, source.rows))
    let prefix = Key.prefix(source.record.id)
    keys.reserveCapacity(rows.count * 24)
    entries.reserveCapacity(rows.count)
    try source.forEachRecord(of: rows, in: reading) { row, parts in
      if source.live.isDeleted(row) { return }
      let start = keys.count
      keys.append(contentsOf: prefix)
      keys.append(parts.idKind)
      unsafe keys.append(contentsOf: parts.idBytes)
      entries.append(Entry(start: start, row: row, count: UInt16(keys.count - start)))
      shareWithFirst(start..<keys.count)
    }
  }

  private mutating func shareWithFirst(_ key: Range<Int>) {
    sharedCount = min(sharedCount, key.count)
    var count = 0
    while count < sharedCount, keys[count] == keys[key.lowerBound + count] { count += 1 }
    sharedCount = count
  }

  /// The positions of the entries in the order of their keys.
  ///
  /// What follows the bytes that all keys share is compared as a number first, which decides nearly always.
  func order() -> [Int] {
    var sortable = entries.indices.map { (head: head(of: entries[$0]), position: $0) }
    sortable.sort { left, right in
      if left.head != right.head { return left.head < right.head }
      return keys[entries[left.position].bytes]
        .lexicographicallyPrecedes(keys[entries[right.position].bytes])
    }
    return sortable.map(\.position)
  }

  private func head(of entry: Entry) -> UInt64 {
    let bytes = entry.bytes.dropFirst(sharedCount).prefix(8)
    let number = bytes.reduce(UInt64(0)) { $0 << 8 | UInt64(keys[$1]) }
    return number << UInt64(8 * (8 - bytes.count))
  }
}

extension WriterStep {
  /// Stores ids with their rows, in the order of their keys.
  ///
  /// - Returns: what changes of the table's digest.
  fileprivate mutating func put(
    _ ids: SortedIDs,
    _ slice: Range<Int>
  ) throws(VectorStoreError) -> UInt64 {
    var change: UInt64 = 0
    do throws(LMDBError) {
      try transaction.withCursor(in: tables.ids, failure: { $0 }) { (cursor) throws(LMDBError) in
        for index in slice {
          let value = ids.value(index)
          change &+= unsafe try ids.withKey(index) { (key) throws(LMDBError) -> UInt64 in
            guard let old = unsafe try cursor.exchange(value.bytes, forKey: key) else {
              return value.digestTerm
            }
            let oldRow = unsafe try old.withRawBytes { (old) throws(LMDBError) in
              unsafe try CollectionSnapshot.mergedRow(old, key: key)
            }
            return value.digestTerm &- IDsCheck.term(row: oldRow, sealed: old)
          }
        }
      }
    } catch {
      throw VectorStoreError(error, during: "merge ids")
    }
    return change
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
