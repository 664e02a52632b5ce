/// One layer under construction: blocks shared with published graphs until they are written to.
///
/// Safe: the directory is as long as `blocks`, and holds their addresses.
@safe final class MutableLayer {
  let shape: LayerShape
  private(set) var count: UInt32
  private var blocks: [GraphBlock]
  /// Whether a block is this builder's alone.
  private var isOwn: [Bool]
  private var directory: UnsafeMutablePointer<UInt64>
  private var directoryCapacity: Int
  /// How many nodes have each node as their parent, kept at 255.
  private(set) var childCounts: [UInt8]
  /// One bit per node whose list changed since the last `takeChanges`.
  private var changed: [UInt64] = []
  /// The rows of the nodes, above layer 0; shared with published layers, which read those before theirs end.
  private var rowNumbers: RowNumbers?

  init(shape: LayerShape) {
    self.shape = shape
    count = 0
    blocks = []
    isOwn = []
    childCounts = []
    rowNumbers = shape.header == 0 ? nil : RowNumbers(capacity: 0)
    directoryCapacity = 16
    unsafe directory = .allocate(capacity: directoryCapacity)
  }

  /// Continues a published layer.
  ///
  /// O(nodes): counts the children of each node and lists their rows.
  init(continuing layer: GraphLayer) {
    shape = layer.shape
    count = layer.count
    blocks = layer.blocks
    isOwn = Array(repeating: false, count: blocks.count)
    directoryCapacity = max(16, blocks.count)
    unsafe directory = .allocate(capacity: directoryCapacity)
    for (index, block) in blocks.enumerated() {
      unsafe directory[index] = UInt64(UInt(bitPattern: block.address))
    }
    rowNumbers = shape.header == 0 ? nil : RowNumbers(of: layer.view, capacity: 0)
    childCounts = Array(repeating: 0, count: Int(count))
    changed = Array(repeating: 0, count: (Int(count) + 63) / 64)
    for node in 0..<count {
      let parent = unsafe view.links(node)[0]
      // Only damage breaks the condition, and then the count does not matter.
      if parent < node { addChild(of: parent) }
    }
  }

  deinit { unsafe directory.deallocate() }

  var view: LayerView {
    let rows = unsafe rowNumbers.map { unsafe UnsafePointer($0.numbers) }
    return unsafe LayerView(directory: directory, shape: shape, count: count, rows: rows)
  }

  /// Says which row a node of a layer above 0 has, once, before a view of it is searched.
  func setRow(of node: UInt32, to row: UInt32) {
    guard let rowNumbers else { preconditionFailure("nodes of layer 0 are rows") }
    unsafe view.record(node)[1] = row
    unsafe rowNumbers.numbers[Int(node)] = row
  }

  /// Adds `new` empty records, writable.
  func grow(by new: Int) {
    guard new > 0 else { return }
    if count > 0 { makeWritable(count - 1) }
    count += UInt32(new)
    while blocks.count < shape.blockCount(for: Int(count)) {
      append(GraphBlock(byteCount: shape.blockBytes), own: true)
    }
    while let rows = rowNumbers, rows.capacity < Int(count) {
      rowNumbers = RowNumbers(growing: rows, count: min(rows.capacity, Int(count) - new))
    }
    childCounts.append(contentsOf: repeatElement(0, count: new))
    let words = (Int(count) + 63) / 64
    changed.append(contentsOf: repeatElement(0, count: words - changed.count))
    for node in (count - UInt32(new))..<count { markChanged(node) }
  }

  private func append(_ block: GraphBlock, own: Bool) {
    if blocks.count == directoryCapacity {
      let larger = UnsafeMutablePointer<UInt64>.allocate(capacity: 2 * directoryCapacity)
      unsafe larger.initialize(from: directory, count: directoryCapacity)
      unsafe directory.deallocate()
      unsafe directory = larger
      directoryCapacity *= 2
    }
    unsafe directory[blocks.count] = UInt64(UInt(bitPattern: block.address))
    blocks.append(block)
    isOwn.append(own)
  }

  /// Copies the node's block unless it is this builder's own already.
  private func makeWritable(_ node: UInt32) {
    let index = Int(node >> shape.shift)
    if isOwn[index] { return }
    adopt(GraphBlock(copying: blocks[index], byteCount: shape.blockBytes), at: index)
  }

  /// Copies what is not this builder's own of the nodes' blocks, and notes that the nodes' lists are
  /// about to change.
  ///
  /// - Parameters:
  ///   - parts: Nodes in rising order, also from part to part.
  ///   - team: Copies the blocks side by side.
  func makeWritable(_ parts: [[UInt32]], team: WorkerTeam) {
    let shared = sharedBlocks(of: parts)
    if shared.isEmpty { return }
    let copies = shared.map { _ in GraphBlock(uninitialized: shape.blockBytes) }
    team.run(pieces: shared.count) { [blocks, shared] _, piece in
      copies[piece].copy(from: blocks[shared[piece]])
    }
    for (index, copy) in zip(shared, copies) { adopt(copy, at: index) }
  }

  /// Notes that the nodes' lists are about to change, and finds their blocks that are not this builder's.
  private func sharedBlocks(of parts: [[UInt32]]) -> [Int] {
    // Out of the class while they are in hand: an access to a property is checked each time.
    var words = changed
    changed = []
    defer { changed = words }
    let (own, shift) = (isOwn, shape.shift)
    var shared: [Int] = []
    for nodes in parts {
      for node in nodes {
        words[Int(node >> 6)] |= 1 << UInt64(node & 63)
        let index = Int(node >> shift)
        if !own[index], shared.last != index { shared.append(index) }
      }
    }
    return shared
  }

  private func adopt(_ copy: GraphBlock, at index: Int) {
    blocks[index] = copy
    unsafe directory[index] = UInt64(UInt(bitPattern: copy.address))
    isOwn[index] = true
  }

  /// Notes that a node's list is about to change.
  private func markChanged(_ node: UInt32) { changed[Int(node >> 6)] |= 1 << UInt64(node & 63) }

  /// Counts a new child.
  func addChild(of parent: UInt32) {
    let children = childCounts[Int(parent)]
    if children < .max { childCounts[Int(parent)] = children + 1 }
  }

  /// The layer as it is; from now on its blocks are copied before they change.
  ///
  /// O(blocks).
  func publish() -> GraphLayer {
    for index in isOwn.indices { isOwn[index] = false }
    return GraphLayer(shape: shape, count: count, blocks: blocks, rowNumbers: rowNumbers)
  }

  /// The nodes changed since the last call, in rising order.
  ///
  /// O(nodes / 64 + changes).
  func takeChanges() -> [UInt32] {
    var nodes: [UInt32] = []
    for index in changed.indices {
      var word = changed[index]
      while word != 0 {
        nodes.append(UInt32(index * 64 + word.trailingZeroBitCount))
        word &= word - 1
      }
      changed[index] = 0
    }
    return nodes
  }
}
