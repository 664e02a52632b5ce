/// A run of rows that are linked together: searched for on the graph before them, then joined to it.
///
/// Safe: the drafts are sized for every new node, and freed with the slice.
@safe package struct Slice: Sendable {
  /// Rows linked in one slice at most.
  static let limit = 256

  /// The first row.
  let first: UInt32
  /// The number of rows.
  let count: Int

  /// How many rows the slice after `linked` rows has; a function of that number alone.
  ///
  /// One by one at first, since members of a slice do not see the lists of one another; from then on
  /// a small share of the graph, so that what they miss stays small (ParlayANN, prefix doubling).
  package static func size(after linked: UInt32) -> Int { min(max(1, Int(linked) / 32), limit) }
}

/// What phase 1 found for the new nodes of one layer: their neighbours, before anything is written.
///
/// Safe: memory is sized by `reset` for all nodes; distinct nodes use distinct memory, so workers may
/// fill in different nodes at the same time.
@safe final class LayerDraft: @unchecked Sendable {
  /// Nearest candidates remembered as parents in case that all chosen neighbours have enough children.
  static let spareLimit = 16

  /// The rows of the new nodes, rising.
  private(set) var rows: [UInt32] = []
  /// The nodes that the layer had before the slice.
  private(set) var firstNode: UInt32 = 0
  private let chosenLimit: Int
  private var words: UnsafeMutablePointer<UInt32>
  private var capacity = 1

  init(chosenLimit: Int) {
    self.chosenLimit = chosenLimit
    unsafe words = .allocate(capacity: 1)
  }

  deinit { unsafe words.deallocate() }

  private var width: Int { 2 + chosenLimit + Self.spareLimit }

  /// Begins anew with these new nodes.
  func reset(firstNode: UInt32, rows: [UInt32]) {
    self.firstNode = firstNode
    self.rows = rows
    if rows.count * width > capacity {
      unsafe words.deallocate()
      capacity = rows.count * width
      unsafe words = .allocate(capacity: capacity)
    }
  }

  /// The position of a row among the new nodes; only for rows that are in the layer.
  func index(of row: UInt32) -> Int {
    var (low, high) = (0, rows.count)
    while low < high {
      let middle = (low + high) / 2
      if rows[middle] < row { low = middle + 1 } else { high = middle }
    }
    return low
  }

  /// Stores the nearest candidates of the new node at `index` as spare parents.
  func setSpares(_ nodes: UnsafePointer<UInt32>, count: Int, of index: Int) {
    let draft = unsafe words + index * width
    let kept = min(count, Self.spareLimit)
    unsafe draft[1] = UInt32(kept)
    for i in 0..<kept { unsafe draft[2 + chosenLimit + i] = nodes[i] }
  }

  /// Stores the chosen neighbours of the new node at `index`, nearest first.
  func setChosen(_ nodes: UnsafePointer<UInt32>, count: Int, of index: Int) {
    let draft = unsafe words + index * width
    unsafe draft[0] = UInt32(count)
    for i in 0..<count { unsafe draft[2 + i] = nodes[i] }
  }

  /// The chosen neighbours of the new node at `index`, nearest first.
  func chosen(of index: Int) -> UnsafeBufferPointer<UInt32> {
    let draft = unsafe words + index * width
    return unsafe UnsafeBufferPointer(start: draft + 2, count: Int(draft[0]))
  }

  /// The nearest candidates of the new node at `index`.
  func spares(of index: Int) -> UnsafeBufferPointer<UInt32> {
    let draft = unsafe words + index * width
    return unsafe UnsafeBufferPointer(start: draft + 2 + chosenLimit, count: Int(draft[1]))
  }
}
