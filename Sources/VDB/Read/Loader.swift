import HNSW
import LMDB
import VectorKernels

/// One collection as its sub-databases describe it, read at opening or after another process's commit.
struct LoadedCollection {
  let name: String
  let record: CollectionRecord
  let kernels: CollectionKernels
  let vectors: VectorBlocks
  let live: LiveRows
  let pendingIDs: PendingIDs
  let idsIntegrity: IDsIntegrity
  let index: IndexVersion?
  let recall: RecallCalibration?

  var snapshot: CollectionSnapshot {
    CollectionSnapshot(
      name: name,
      record: record,
      kernels: kernels,
      vectors: vectors,
      live: live,
      pendingIDs: pendingIDs,
      idsIntegrity: idsIntegrity,
      index: index,
      recall: recall
    )
  }
}

/// Reads the state of a store from one read transaction.
///
/// Touches keys and small values only: no page of vectors, codes or links is read before a query
/// needs it, but for the unfinished blocks.
@safe
struct Loader {
  let reading: SharedReadTransaction
  /// What an earlier snapshot knew, so that only what is new is read.
  var previous: Snapshot?

  func sequence() throws(VectorStoreError) -> UInt64 {
    try metaNumber(Key.sequence) ?? 0
  }

  func nextCollection() throws(VectorStoreError) -> UInt32 {
    UInt32(truncatingIfNeeded: try metaNumber(Key.nextCollection) ?? 1)
  }

  func metaNumber(_ key: [UInt8]) throws(VectorStoreError) -> UInt64? {
    guard let value = try metaValue(key) else { return nil }
    var number: UInt64 = 0
    for byte in value.reversed() { number = number << 8 | UInt64(byte) }
    return number
  }

  /// A value of `meta` without its checksum.
  func metaValue(_ key: [UInt8]) throws(VectorStoreError) -> [UInt8]? {
    unsafe try read(key, from: reading.tables.meta, "meta") { (value) throws(MalformedBytes) in
      unsafe [UInt8](value)
    }
  }

  /// Numbers of dropped collections whose values are still there.
  func dropping() throws(VectorStoreError) -> [CollectionID] {
    var found: [CollectionID] = []
    unsafe try forEach(prefix: Array("drop/".utf8), in: reading.tables.meta) { key, _ in
      found.append(CollectionID(number: unsafe Key.trailingNumber(key)))
    }
    return found
  }

  /// Names that stand for collections, with the collections' numbers.
  func aliases() throws(VectorStoreError) -> [String: CollectionID] {
    var found: [String: CollectionID] = [:]
    unsafe try forEach(prefix: Key.aliasPrefix, in: reading.tables.meta) {
      (key, value) throws(VectorStoreError) in
      let name = unsafe String(decoding: key.dropFirst(Key.aliasPrefix.count), as: UTF8.self)
      do throws(MalformedBytes) {
        var reader = unsafe ByteReader(try SealedValue.open(value, key: key))
        found[name] = CollectionID(number: try reader.take())
        try reader.expectEnd()
      } catch {
        throw .corrupted(place: "alias '\(name)'", detail: error.reason)
      }
    }
    return found
  }

  func collections() throws(VectorStoreError) -> [LoadedCollection] {
    var entries: [(name: String, record: CollectionRecord)] = []
    unsafe try forEach(prefix: [], in: reading.tables.collections) {
      (key, value) throws(VectorStoreError) in
      let name = unsafe String(decoding: key, as: UTF8.self)
      do throws(MalformedBytes) {
        let record = try unsafe CollectionRecord(decoding: SealedValue.open(value, key: key))
        entries.append((name, record))
      } catch {
        throw .corrupted(place: "collection '\(name)'", detail: error.reason)
      }
    }
    var loaded: [LoadedCollection] = []
    for entry in entries { loaded.append(try load(entry.name, entry.record)) }
    return loaded
  }

  private func load(
    _ name: String,
    _ record: CollectionRecord
  ) throws(VectorStoreError) -> LoadedCollection {
    let earlier = previous?.collections[name]
    let recall = recall(of: record.id, name)
    if let earlier, earlier.record == record {
      return LoadedCollection(
        name: name,
        record: record,
        kernels: earlier.kernels,
        vectors: earlier.vectors,
        live: earlier.live,
        pendingIDs: earlier.pendingIDs,
        idsIntegrity: earlier.idsIntegrity,
        index: earlier.index,
        recall: recall
      )
    }
    let known = earlier.flatMap { $0.record.id == record.id ? $0 : nil }
    let kernels = known?.kernels ?? CollectionKernels(record)
    let vectors = try loadVectors(name, record, known)
    return LoadedCollection(
      name: name,
      record: record,
      kernels: kernels,
      vectors: vectors,
      live: try loadLiveRows(name, record),
      pendingIDs: try loadPendingIDs(name, record, known),
      idsIntegrity: known?.idsIntegrity ?? IDsIntegrity(isNew: record.merged == 0),
      index: try loadIndex(name, record, kernels, vectors, known),
      recall: recall
    )
  }

