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
    private var blocks: [[GraphBlock?]]
    private var isOwn: [[Bool]]
    /// Nodes beyond the stored blocks still to come as records.
    private var missing: [[Int: Set<UInt32>]]

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
      let shapes = counts.indices.map { LayerShape(layer: $0, parameters: parameters) }
      blocks = zip(shapes, counts).map { Array(repeating: nil, count: $0.blockCount(for: $1)) }
      isOwn = blocks.map { Array(repeating: false, count: $0.count) }
      missing = counts.map { _ in [:] }
    }

    private func shape(_ layer: Int) -> LayerShape {
      LayerShape(layer: layer, parameters: parameters)
    }

    /// Adds a stored block by its address, before any record of its nodes.
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
      guard counts.indices.contains(layer), blocks[layer].indices.contains(block) else {
        throw failure
      }
      let shape = shape(layer)
      guard let base = bytes.baseAddress, bytes.count % shape.strideBytes == 0,
        UInt(bitPattern: base) % 4 == 0
      else { throw failure }
      let borrowed = unsafe GraphBlock(
        borrowing: base,
        byteCount: min(bytes.count, shape.blockBytes),
        owner: owner
      )
      let needed = records(of: block, in: layer)
      let stored = bytes.count / shape.strideBytes
      if stored >= needed {
        blocks[layer][block] = borrowed
        return
      }
      blocks[layer][block] = GraphBlock(copying: borrowed, byteCount: shape.blockBytes)
      isOwn[layer][block] = true
      expect(stored..<needed, of: block, in: layer)
    }

    /// Replaces a node's record, or adds that of a node later than the stored blocks.
    ///
    /// - Parameters:
    ///   - node: The node's number in its layer.
    ///   - layer: The layer's number.
    ///   - bytes: The record as `GraphLayer.withRecordBytes` gave it, at any address.
    /// - Throws: `badRecord`.
    package mutating func replace(
      node: UInt32,
      layer: Int,
      bytes: UnsafeRawBufferPointer
    ) throws(GraphFormatError) {
      guard counts.indices.contains(layer), node < counts[layer],
        bytes.count == shape(layer).strideBytes, let source = bytes.baseAddress
      else { throw .badRecord(layer: layer, node: node, byteCount: bytes.count) }
      let shape = shape(layer)
      let index = Int(node >> shape.shift)
      let block = ownBlock(index, in: layer, shape: shape)
      let offset = (Int(node) & (shape.recordsPerBlock - 1)) * shape.strideBytes
      unsafe (block.address + offset).copyMemory(from: source, byteCount: shape.strideBytes)
      missing[layer][index]?.remove(node)
    }

    /// The graph, when every node has come.
    ///
    /// O(blocks + nodes above layer 0).
    package consuming func finish() throws(GraphFormatError) -> Graph {
      var layers: [GraphLayer] = []
      for layer in counts.indices {
        let shape = shape(layer)
        var whole: [GraphBlock] = []
        for (index, block) in blocks[layer].enumerated() {
          let lost = missing[layer][index]?.min()
          guard let block, lost == nil else {
            let first = UInt32(index << Int(shape.shift))
            throw .missingNode(layer: layer, node: lost ?? first)
          }
          whole.append(block)
        }
        layers.append(GraphLayer(shape: shape, count: UInt32(counts[layer]), blocks: whole))
      }
      for layer in layers.indices.dropFirst() {
        let view = layers[layer].view
        for node in 0..<view.count {
          let record = unsafe view.record(node)
          guard unsafe record[0] < layers[layer - 1].count, unsafe record[1] < layers[0].count
          else {
            throw .badNumberBelow(layer: layer, node: node)
          }
        }
      }
      return Graph(parameters: parameters, layers: layers)
    }

    private func records(of block: Int, in layer: Int) -> Int {
      let shape = shape(layer)
      return min(shape.recordsPerBlock, counts[layer] - block << Int(shape.shift))
    }

    private mutating func expect(_ records: Range<Int>, of block: Int, in layer: Int) {
      let first = block << Int(shape(layer).shift)
      missing[layer][block] = Set(records.map { UInt32(first + $0) })
    }

    private mutating func ownBlock(_ index: Int, in layer: Int, shape: LayerShape) -> GraphBlock {
      if let block = blocks[layer][index], isOwn[layer][index] { return block }
      let own: GraphBlock
      if let block = blocks[layer][index] {
        own = GraphBlock(copying: block, byteCount: shape.blockBytes)
      } else {
        own = GraphBlock(byteCount: shape.blockBytes)
        expect(0..<records(of: index, in: layer), of: index, in: layer)
      }
      blocks[layer][index] = own
      isOwn[layer][index] = true
      return own
    }
  }
}
