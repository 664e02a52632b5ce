import HNSW
import LMDB
import Logging
import VectorKernels

/// Performs for one collection what `IndexerState` decides.
///
/// One thread at a time has it in hand.
final class CollectionIndexer {
  let id: CollectionID
  let name: String
  private let options: CollectionOptions
  private let publisher: Publisher
  private let writer: Writer
  private var codes: CodeStore
  private var builder: GraphBuilder
  private var generation: UInt32
  private var slices: UInt32
  /// Bytes of the generation's log.
  private var logBytes: Int
  /// The log of changes would not lead from the graph on disk to the one in memory: the next checkpoint
  /// writes all blocks.
  private var needsGeneration: Bool
  /// Code blocks in the writer's hands, in their order.
  private var flushing: [(blocks: Range<UInt32>, upkeep: Writer.Upkeep)] = []

  /// Continues an intact index, or begins anew; when rewriting, nothing that is on disk counts, whatever
  /// its record says.
  init(
    _ collection: CollectionSnapshot,
    in reading: SharedReadTransaction,
    isRewriting: Bool,
    publisher: Publisher,
    writer: Writer
  ) {
    id = collection.record.id
    name = collection.name
    options = collection.record.options
    self.publisher = publisher
    self.writer = writer
    generation = collection.record.graphGeneration
    slices = collection.record.graphSlices
    logBytes = Loader(reading: reading).graphLogBytes(collection.record)
    needsGeneration = isRewriting || collection.linked != collection.record.linked
    if let index = collection.intactIndex(in: reading), let graph = index.graph.inOwnMemory() {
      builder = GraphBuilder(continuing: graph)
      codes = CodeStore(
        continuing: index.codes,
        coding: collection.kernels.coding,
        coded: index.linked,
        flushed: isRewriting ? 0 : collection.record.coded
      )
    } else {
      builder = GraphBuilder(parameters: Parameters(options.index))
      codes = CodeStore(coding: collection.kernels.coding)
    }
  }

  var linked: Row { builder.linkedCount }

  /// Links rows up to `end` and publishes the graph that contains them.
  func link(
    upTo end: Row,
    includingPartialSlice: Bool,
    workers: Int,
    shouldStop: @Sendable () -> Bool
  ) throws(VectorStoreError) {
    let snapshot = try publisher.snapshot()
    let collection = try snapshot.collection(id, named: name)
    let first = min(codes.coded, linked)
    // An index that is intact in memory may have come farther than what is asked for.
    if first < end {
      try Self.check(first..<end, of: collection, in: snapshot.reading, workers: workers)
    }
    codes.encode(
      upTo: end,
      vectors: collection.vectors,
      element: options.element.kernel,
      workers: workers
    )
    let version = codes.version()
    unsafe builder.link(
      upTo: end,
      codes: version.view,
      workers: workers,
      includingPartialSlice: includingPartialSlice,
      shouldStop: shouldStop
    )
    KillPoint.reach("link.slice")
    publish(version)
    // Many turns share a transaction; it goes on while the next ones link.
    let waiting = (Int(linked) - Int(codes.flushed)) * codes.shape.stride
    if waiting >= Self.sliceBytes {
      try finishFlushing()
      try beginFlushing()
    }
  }

  /// Compares the checksums of the rows' vectors, unless that was done before.
  private static func check(
    _ rows: Range<Row>,
    of collection: CollectionSnapshot,
    in reading: SharedReadTransaction,
    workers: Int
  ) throws(VectorStoreError) {
    let shape = collection.vectors.shape
    let first = shape.block(of: rows.lowerBound)
    let failure = Guarded<VectorStoreError?>(nil)
    forEachInParallel(
      count: max(0, shape.blocks(for: rows.upperBound) - Int(first)),
      workers: workers
    ) { number in
      do throws(VectorStoreError) {
        try collection.check(block: first + UInt32(number), in: reading)
      } catch {
        failure.withLock { $0 = $0 ?? error }
      }
    }
    if let failure = failure.withLock({ $0 }) { throw failure }
  }

  private func publish(_ version: CodeBlocks) {
    publisher.publish(
      index: IndexVersion(
        graph: builder.publish(),
        codes: version,
        integrity: IndexIntegrity()
      ),
      of: id
    )
  }

  /// Stores code blocks that are full and linked.
  private func flushCodes() throws(VectorStoreError) {
    try finishFlushing()
    try beginFlushing()
    try finishFlushing()
  }

