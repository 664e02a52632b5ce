import class Foundation.NSLock

/// Records of a loaded graph that are not in their place yet.
///
/// Blocks with records that changed since they were stored need memory of their own. A log touches nearly
/// all of them, so each run of records is put together only when somebody is about to read it.
///
/// Safe: sources outlive it by their owners, and a run is written once, under the lock, before anybody
/// was told that it may be read.
@safe package final class DeferredRecords: @unchecked Sendable {
  /// A changed record, and the one before it in the same run.
  @safe struct Change {
    let node: UInt32
    let earlier: Int32
    let source: UnsafeRawPointer
  }

  /// One layer: what is stored, what changed since, and where both come together.
  @safe struct Layer {
    let shape: LayerShape
    var stored: [GraphBlock?]
    var changes: [Change] = []
    /// The latest change of each run; -1: none.
    var latest: [Int32]
    /// The blocks that are put together.
    var own: [GraphBlock?]

    init(shape: LayerShape, count: Int) {
      self.shape = shape
      let blocks = shape.blockCount(for: count)
      stored = Array(repeating: nil, count: blocks)
      own = stored
      latest = Array(repeating: -1, count: blocks << Int(shape.shift - shape.runShift))
    }

    mutating func add(_ node: UInt32, _ source: UnsafeRawPointer) {
      let run = Int(node >> shape.runShift)
      unsafe changes.append(Change(node: node, earlier: latest[run], source: source))
      latest[run] = Int32(truncatingIfNeeded: changes.count - 1)
    }

    /// Takes the records that a log begins with, as far as they are of nodes of this layer, which has
    /// the number `number` and `count` nodes.
    ///
    /// - Returns: how many there were.
    mutating func add(log: UnsafeRawBufferPointer, number: Int, count: Int) -> Int {
      guard let base = log.baseAddress else { return 0 }
      let entry = 8 + shape.strideBytes
      changes.reserveCapacity(changes.count + log.count / entry)
      var (offset, taken) = (0, 0)
      while offset + entry <= log.count {
        let layer = unsafe base.load(fromByteOffset: offset, as: UInt8.self)
        let node = unsafe UInt32(
          littleEndian: base.loadUnaligned(fromByteOffset: offset + 4, as: UInt32.self)
        )
        guard Int(layer) == number, Int(node) < count else { return taken }
        unsafe add(node, base + offset + 8)
        offset += entry
        taken += 1
      }
      return taken
    }

    /// The changes of a run, the latest first.
    func forEachChange(ofRun run: Int, _ body: (Change) -> Void) {
      var next = latest[run]
      while next >= 0 {
        let change = changes[Int(next)]
        body(change)
        next = change.earlier
      }
    }

    func block(ofRun run: Int) -> Int { run >> Int(shape.shift - shape.runShift) }

    func runs(ofBlock block: Int) -> Range<Int> {
      let shift = Int(shape.shift - shape.runShift)
      return (block << shift)..<((block + 1) << shift)
    }
  }

  private let layers: [Layer]
  private let owners: [AnyObject]
  /// For each layer where its runs begin among those of all.
  private let firstRuns: [Int]
  /// Guards `filled`; `Mutex` would do, but on Linux the thread sanitizer does not see it.
  private let lock = NSLock()
  /// Which runs are in their place.
  private var filled: [Bool]

  init(layers: [Layer], owners: [AnyObject]) {
    self.layers = layers
    self.owners = owners
    var firstRuns: [Int] = []
    var runs = 0
    for layer in layers {
      firstRuns.append(runs)
      runs += layer.latest.count
    }
    self.firstRuns = firstRuns
    filled = Array(repeating: false, count: runs)
  }

  /// Puts the records of a run in their place, unless they are there.
  package func fill(run: Int, layer: Int) {
    guard layers[layer].own[layers[layer].block(ofRun: run)] != nil else { return }
    let place = firstRuns[layer] + run
    lock.lock()
    defer { lock.unlock() }
    if filled[place] { return }
    write(run, layers[layer])
    filled[place] = true
  }

  /// Puts all records in their place; false when `shouldStop` ended it before, asked once a block.
  ///
  /// O(bytes of the blocks with changes).
  @discardableResult
  package func fillAll(shouldStop: () -> Bool = { false }) -> Bool {
    for (number, layer) in layers.enumerated() {
      for block in layer.own.indices where layer.own[block] != nil {
        if shouldStop() { return false }
        for run in layer.runs(ofBlock: block) { fill(run: run, layer: number) }
      }
    }
    return true
  }

  private func write(_ run: Int, _ layer: Layer) {
    let shape = layer.shape
    let block = layer.block(ofRun: run)
    guard let own = layer.own[block] else { return }
    let bytes = shape.strideBytes << Int(shape.runShift)
    let first = (run - layer.runs(ofBlock: block).lowerBound) * bytes
    let stored = layer.stored[block]
    let kept = min(bytes, max(0, (stored?.byteCount ?? 0) - first))
    let target = unsafe own.address + first
    if let stored, kept > 0 {
      unsafe target.copyMemory(from: stored.address + first, byteCount: kept)
    }
    // What no node uses yet reads as empty lists.
    unsafe (target + kept).initializeMemory(as: UInt8.self, repeating: 0xFF, count: bytes - kept)
    var written: Set<UInt32> = []
    layer.forEachChange(ofRun: run) { change in
      guard written.insert(change.node).inserted else { return }
      let offset = Int(change.node & ((1 << shape.runShift) - 1)) * shape.strideBytes
      unsafe (target + offset).copyMemory(from: change.source, byteCount: shape.strideBytes)
    }
  }
}
