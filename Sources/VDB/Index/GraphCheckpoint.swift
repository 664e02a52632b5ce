import HNSW
import LMDB

/// Writes one published graph to disk, in slices that no batch waits long for.
struct GraphCheckpoint {
  let collection: CollectionID
  let graph: Graph

  /// A log is worth it up to a quarter of the graph; beyond that a new generation costs less to read.
  ///
  /// - Returns: whether the lists would still be few with what the log has already.
  func isLogWorthwhile(_ changes: GraphChanges, logBytes: Int) -> Bool {
    let changed = logBytes + self.logBytes(of: changes)
    var whole = 0
    for layer in graph.layers {
      whole += Int(layer.count) * layer.shape.strideBytes
    }
    return changed * 4 < whole
  }

  /// Bytes that the changed lists take in the log.
  func logBytes(of changes: GraphChanges) -> Int {
    zip(graph.layers, changes.layers).reduce(0) { $0 + $1.1.count * ($1.0.shape.strideBytes + 8) }
  }

  /// Appends the changed lists to the generation's log.
  ///
  /// - Returns: slices of the log now.
  func appendLog(
    _ changes: GraphChanges,
    generation: UInt32,
    slices: UInt32,
    through writer: Writer
  ) throws(VectorStoreError) -> UInt32 {
    var pending: [[UInt8]] = []
    var slice = ByteWriter(capacity: 1 << 16)
    var lists: UInt32 = 0
    slice.put(UInt32(0))
    func finishSlice() {
      slice.replace(at: 0, with: lists)
      pending.append(slice.bytes)
      slice = ByteWriter(capacity: 1 << 16)
      slice.put(UInt32(0))
      lists = 0
    }
    for (number, nodes) in changes.layers.enumerated() where number < graph.layers.count {
      let layer = graph.layers[number]
      for node in nodes {
        slice.put(UInt8(number))
        slice.put(contentsOf: [0, 0, 0])
        slice.put(node)
        unsafe layer.withRecordBytes(of: node) { unsafe slice.put($0) }
        lists += 1
        if slice.bytes.count >= CollectionIndexer.sliceBytes / 2 { finishSlice() }
      }
    }
    if lists > 0 || pending.isEmpty { finishSlice() }
    let id = collection
    for (index, bytes) in pending.enumerated() {
      let number = slices + UInt32(index)
      let isLast = index == pending.count - 1
      let graph = graph
      try writer.maintain("log the graph") { (step) throws(VectorStoreError) in
        let key = Key.glog(id, generation: generation, slice: number)
        do throws(LMDBError) {
          try step.transaction.put(
            SealedValue.seal(bytes, key: key),
            forKey: key,
            in: step.tables.glog
          )
        } catch {
          throw VectorStoreError(error, during: "log the graph")
        }
        if isLast {
          try step.setGraph(graph, of: id, generation: generation, slices: number + 1)
        }
      }
      KillPoint.reach("checkpoint.slice")
    }
    return slices + UInt32(pending.count)
  }

  /// Writes all blocks as a new generation, makes it the current one, and removes the old one.
  ///
  /// - Returns: the new generation.
  func writeGeneration(after old: UInt32, through writer: Writer) throws(VectorStoreError) -> UInt32
  {
    let id = collection
    let generation = old + 1
    // Remains of an attempt that a crash ended.
    try writer.removeAll(prefix: Key.graphPrefix(id, generation: generation), \.graph)
    try writer.removeAll(prefix: Key.graphPrefix(id, generation: generation), \.glog)
    for (number, layer) in graph.layers.enumerated() {
      let perSlice = max(1, CollectionIndexer.sliceBytes / layer.shape.blockBytes)
      var block = 0
      while block < layer.blockCount {
        let end = min(layer.blockCount, block + perSlice)
        let range = block..<end
        try writer.maintain("store the graph") { (step) throws(VectorStoreError) in
          for block in range {
            try step.putGraphBlock(block, layer: layer, number: UInt8(number), id, generation)
          }
        }
        KillPoint.reach("checkpoint.slice")
        block = end
      }
    }
    let graph = graph
    try writer.maintain("publish the graph") { (step) throws(VectorStoreError) in
      try step.setGraph(graph, of: id, generation: generation, slices: 0)
    }
    try writer.removeAll(prefix: Key.graphPrefix(id, generation: old), \.graph)
    try writer.removeAll(prefix: Key.graphPrefix(id, generation: old), \.glog)
    return generation
  }
}

