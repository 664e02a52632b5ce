import LMDB

/// Builds the next snapshot and puts it in the current one's place: after each commit for the
/// writer, after each slice of linking for the indexer.
///
/// Readers only ever load the result.
final class Publisher: Sendable {
  let current: Published<Snapshot>
  private let environment: Environment
  let tables: Tables
  /// The latest snapshot's parts; the lock orders the writer and the indexer, never a reader.
  ///
  /// Codes of the tail are made under it, so that each version of them has one successor.
  private let composition: Guarded<Composition?>
  /// Called after each publication, outside the lock.
  private let observer: Guarded<(@Sendable (Snapshot) -> Void)?> = Guarded(nil)

  private struct Composition {
    var reading: SharedReadTransaction
    var sequence: UInt64
    var aliases: [String: CollectionID]
    var collections: [CollectionID: CollectionSnapshot]

    func snapshot() -> Snapshot {
      Snapshot(
        reading: reading,
        sequence: sequence,
        aliases: aliases,
        collections: Dictionary(
          collections.values.map { ($0.name, $0) },
          uniquingKeysWith: { first, _ in first }
        )
      )
    }
  }

  init(
    environment: Environment,
    tables: Tables,
    reading: SharedReadTransaction,
    sequence: UInt64,
    aliases: [String: CollectionID],
    collections: [CollectionID: CollectionSnapshot]
  ) {
    self.environment = environment
    self.tables = tables
    let first = Composition(
      reading: reading,
      sequence: sequence,
      aliases: aliases,
      collections: collections
    )
    current = Published(first.snapshot())
    composition = Guarded(first)
  }

  /// The current committed state.
  ///
  /// - Throws: `.closed` after `close`.
  func snapshot() throws(VectorStoreError) -> Snapshot {
    guard let snapshot = current.load() else { throw .closed }
    return snapshot
  }

  /// Gives the last snapshot up; queries that hold it finish.
  func close() {
    observer.withLock { $0 = nil }
    composition.withLock { composition in
      composition = nil
      current.clear()
    }
  }

  func observe(_ body: @escaping @Sendable (Snapshot) -> Void) {
    observer.withLock { $0 = body }
  }

  /// Publishes what the writer has just committed and notes the new addresses in `state`.
  func publish(_ state: inout StoreState) throws(VectorStoreError) {
    KillPoint.reach("publish.before")
    let reading: SharedReadTransaction
    do throws(LMDBError) {
      reading = try SharedReadTransaction(ReadTransaction(environment), tables: tables)
    } catch {
      throw VectorStoreError(error, during: "begin a read transaction")
    }
    for id in Array(state.collections.keys) {
      guard var collection = state.collections[id] else { continue }
      try collection.resolveBlocks(in: reading)
      state.collections[id] = collection
    }
    let (sequence, aliases, committed) = (state.sequence, state.aliases, state.collections)
    let snapshot = composition.withLock { composition in
      var collections: [CollectionID: CollectionSnapshot] = [:]
      for (id, collection) in committed {
        let known = composition?.collections[id]
        if let known, known.record == collection.record, known.vectors === collection.vectors,
          known.pendingIDs === collection.pendingIDs, known.recall == collection.recall
        {
          collections[id] = known
        } else {
          let next = CollectionSnapshot(
            name: collection.name,
            record: collection.record,
            kernels: collection.kernels,
            vectors: collection.vectors,
            live: collection.live,
            pendingIDs: collection.pendingIDs,
            idsIntegrity: collection.idsIntegrity,
            index: nil,
            recall: collection.recall
          )
          collections[id] = next.with(
            index: known?.index,
            tailAfter: known?.tailCodes,
            in: reading
          )
        }
      }
      let next = Composition(
        reading: reading,
        sequence: sequence,
        aliases: aliases,
        collections: collections
      )
      composition = next
      let snapshot = next.snapshot()
      current.store(snapshot)
      return snapshot
    }
    observer.withLock { $0 }?(snapshot)
  }

