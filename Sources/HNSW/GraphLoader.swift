/// Why stored bytes are no graph.
package enum GraphFormatError: Error, Sendable, Hashable {
  /// More layers than a graph can have, or layers without nodes, or more nodes than the layer below.
  case impossibleCounts([Int])
  /// A block shorter than the records that it should hold, or not aligned to 4 bytes.
  case badBlock(layer: Int, block: Int, byteCount: Int)
  /// A record for a node or layer that the graph does not have, or of another size.
  case badRecord(layer: Int, node: UInt32, byteCount: Int)
  /// Neither a block nor a record has this node.
  case missingNode(layer: Int, node: UInt32)
  /// A node above layer 0 that names a node below, or a row, that does not exist.
  case badNumberBelow(layer: Int, node: UInt32)
}

extension Graph {
  /// Makes a graph of stored blocks, and of records changed since they were stored.
  ///
  /// Blocks are borrowed, not copied, but for those with changed records. Bytes are input (I9): sizes,
  /// and the few numbers that memory safety rests on, are checked here; `verify` checks the rest, which
  /// at worst makes searches find less.
  package struct Loader {
    private let parameters: Parameters
    private let counts: [Int]
    private var layers: [DeferredRecords.Layer]
    private var owners: [AnyObject] = []

    /// Begins a graph with `counts[l]` nodes in layer l, changes included.
    package init(parameters: Parameters, counts: [Int]) throws(GraphFormatError) {
      var below = Int(Graph.rowLimit)
      for count in counts {
        guard count > 0, count <= below else { throw .impossibleCounts(counts) }
        below = count
      }
      guard counts.count <= Graph.layerLimit else { throw .impossibleCounts(counts) }
      self.parameters = parameters
      self.counts = counts
      layers = counts.indices.map { layer in
        let shape = LayerShape(layer: layer, parameters: parameters)
        return DeferredRecords.Layer(shape: shape, count: counts[layer])
      }
    }

    /// Adds a stored block by its address.
    ///
    /// - Parameters:
    ///   - block: The block's number in its layer.
    ///   - layer: The layer's number.
    ///   - bytes: Whole records from the block's first node on, aligned to 4 bytes, better to 64. A block
    ///     stored before its last nodes came may be shorter than `counts` asks for: those nodes must
    ///     follow as records.
    ///   - owner: Keeps the bytes valid and unchanged for as long as it lives.
    /// - Throws: `badBlock`, for a layer or block that the graph does not have too.
    package mutating func add(
      block: Int,
      layer: Int,
      bytes: UnsafeRawBufferPointer,
      owner: AnyObject
    ) throws(GraphFormatError) {
      let failure = GraphFormatError.badBlock(layer: layer, block: block, byteCount: bytes.count)
      guard layers.indices.contains(layer), layers[layer].stored.indices.contains(block) else {
        throw failure
      }
      let shape = layers[layer].shape
      guard let base = bytes.baseAddress, bytes.count % shape.strideBytes == 0,
        UInt(bitPattern: base) % 4 == 0
      else { throw failure }
      layers[layer].stored[block] = unsafe GraphBlock(
        borrowing: base,
        byteCount: min(bytes.count, shape.blockBytes),
        owner: owner
      )
    }

    /// Replaces a node's record, or adds that of a node later than the stored blocks.
    ///
    /// - Parameters:
    ///   - node: The node's number in its layer.
    ///   - layer: The layer's number.
    ///   - bytes: The record as `GraphLayer.withRecordBytes` gave it, at any address.
    ///   - owner: Keeps the bytes valid and unchanged for as long as it lives; without one they are copied.
    /// - Throws: `badRecord`.
    package mutating func replace(
      node: UInt32,
      layer: Int,
      bytes: UnsafeRawBufferPointer,
      owner: AnyObject? = nil
    ) throws(GraphFormatError) {
      guard layers.indices.contains(layer), node < counts[layer],
        bytes.count == layers[layer].shape.strideBytes, let source = bytes.baseAddress
      else { throw .badRecord(layer: layer, node: node, byteCount: bytes.count) }
      if let owner {
        if owners.last !== owner { owners.append(owner) }
        unsafe layers[layer].add(node, source)
      } else {
        let copy = GraphBlock(uninitialized: bytes.count)
        unsafe copy.address.copyMemory(from: source, byteCount: bytes.count)
        owners.append(copy)
        unsafe layers[layer].add(node, UnsafeRawPointer(copy.address))
      }
    }

    /// Replaces or adds the records of a log: before each its layer, three zeros, and its node (4 bytes).
    ///
    /// - Parameters:
    ///   - log: Whole records.
    ///   - owner: Keeps the bytes valid and unchanged for as long as it lives.
    /// - Returns: How many records there were.
    /// - Throws: `badRecord`, for a record that ends too early too.
    package mutating func replace(
      log: UnsafeRawBufferPointer,
      owner: AnyObject
    ) throws(GraphFormatError) -> Int {
      if owners.last !== owner { owners.append(owner) }
      var (offset, records) = (0, 0)
      while offset < log.count {
        let layer = unsafe Int(log[offset])
        let rest = unsafe UnsafeRawBufferPointer(rebasing: log[offset...])
        guard layers.indices.contains(layer) else {
          throw .badRecord(layer: layer, node: 0, byteCount: rest.count)
        }
        let taken = unsafe layers[layer].add(log: rest, number: layer, count: counts[layer])
        guard taken > 0 else { throw .badRecord(layer: layer, node: 0, byteCount: rest.count) }
        offset += taken * (8 + layers[layer].shape.strideBytes)
        records += taken
      }
      return records
    }

    /// The graph, when every node has come.
    ///
    /// O(nodes above layer 0 + bytes of blocks with changed records).
    package consuming func finish() throws(GraphFormatError) -> Graph {
      let (graph, records) = try finishDeferred()
      records.fillAll()
      for layer in graph.layers.indices.dropFirst() {
        if let node = graph.firstBadNumber(in: 0..<graph.layers[layer].count, layer: layer) {
          throw .badNumberBelow(layer: layer, node: node)
        }
      }
      return graph
    }

    /// The graph, when every node has come, of which no record may be read yet.
    ///
    /// Before one is read, its run must be filled, and `Graph.hasValidNumbers` must have been asked of it.
    ///
    /// O(blocks + changed records).
    package consuming func finishDeferred() throws(GraphFormatError) -> (Graph, DeferredRecords) {
      var finished: [GraphLayer] = []
      for number in layers.indices {
        let shape = layers[number].shape
        var blocks: [GraphBlock] = []
        for block in layers[number].stored.indices {
          try checkComplete(block, layer: number)
          let runs = layers[number].runs(ofBlock: block)
          let isChanged = layers[number].latest[runs].contains { $0 >= 0 }
          if !isChanged, let stored = layers[number].stored[block] {
            blocks.append(stored)
          } else {
            let own = GraphBlock(uninitialized: shape.blockBytes)
            layers[number].own[block] = own
            blocks.append(own)
          }
        }
        finished.append(GraphLayer(shape: shape, count: UInt32(counts[number]), blocks: blocks))
      }
      let graph = Graph(parameters: parameters, layers: finished)
      return (graph, DeferredRecords(layers: layers, owners: owners))
    }

    /// Nodes beyond the stored ones must have come as records.
    private func checkComplete(_ block: Int, layer: Int) throws(GraphFormatError) {
      let shape = layers[layer].shape
      let first = block << Int(shape.shift)
      let needed = min(shape.recordsPerBlock, counts[layer] - first)
      let stored = (layers[layer].stored[block]?.byteCount ?? 0) / shape.strideBytes
      guard stored < needed else { return }
      var hasCome = Array(repeating: false, count: shape.recordsPerBlock)
      for run in layers[layer].runs(ofBlock: block) {
        layers[layer].forEachChange(ofRun: run) { hasCome[Int($0.node) - first] = true }
      }
      if let lost = (stored..<needed).first(where: { !hasCome[$0] }) {
        throw .missingNode(layer: layer, node: UInt32(first + lost))
      }
    }
  }
}