extension WriterStep {
  fileprivate mutating func putGraphBlock(
    _ block: Int,
    layer: GraphLayer,
    number: UInt8,
    _ collection: CollectionID,
    _ generation: UInt32
  ) throws(VectorStoreError) {
    let first = block << Int(layer.shape.shift)
    let nodes = min(layer.shape.recordsPerBlock, Int(layer.count) - first)
    let runs = BlockRuns(layer.shape)
    let header = BlockHeader(
      kind: .graph,
      firstRow: UInt64(first),
      rows: UInt32(nodes),
      stride: UInt32(layer.shape.strideBytes),
      generation: generation,
      runRows: UInt32(runs.rows),
      payloadBytes: UInt64(nodes * layer.shape.strideBytes)
    )
    let key = Key.graph(collection, generation: generation, layer: number, block: UInt32(block))
    // The layer keeps the block.
    let payload = unsafe layer.withBlockBytes(block) { unsafe $0 }
    try unsafe putBlock(header, payload: payload, runs: runs, key: key, in: tables.graph)
  }

  /// Makes the graph on disk the current one.
  ///
  /// Rows that it contains and no block does yet are sealed in the same transaction (I7).
  fileprivate mutating func setGraph(
    _ graph: Graph,
    of id: CollectionID,
    generation: UInt32,
    slices: UInt32
  ) throws(VectorStoreError) {
    guard var collection = state.collections[id] else { return }
    if graph.linkedCount > collection.record.sealed {
      KillPoint.reach("seal.before")
      let block = collection.shape.block(of: collection.record.nextRow)
      let rows = Int(collection.record.nextRow & collection.shape.mask)
      do throws(LMDBError) {
        try collection.putVectorBlock(block, rows: rows, tables: tables, in: &transaction)
      } catch {
        throw VectorStoreError(error, during: "seal rows")
      }
      collection.record.sealed = collection.record.nextRow
    }
    collection.record.linked = graph.linkedCount
    collection.record.graphGeneration = generation
    collection.record.graphSlices = slices
    collection.record.layerNodes = graph.layers.map(\.count)
    collection.recordChanged = true
    state.collections[id] = collection
  }

  /// Removes a collection's oldest WAL entries while their rows are sealed and in the graph on disk.
  mutating func trimWAL(of id: CollectionID) throws(VectorStoreError) {
    guard let collection = state.collections[id] else { return }
    let done = min(collection.record.sealed, collection.record.linked)
    var keys: [[UInt8]] = []
    unsafe try transaction.forEach(prefix: Key.prefix(id), in: tables.wal) {
      (key, value) throws(VectorStoreError) in
      do throws(MalformedBytes) {
        let entry = try unsafe WALEntry(decoding: SealedValue.open(value, key: key))
        guard entry.firstRow + entry.rows <= done else { return false }
      } catch {
        throw .corrupted(place: "WAL of '\(collection.name)'", detail: error.reason)
      }
      unsafe keys.append(Array(key))
      return true
    }
    do throws(LMDBError) {
      for key in keys { _ = try transaction.delete(key, in: tables.wal) }
    } catch {
      throw VectorStoreError(error, during: "trim the WAL")
    }
  }
}

extension Writer {
  /// Removes all keys with a prefix, a slice a transaction.
  func removeAll(
    prefix: [UInt8],
    _ table: any KeyPath<Tables, Table> & Sendable
  ) throws(VectorStoreError) {
    let left = RemainingCount()
    repeat {
      try maintain("remove \(prefix.count)-byte prefix") { (step) throws(VectorStoreError) in
        do throws(LMDBError) {
          left.value = try step.transaction.deletePrefix(
            prefix,
            in: step.tables[keyPath: table],
            limit: Self.removalSlice
          )
        } catch {
          throw VectorStoreError(error, during: "remove what is no longer needed")
        }
      }
    } while left.value == Self.removalSlice
  }

  /// Keys removed in one transaction.
  private static var removalSlice: Int { 4_096 }

  /// Handed from the writer's thread to the one that waits for it.
  private final class RemainingCount: @unchecked Sendable { var value = 0 }
}