  /// Hands the writer code blocks that are full and linked, a few megabytes a transaction.
  private func beginFlushing() throws(VectorStoreError) {
    let shape = codes.shape
    let full = min(linked, try sealedRows()) >> shape.shift
    let perSlice = max(1, Self.sliceBytes / codes.blockPayloadBytes)
    // Keeps what is written alive, even if the indexer is given up meanwhile.
    let version = codes.version()
    let (id, layout) = (id, codes.layout)
    var block = codes.flushed >> shape.shift
    while block < full {
      let blocks = block..<min(full, block + UInt32(perSlice))
      let upkeep = writer.beginMaintaining("store codes") { (step) throws(VectorStoreError) in
        guard var collection = step.state.collections[id] else { return }
        let runs = BlockRuns(layout)
        for block in blocks {
          let header = BlockHeader(
            kind: .codes,
            firstRow: UInt64(shape.firstRow(of: block)),
            rows: UInt32(shape.rows),
            stride: UInt32(shape.stride),
            runRows: UInt32(runs.rows),
            payloadBytes: UInt64(layout.blockBytes)
          )
          try unsafe step.putBlock(
            header,
            payload: version.bytes(of: Int(block), layout),
            runs: runs,
            key: Key.item(id, block),
            in: step.tables.codes
          )
        }
        collection.record.coded = shape.firstRow(of: blocks.upperBound)
        collection.recordChanged = true
        step.state.collections[id] = collection
      }
      flushing.append((blocks, upkeep))
      block = blocks.upperBound
    }
    codes.flushed = max(codes.flushed, shape.firstRow(of: full))
  }

  /// Waits for what the writer was handed.
  private func finishFlushing() throws(VectorStoreError) {
    while !flushing.isEmpty {
      let (blocks, upkeep) = flushing.removeFirst()
      try upkeep.wait()
      try adoptStoredCodes(blocks)
    }
  }

  /// Reads stored blocks from the map from now on, so that memory does not grow with the data (I10).
  private func adoptStoredCodes(_ blocks: Range<UInt32>) throws(VectorStoreError) {
    let reading = try publisher.snapshot().reading
    let loader = Loader(reading: reading)
    for block in blocks {
      codes.adopt(
        address: try loader.blockAddress(
          Key.item(id, block),
          in: reading.tables.codes,
          payload: codes.blockPayloadBytes,
          place: "codes of '\(name)', block \(block)"
        ),
        forBlock: Int(block)
      )
    }
  }

  private func sealedRows() throws(VectorStoreError) -> Row {
    try publisher.snapshot().collection(id, named: name).record.sealed
  }

  /// What one transaction of upkeep writes, so that a batch never waits long.
  static let sliceBytes = 16 << 20

  /// Brings the graph on disk up to the one in memory: the changed lists where they are few, all blocks
  /// of a new generation otherwise.
  ///
  /// - Returns: rows that the graph on disk contains now.
  func checkpoint() throws(VectorStoreError) -> Row {
    KillPoint.reach("checkpoint.before")
    // Who opens the store at this checkpoint shall find the codes too.
    try flushCodes()
    let graph = builder.publish()
    let changes = builder.takeChanges()
    let checkpoint = GraphCheckpoint(collection: id, graph: graph)
    let isWhole = needsGeneration
    // Until this one has succeeded its changes are in no log.
    needsGeneration = true
    if generation != 0, !isWhole, checkpoint.isLogWorthwhile(changes, logBytes: logBytes) {
      logBytes += checkpoint.logBytes(of: changes)
      slices = try checkpoint.appendLog(
        changes,
        generation: generation,
        slices: slices,
        through: writer
      )
    } else {
      generation = try checkpoint.writeGeneration(after: generation, through: writer)
      slices = 0
      logBytes = 0
    }
    needsGeneration = false
    KillPoint.reach("checkpoint.after")
    try trimWAL()
    // Blocks that were sealed by the checkpoint may complete code blocks.
    try flushCodes()
    return graph.linkedCount
  }

  /// Removes WAL entries whose rows are sealed and in the graph on disk (I7).
  private func trimWAL() throws(VectorStoreError) {
    let id = id
    KillPoint.reach("trim.before")
    try writer.maintain("trim the WAL") { (step) throws(VectorStoreError) in
      try step.trimWAL(of: id)
    }
    KillPoint.reach("trim.after")
  }
}

extension Parameters {
  /// A collection's parameters in the graph's words.
  init(_ index: IndexParameters) {
    self.init(m: index.m, efConstruction: index.efConstruction, seed: index.seed)
  }
}

extension Graph {
  /// The same graph in memory of its own: a new generation on disk lets the old one's pages go.
  func inOwnMemory() -> Graph? {
    do {
      var loader = try Graph.Loader(parameters: parameters, counts: layers.map { Int($0.count) })
      for (number, layer) in layers.enumerated() {
        for block in 0..<layer.blockCount {
          unsafe try layer.withBlockBytes(block) { bytes in
            let memory = AlignedMemory(byteCount: layer.shape.blockBytes)
            unsafe UnsafeMutableRawBufferPointer(start: memory.base, count: memory.byteCount)
              .copyMemory(from: bytes)
            let copy = unsafe UnsafeRawBufferPointer(start: memory.base, count: bytes.count)
            try unsafe loader.add(block: block, layer: number, bytes: copy, owner: memory)
          }
        }
      }
      return try loader.finish()
    } catch {
      // Blocks of a graph that was made fit its parameters; without them the index begins anew.
      return nil
    }
  }
}
