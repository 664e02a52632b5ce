/// One layer of a published graph: blocks that no one changes any more, and their addresses.
///
/// Safe: the directory lives as long as the layer, and so do the blocks that it points into.
@safe package final class GraphLayer: @unchecked Sendable {
  /// How the records lie.
  package let shape: LayerShape
  /// The number of nodes: 0, 1, … `count` - 1 in order of insertion.
  package let count: UInt32
  let blocks: [GraphBlock]
  private let directory: UnsafeMutablePointer<UInt64>
  /// The nodes' rows where they are known already: not in layer 0, nor where records are not to be read yet.
  private let rowNumbers: RowNumbers?

  init(shape: LayerShape, count: UInt32, blocks: [GraphBlock], rowNumbers: RowNumbers? = nil) {
    self.shape = shape
    self.rowNumbers = rowNumbers
    self.count = count
    self.blocks = blocks
    unsafe directory = .allocate(capacity: max(1, blocks.count))
    for (index, block) in blocks.enumerated() {
      unsafe directory[index] = UInt64(UInt(bitPattern: block.address))
    }
  }

  deinit { unsafe directory.deallocate() }

  var view: LayerView { view(rowNumbers) }

  func view(_ rowNumbers: RowNumbers?) -> LayerView {
    let rows = unsafe rowNumbers.map { unsafe UnsafePointer($0.numbers) }
    return unsafe LayerView(directory: directory, shape: shape, count: count, rows: rows)
  }

  /// The number of blocks.
  package var blockCount: Int { blocks.count }

  /// Calls `body` with the bytes of a block: whole records, the last block only as far as nodes go.
  ///
  /// This is what a store writes for (layer, block); equal nodes give equal bytes. O(1).
  package func withBlockBytes<Result>(
    _ block: Int,
    _ body: (UnsafeRawBufferPointer) throws -> Result
  ) rethrows -> Result {
    precondition(block >= 0 && block < blocks.count, "block \(block) of \(blocks.count)")
    let records = min(shape.recordsPerBlock, Int(count) - block << Int(shape.shift))
    return try unsafe body(
      UnsafeRawBufferPointer(start: blocks[block].address, count: records * shape.strideBytes)
    )
  }

  /// Calls `body` with the bytes of one node's record, as a log of changes stores it.
  ///
  /// O(1).
  package func withRecordBytes<Result>(
    of node: UInt32,
    _ body: (UnsafeRawBufferPointer) throws -> Result
  ) rethrows -> Result {
    precondition(node < count, "node \(node) of \(count)")
    return try unsafe body(
      UnsafeRawBufferPointer(start: view.record(node), count: shape.strideBytes)
    )
  }

  /// The rows of the nodes, for a layer above 0.
  package var rows: [UInt32] { (0..<count).map { view.row($0) } }

  /// The links of a node, parent first, as far as they are numbers of nodes.
  ///
  /// For tests and repair.
  package func links(of node: UInt32) -> [UInt32] {
    precondition(node < count, "node \(node) of \(count)")
    let list = unsafe view.links(node)
    return (0..<view.degree(node)).map { unsafe list[$0] }
  }
}