  /// Publishes what another process has committed, for a store that is open read-only.
  ///
  /// One at a time.
  func reload() throws(VectorStoreError) {
    let reading: SharedReadTransaction
    do throws(LMDBError) {
      reading = try SharedReadTransaction(ReadTransaction(environment), tables: tables)
    } catch {
      throw VectorStoreError(error, during: "begin a read transaction")
    }
    let previous = try snapshot()
    if reading.transaction.id == previous.reading.transaction.id { return }
    let loader = Loader(reading: reading, previous: previous)
    _ = try loader.features()
    let loaded = try loader.collections()
    let sequence = try loader.sequence()
    let aliases = try loader.aliases()
    let next = Composition(
      reading: reading,
      sequence: sequence,
      aliases: aliases,
      collections: Dictionary(uniqueKeysWithValues: loaded.map { ($0.record.id, $0.snapshot) })
    )
    composition.withLock { composition in
      guard composition != nil else { return }
      composition = next
      current.store(next.snapshot())
    }
  }

  /// Publishes a new version of one collection's index beside the same committed state.
  func publish(index: IndexVersion?, of id: CollectionID) {
    let snapshot = composition.withLock { composition in
      guard var next = composition, let known = next.collections[id] else {
        return nil as Snapshot?
      }
      next.collections[id] = known.with(
        index: index,
        tailAfter: known.tailCodes,
        in: next.reading
      )
      composition = next
      let snapshot = next.snapshot()
      current.store(snapshot)
      return snapshot
    }
    if let snapshot { observer.withLock { $0 }?(snapshot) }
  }
}

extension CollectionState {
  /// Looks up the blocks that were written since the last publication.
  mutating func resolveBlocks(in reading: SharedReadTransaction) throws(VectorStoreError) {
    guard let first = unresolvedBlock else { return }
    let total = shape.blocks(for: record.nextRow)
    var addresses = vectors.addresses(prefix: Int(first))
    for block in addresses.count..<max(addresses.count, total) {
      if let tail, block == total - 1 {
        addresses.append(tail.address)
      } else {
        addresses.append(
          try reading.vectorBlockAddress(UInt32(block), of: record.id, shape: shape, name: name)
        )
      }
    }
    vectors = VectorBlocks(
      shape: shape,
      addresses: addresses,
      tail: tail,
      checked: vectors.checked.reserving(total)
    )
    unresolvedBlock = nil
  }
}

extension SharedReadTransaction {
  /// Where a sealed block's rows begin, after its header was held against what is expected.
  func vectorBlockAddress(
    _ block: UInt32,
    of collection: CollectionID,
    shape: BlockShape,
    name: String
  ) throws(VectorStoreError) -> UInt64 {
    let key = Key.item(collection, block)
    let value: UnsafeRawBufferPointer?
    do throws(LMDBError) {
      unsafe value = try key.withRawBytes { (raw) throws(LMDBError) in
        unsafe try transaction.address(forKey: raw, in: tables.vectors)
      }
    } catch {
      throw VectorStoreError(error, during: "look up a block")
    }
    do throws(MalformedBytes) {
      guard let value = unsafe value, let base = value.baseAddress else {
        throw MalformedBytes("the block is missing")
      }
      let header = try unsafe BlockHeader(decoding: value, kind: .vectors)
      guard header.firstRow == UInt64(shape.firstRow(of: block)),
        Int(header.stride) == shape.stride, Int(header.rows) <= shape.rows,
        header.payloadBytes == UInt64(header.rows) * UInt64(shape.stride)
      else { throw MalformedBytes("its header does not fit the collection") }
      return unsafe UInt64(UInt(bitPattern: base + BlockHeader.byteCount))
    } catch {
      throw .corrupted(place: "vectors of '\(name)', block \(block)", detail: error.reason)
    }
  }
}
