import LMDB
import VectorKernels

/// One committed state of the store (I3): a read transaction and what was derived from it once, so that
/// queries neither wait nor look anything up that another query looked up before.
final class Snapshot: Sendable {
  let reading: SharedReadTransaction
  let sequence: UInt64
  let collections: [String: CollectionSnapshot]
  /// Names that stand for collections.
  let aliases: [String: CollectionID]
  /// The collections by the names that stand for them.
  private let aliased: [String: CollectionSnapshot]

  init(
    reading: SharedReadTransaction,
    sequence: UInt64,
    aliases: [String: CollectionID],
    collections: [String: CollectionSnapshot]
  ) {
    self.reading = reading
    self.sequence = sequence
    self.collections = collections
    self.aliases = aliases
    aliased = aliases.compactMapValues { id in
      collections.values.first { $0.record.id == id }
    }
  }

  /// The collection of a name or alias, if there is one.
  func find(_ name: String) -> CollectionSnapshot? { collections[name] ?? aliased[name] }

  /// The collection of a name or alias.
  func collection(_ name: String) throws(VectorStoreError) -> CollectionSnapshot {
    guard let found = find(name) else { throw .unknownCollection(name) }
    return found
  }

  /// What a collection is, with the names that stand for it.
  func info(of collection: CollectionSnapshot) -> CollectionInfo {
    var info = collection.info
    info.aliases = names(of: collection.record.id)
    return info
  }

  /// The names that stand for a collection, sorted.
  func names(of id: CollectionID) -> [String] {
    aliases.filter { $0.value == id }.map(\.key).sorted()
  }

  /// The collection of a number: a name may have passed to another collection meanwhile.
  func collection(
    _ id: CollectionID,
    named name: String
  ) throws(VectorStoreError) -> CollectionSnapshot {
    guard let found = collections[name], found.record.id == id else {
      throw .unknownCollection(name)
    }
    return found
  }
}

/// A read transaction that several snapshots share: an indexer's publication needs no new one.
final class SharedReadTransaction: Sendable {
  let transaction: ReadTransaction
  let tables: Tables
  let began = ContinuousClock.now

  /// Looks at every table once: LMDB reads a table's root at the first look and notes that it has, which
  /// must not happen on several threads at the same time.
  init(_ transaction: consuming ReadTransaction, tables: Tables) throws(LMDBError) {
    for (_, table) in tables.all { _ = try transaction.statistics(of: table) }
    self.transaction = transaction
    self.tables = tables
  }
}

/// One collection as a snapshot sees it.
final class CollectionSnapshot: Sendable {
  let name: String
  let record: CollectionRecord
  let kernels: CollectionKernels
  let vectors: VectorBlocks
  let live: LiveRows
  let pendingIDs: PendingIDs
  let idsIntegrity: IDsIntegrity
  /// The graph and its codes; `nil` while there is none to use.
  let index: IndexVersion?
  /// Codes of the rows that the graph does not contain; `nil` where those are none, or too many.
  let tailCodes: TailCodes?
  /// What was measured of its recall.
  let recall: RecallCalibration?

  init(
    name: String,
    record: CollectionRecord,
    kernels: CollectionKernels,
    vectors: VectorBlocks,
    live: LiveRows,
    pendingIDs: PendingIDs,
    idsIntegrity: IDsIntegrity,
    index: IndexVersion?,
    tailCodes: TailCodes? = nil,
    recall: RecallCalibration?
  ) {
    self.name = name
    self.record = record
    self.kernels = kernels
    self.vectors = vectors
    self.live = live
    self.pendingIDs = pendingIDs
    self.idsIntegrity = idsIntegrity
    self.index = index
    self.tailCodes = tailCodes
    self.recall = recall
  }

  /// Committed rows, deleted ones included.
  var rows: Row { record.nextRow }
  /// Rows that the graph contains.
  var linked: Row { min(index?.linked ?? 0, rows) }

  var info: CollectionInfo {
    CollectionInfo(
      name: name,
      options: record.options,
      rows: Int(rows),
      live: Int(record.live),
      indexed: Int(linked)
    )
  }

  /// The same rows with another index, and codes for those that it does not contain.
  ///
  /// - Parameters:
  ///   - index: The graph and its codes.
  ///   - known: The tail's codes in the version before; each has one successor.
  ///   - reading: What blocks are checked in.
  /// - Returns: The version that takes this one's place.
  func with(
    index: IndexVersion?,
    tailAfter known: TailCodes?,
    in reading: SharedReadTransaction
  ) -> CollectionSnapshot {
    CollectionSnapshot(
      name: name,
      record: record,
      kernels: kernels,
      vectors: vectors,
      live: live,
      pendingIDs: pendingIDs,
      idsIntegrity: idsIntegrity,
      index: index,
      tailCodes: TailCodes.next(after: known, of: self, linked: index?.linked ?? 0, in: reading),
      recall: recall
    )
  }
}

/// What compares and codes the vectors of one collection; made once, since a rotation has to be drawn.
final class CollectionKernels: Sendable {
  let fullPrecision: FullPrecision
  let coding: Coding

  init(_ record: CollectionRecord) {
    let options = record.options
    fullPrecision = FullPrecision(
      metric: options.metric.kernel,
      element: options.element.kernel,
      // Where there are no vectors nothing is compared; the smallest kernel stands in.
      dimension: max(1, options.dimension)
    )
    coding = Coding(record)
  }
}
