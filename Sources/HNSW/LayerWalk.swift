import CVectorKernels

/// A node of some layer with its key.
package struct Place: Sendable {
  var node: UInt32
  var key: UInt32
}

/// The inner loops of search and construction, over one context's memory: a layer's search is here, the
/// way down to it in LayerWalk+Descent.swift.
///
/// Raw pointers only, copied to locals: measured, a class property or an array in these loops costs a
/// factor of two (HNSW.md). Links are untrusted: whatever is not below the layer's count ends its list.
/// The numbers before the list of an upper node were checked when the graph was loaded, or are checked by
/// the guard.
///
/// Safe as long as the context lives and is prepared for the layer and the pool's capacity.
@safe struct LayerWalk {
  private let entries: UnsafeMutablePointer<UInt64>
  private let visited: UnsafeMutablePointer<UInt8>
  let batches: UnsafeMutablePointer<UInt32>
  let keys: UnsafeMutablePointer<UInt32>

  init(context: SearchContext) {
    unsafe entries = unsafe context.pool
    unsafe visited = unsafe context.visited
    unsafe batches = unsafe context.batches
    unsafe keys = unsafe context.batchKeys
  }

  /// An empty pool in the context's memory.
  func pool(capacity: Int, width: Int) -> vk_pool {
    var pool = unsafe vk_pool(
      entries: entries,
      size: 0,
      capacity: UInt32(capacity),
      cursor: 0,
      width: UInt32(width)
    )
    unsafe vk_pool_clear(&pool)
    return unsafe pool
  }

  /// Puts the rows of nodes of an upper layer into `rows`; false at something damaged.
  @inline(__always)
  func findRows(
    of nodes: UnsafePointer<UInt32>,
    _ count: Int,
    in layer: LayerView,
    runs: some WalkGuard,
    into rows: UnsafeMutablePointer<UInt32>
  ) -> Bool {
    if let listed = unsafe layer.rows {
      for i in 0..<count { unsafe rows[i] = listed[Int(nodes[i])] }
      return true
    }
    for i in 0..<count {
      guard unsafe runs.admits(record: nodes[i]) else { return false }
      unsafe rows[i] = layer.row(nodes[i])
    }
    return true
  }

  /// Searches layer 0 (paper, algorithm 2); returns the number of scores it took.
  @inline(never)
  @discardableResult
  func base(
    _ layer: LayerView,
    epoch: UInt8,
    scorer: Scorer,
    from place: Place,
    pool: inout vk_pool
  ) -> Int {
    let runs = NoGuard()
    let scored = unsafe walk(
      layer,
      upper: false,
      epoch: epoch,
      scorer: scorer,
      runs: runs,
      from: place,
      pool: &pool
    )
    return scored ?? 0
  }

  /// The same where not all of the graph was found whole yet; `nil` at something damaged.
  @inline(never)
  func guardedBase(
    _ layer: LayerView,
    epoch: UInt8,
    scorer: Scorer,
    runs: RunGuard,
    from place: Place,
    pool: inout vk_pool
  ) -> Int? {
    unsafe walk(
      layer,
      upper: false,
      epoch: epoch,
      scorer: scorer,
      runs: runs,
      from: place,
      pool: &pool
    )
  }

  /// Searches a layer above, where links are node numbers and each node names its row.
  @inline(never)
  @discardableResult
  func upper(
    _ layer: LayerView,
    epoch: UInt8,
    scorer: Scorer,
    from place: Place,
    pool: inout vk_pool
  ) -> Int {
    let runs = NoGuard()
    let scored = unsafe walk(
      layer,
      upper: true,
      epoch: epoch,
      scorer: scorer,
      runs: runs,
      from: place,
      pool: &pool
    )
    return scored ?? 0
  }

  /// Puts the neighbours of a node that carry no mark yet into `gathered`, marks them, and returns how many
  /// they are.
  @inline(__always)
  private func gather(
    _ node: UInt32,
    of layer: LayerView,
    epoch: UInt8,
    into gathered: UnsafeMutablePointer<UInt32>
  ) -> Int {
    let visited = unsafe self.visited
    let list = unsafe layer.links(node)
    let capacity = layer.capacity
    var (slot, count) = (0, 0)
    while slot < capacity {
      let neighbour = unsafe list[slot]
      if neighbour >= layer.count { break }
      unsafe gathered[count] = neighbour
      // Without a branch: whether a node was seen cannot be predicted.
      count &+= unsafe visited[Int(neighbour)] == epoch ? 0 : 1
      unsafe visited[Int(neighbour)] = epoch
      slot &+= 1
    }
    return count
  }

