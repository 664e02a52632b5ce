/// What the writer knows of the store: the last committed state, or within a transaction the next one.
///
/// A value: a transaction works on a copy, which takes the original's place when the commit succeeded.
struct StoreState {
  var sequence: UInt64
  var nextCollection: UInt32
  var collections: [CollectionID: CollectionState] = [:]
  var names: [String: CollectionID] = [:]
  /// Dropped collections whose values are still being removed.
  var dropping: [CollectionID] = []
  /// Names that stand for collections.
  var aliases: [String: CollectionID] = [:]
  /// What the store uses of the format.
  var features: Features = []

  func id(of name: String) throws(VectorStoreError) -> CollectionID {
    guard let id = names[name] else { throw .unknownCollection(name) }
    return id
  }
}

/// One collection in the writer's hands.
struct CollectionState {
  let name: String
  let kernels: CollectionKernels
  var record: CollectionRecord
  /// The unfinished block: rows from its first one up to the next row.
  ///
  /// `nil` when the next row begins a block. Rows at and above the committed next row may hold
  /// remains of an aborted transaction.
  var tail: AlignedMemory?
  var live: LiveRows
  var pendingIDs: PendingIDs
  var idsIntegrity: IDsIntegrity
  /// What was measured of the index's recall.
  var recall: RecallCalibration?
  /// As of the last publication.
  var vectors: VectorBlocks
  /// The first block whose address the next publication must look up again.
  var unresolvedBlock: UInt32?
  /// Batches of this transaction that are not in the WAL yet.
  var unlogged: [Insertion] = []
  /// The record differs from what the transaction has put.
  var recordChanged = false

  var shape: BlockShape { vectors.shape }

  /// The memory in which row `row` of the unfinished block goes, made when the block begins.
  mutating func tailMemory() -> AlignedMemory {
    if let tail { return tail }
    let memory = AlignedMemory(byteCount: shape.rows * shape.stride)
    tail = memory
    return memory
  }

  mutating func markUnresolved(_ block: UInt32) {
    unresolvedBlock = min(unresolvedBlock ?? block, block)
  }
}