  // MARK: Vectors

  private func loadVectors(
    _ name: String,
    _ record: CollectionRecord,
    _ known: CollectionSnapshot?
  ) throws(VectorStoreError) -> VectorBlocks {
    let shape = BlockShape(stride: record.options.dimension * record.options.element.byteCount)
    let total = shape.blocks(for: record.nextRow)
    // A block that was full when the earlier snapshot was made has not moved since.
    let kept = known.map { shape.fullBlocks(for: $0.record.sealed) } ?? 0
    var addresses = known?.vectors.addresses(prefix: min(kept, total)) ?? []
    let full = shape.fullBlocks(for: record.nextRow)
    let headerBytes = UInt64(BlockHeader.byteCount)
    unsafe try forEachBlock(
      addresses.count..<max(addresses.count, full),
      of: record.id,
      in: reading.tables.vectors,
      payload: shape.rows * shape.stride,
      place: "vectors of '\(name)'"
    ) { value in
      addresses.append(UInt64(UInt(bitPattern: value.baseAddress)) + headerBytes)
    }
    var tail: AlignedMemory?
    if full < total {
      let memory = AlignedMemory(byteCount: shape.rows * shape.stride)
      try fillTail(memory, name, record, shape, firstRow: shape.firstRow(of: UInt32(full)))
      addresses.append(memory.address)
      tail = memory
    }
    let checked = known?.vectors.checked ?? CheckedBlocks(capacity: total)
    return VectorBlocks(
      shape: shape,
      addresses: addresses,
      tail: tail,
      checked: checked.reserving(total)
    )
  }

  /// Puts the rows of the unfinished block together: sealed ones from its value, the others from the WAL.
  private func fillTail(
    _ memory: AlignedMemory,
    _ name: String,
    _ record: CollectionRecord,
    _ shape: BlockShape,
    firstRow: Row
  ) throws(VectorStoreError) {
    var filled = firstRow
    if record.sealed > firstRow {
      let key = Key.item(record.id, shape.block(of: firstRow))
      let rows = Int(record.sealed - firstRow)
      try copySealedRows(
        key,
        rows: rows,
        to: memory,
        shape,
        place: "vectors of '\(name)', last block"
      )
      filled = record.sealed
    }
    unsafe try forEach(prefix: Key.prefix(record.id), in: reading.tables.wal) {
      (key, value) throws(VectorStoreError) in
      guard filled < record.nextRow else { return }
      do throws(MalformedBytes) {
        let entry = try unsafe WALEntry(decoding: SealedValue.open(value, key: key))
        let end = entry.firstRow + entry.rows
        guard entry.operation == .insert, end > filled else { return }
        guard Int(entry.stride) == shape.stride, entry.firstVectorRow <= filled,
          end <= record.nextRow
        else { throw MalformedBytes("its rows do not follow the ones before") }
        let skip = Int(filled - entry.firstVectorRow) * shape.stride
        let source = unsafe UnsafeRawBufferPointer(rebasing: entry.vectors.dropFirst(skip))
        unsafe UnsafeMutableRawBufferPointer(start: memory.base, count: memory.byteCount)
          .baseAddress?
          .advanced(by: Int(filled - firstRow) * shape.stride)
          .copyMemory(
            from: source.baseAddress ?? UnsafeRawPointer(memory.base),
            byteCount: source.count
          )
        filled = end
      } catch {
        throw .corrupted(place: "WAL of '\(name)'", detail: error.reason)
      }
    }
    guard filled == record.nextRow else {
      throw .corrupted(
        place: "WAL of '\(name)'",
        detail: "the vectors of rows \(filled) to \(record.nextRow) are missing"
      )
    }
  }

  private func copySealedRows(
    _ key: [UInt8],
    rows: Int,
    to memory: AlignedMemory,
    _ shape: BlockShape,
    place: String
  ) throws(VectorStoreError) {
    unsafe try readRequired(key, from: reading.tables.vectors, place, sealed: false) {
      (value) throws(MalformedBytes) in
      let header = try unsafe BlockHeader(decoding: value, kind: .vectors)
      guard unsafe BlockHeader.isIntact(value, key: key) else {
        throw MalformedBytes("checksum differs")
      }
      guard Int(header.rows) >= rows, Int(header.stride) == shape.stride,
        value.count >= BlockHeader.byteCount + rows * shape.stride, rows <= shape.rows
      else { throw MalformedBytes("it holds fewer rows than the collection says") }
      let source = unsafe UnsafeRawBufferPointer(
        rebasing: value[BlockHeader.byteCount..<(BlockHeader.byteCount + rows * shape.stride)]
      )
      unsafe UnsafeMutableRawBufferPointer(start: memory.base, count: memory.byteCount)
        .copyMemory(from: source)
    }
  }