  /// The loop of all: the pool is searched to its end, no candidate in it stays unexpanded.
  ///
  /// What `runs` does not admit ends it, before it was read, with `nil`.
  ///
  /// One step deep pipeline: while the codes of a node's neighbours are on their way from memory, those
  /// of the node before are scored. Links are asked for before codes, or they queue behind them.
  ///
  /// Once the pool is full only the first lines of codes are asked for on layer 0, and the others of those
  /// rows that by these may be among those to be expanded.
  @inline(__always)
  private func walk(
    _ layer: LayerView,
    upper: Bool,
    epoch: UInt8,
    scorer: Scorer,
    runs: some WalkGuard,
    from place: Place,
    pool: inout vk_pool
  ) -> Int? {
    let keys = unsafe self.keys
    let lines = UInt32(truncatingIfNeeded: (layer.header &+ layer.capacity &+ 15) &>> 4)
    // Of each batch: the node numbers, then (above layer 0) the rows.
    var pending = unsafe batches
    var gathered = unsafe batches + 2 &* SearchContext.batchCapacity
    var pendingCount = 0
    var isPendingPrefix = false
    // Rows whose first lines were looked at, and those of which the others were too.
    var (begun, finished) = (0, 0)
    var scored = 1
    let prefix = upper ? 0 : scorer.prefix.columns

    unsafe visited[Int(place.node)] = epoch
    var (node, key) = (place.node, place.key)
    unsafe vk_pool_insert(&pool, &node, &key, 1)
    while true {
      scored &+= pendingCount
      if isPendingPrefix && pendingCount > 0 {
        // The farthest that is to be expanded: a pool that keeps more takes what else comes by.
        let last = unsafe pool.entries[Int(vk_pool_end(&pool)) &- 1]
        begun &+= pendingCount
        let worst = UInt32(truncatingIfNeeded: last &>> 32)
        pendingCount = unsafe scorer.sift(pending, pendingCount, below: worst)
        finished &+= pendingCount
      }
      let candidate = unsafe vk_pool_take(&pool)
      var count = 0
      var isPrefix = false
      if candidate != LayerShape.none {
        let next = unsafe vk_pool_peek(&pool)
        if next != LayerShape.none { unsafe vk_prefetch_lines(layer.record(next), lines) }
        guard runs.admits(record: candidate) else { return nil }
        count = unsafe gather(candidate, of: layer, epoch: epoch, into: gathered)
        if upper {
          let rows = unsafe gathered + SearchContext.batchCapacity
          guard unsafe findRows(of: gathered, count, in: layer, runs: runs, into: rows) else {
            return nil
          }
        }
        let rows = unsafe upper ? gathered + SearchContext.batchCapacity : gathered
        for i in 0..<count {
          guard unsafe runs.admits(code: rows[i]) else { return nil }
        }
        // Among rows of which more than two thirds are near, as in tight clusters, the first look does not
        // pay; the 64 are for the way there, on which most are nearer than what was found.
        isPrefix =
          unsafe prefix > 0 && pool.size == pool.capacity
          && 3 &* (finished &- 64) <= 2 &* begun
        unsafe scorer.prefetch(rows, count, to: isPrefix ? prefix : scorer.lines)
      } else if pendingCount == 0 {
        return scored
      }
      if pendingCount > 0 {
        let rows = unsafe upper ? pending + SearchContext.batchCapacity : pending
        unsafe scorer.score(rows, pendingCount, into: keys)
        unsafe vk_pool_insert(&pool, pending, keys, UInt32(truncatingIfNeeded: pendingCount))
        // One of them may be the next candidate, whose list nobody asked for yet.
        let next = unsafe vk_pool_peek(&pool)
        if next != LayerShape.none { unsafe vk_prefetch_lines(layer.record(next), lines) }
      }
      unsafe swap(&pending, &gathered)
      pendingCount = count
      isPendingPrefix = isPrefix
    }
  }
}