  // MARK: Deleted rows and ids

  private func loadLiveRows(
    _ name: String,
    _ record: CollectionRecord
  ) throws(VectorStoreError) -> LiveRows {
    var live = LiveRows()
    unsafe try forEach(prefix: Key.prefix(record.id), in: reading.tables.tombstones) {
      (key, value) throws(VectorStoreError) in
      do throws(MalformedBytes) {
        var reader = unsafe ByteReader(try SealedValue.open(value, key: key))
        var words: [UInt64] = []
        for _ in 0..<(LiveRows.pageRows / 64) { words.append(try reader.take()) }
        try reader.expectEnd()
        live.load(unsafe Key.trailingNumber(key), words: words)
      } catch {
        throw .corrupted(place: "tombstones of '\(name)'", detail: error.reason)
      }
    }
    guard UInt64(record.live) + UInt64(live.deletedCount) == UInt64(record.nextRow) else {
      throw .corrupted(
        place: "tombstones of '\(name)'",
        detail: "\(record.live) live and \(live.deletedCount) deleted of \(record.nextRow) rows"
      )
    }
    return live
  }

  private func loadPendingIDs(
    _ name: String,
    _ record: CollectionRecord,
    _ known: CollectionSnapshot?
  ) throws(VectorStoreError) -> PendingIDs {
    var first = record.merged
    var table = PendingIDs(capacity: Int(record.nextRow - record.merged))
    if let known, known.record.merged == record.merged {
      first = known.record.nextRow
      table = known.pendingIDs.reserving(Int(record.nextRow - first))
    }
    var next = first
    unsafe try forEach(
      from: Key.item(record.id, first),
      prefix: Key.prefix(record.id),
      in: reading.tables.records
    ) {
      (key, value) throws(VectorStoreError) in
      guard next < record.nextRow else { return }
      do throws(MalformedBytes) {
        guard unsafe Key.trailingNumber(key) == next else {
          throw MalformedBytes("row \(next) is missing")
        }
        let parts = try unsafe RecordCoding.parts(SealedValue.open(value, key: key))
        table.insert(hash: parts.idHash(), row: next)
        next += 1
      } catch {
        throw .corrupted(place: "records of '\(name)'", detail: error.reason)
      }
    }
    guard next == record.nextRow else {
      throw .corrupted(place: "records of '\(name)'", detail: "row \(next) is missing")
    }
    return table
  }

  // MARK: Bytes

  /// Reads one value; `sealed` says that it ends in a checksum, which is compared and cut off.
  ///
  /// - Returns: `nil` when there is no such key.
  func read<Result>(
    _ key: [UInt8],
    from table: Table,
    _ place: String,
    sealed: Bool = true,
    _ body: (UnsafeRawBufferPointer) throws(MalformedBytes) -> Result
  ) throws(VectorStoreError) -> Result? {
    unsafe try key.withRawBytes { (raw) throws(VectorStoreError) -> Result? in
      let value: UnsafeRawBufferPointer?
      do throws(LMDBError) {
        unsafe value = try reading.transaction.address(forKey: raw, in: table)
      } catch {
        throw VectorStoreError(error, during: "read \(place)")
      }
      guard let value = unsafe value else { return nil }
      do throws(MalformedBytes) {
        return try unsafe body(sealed ? SealedValue.open(value, key: raw) : value)
      } catch {
        throw .corrupted(place: place, detail: error.reason)
      }
    }
  }

  /// The same for a value that must be there.
  func readRequired<Result>(
    _ key: [UInt8],
    from table: Table,
    _ place: String,
    sealed: Bool = true,
    _ body: (UnsafeRawBufferPointer) throws(MalformedBytes) -> Result
  ) throws(VectorStoreError) -> Result {
    guard let result = unsafe try read(key, from: table, place, sealed: sealed, body) else {
      throw .corrupted(place: place, detail: "it is missing")
    }
    return result
  }

  /// Calls `body` for each key with the prefix, ascending, beginning at `from`.
  func forEach(
    from start: [UInt8]? = nil,
    prefix: [UInt8],
    in table: Table,
    _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) throws(VectorStoreError) -> Void
  ) throws(VectorStoreError) {
    unsafe try reading.forEach(from: start ?? prefix, prefix: prefix, in: table) {
      (key, value) throws(VectorStoreError) in
      try unsafe body(key, value)
      return true
    }
  }
}
