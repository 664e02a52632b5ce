import CVectorKernels

/// Chooses diverse neighbours among candidates (paper, algorithm 4).
///
/// A candidate is kept if no neighbour kept before is nearer to it than the node itself is. The paper
/// tests each candidate against those kept; here each one kept scores all candidates left at once:
/// the same pairs, in the long runs that the kernels like.
///
/// Safe: the buffers are sized by `reserve` before use and freed with the object.
@safe final class NeighborSelection {
  /// Marks a candidate that stays whatever its neighbours.
  static let protected: UInt32 = 1 << 31

  /// The candidates, nearest first, perhaps with `protected`; after `choose` those chosen.
  private(set) var nodes: UnsafeMutablePointer<UInt32>
  /// Their rows.
  private(set) var rows: UnsafeMutablePointer<UInt32>
  /// Their keys for the node's query.
  private(set) var keys: UnsafeMutablePointer<UInt32>
  /// The candidates as they were before one choice.
  private var candidates: UnsafeMutablePointer<UInt32>
  private var scores: UnsafeMutablePointer<UInt32>
  private var entries: UnsafeMutablePointer<UInt64>
  private var capacity = 0
  private let context = SearchContext()

  init() {
    unsafe nodes = .allocate(capacity: 1)
    unsafe rows = .allocate(capacity: 1)
    unsafe keys = .allocate(capacity: 1)
    unsafe candidates = .allocate(capacity: 1)
    unsafe scores = .allocate(capacity: 1)
    unsafe entries = .allocate(capacity: 1)
  }

  deinit { free() }

  private func free() {
    unsafe nodes.deallocate()
    unsafe rows.deallocate()
    unsafe keys.deallocate()
    unsafe candidates.deallocate()
    unsafe scores.deallocate()
    unsafe entries.deallocate()
  }

  /// Makes room for `count` candidates, dropping those there are.
  func reserve(_ count: Int) {
    guard count > capacity else { return }
    free()
    capacity = count + count / 2
    unsafe nodes = .allocate(capacity: capacity)
    unsafe rows = .allocate(capacity: capacity)
    unsafe keys = .allocate(capacity: capacity)
    unsafe candidates = .allocate(capacity: capacity)
    unsafe scores = .allocate(capacity: capacity)
    unsafe entries = .allocate(capacity: capacity + Int(VK_POOL_SLACK))
  }

  /// Scores the first `count` of `nodes` against a query and sorts them by (key, node).
  func scoreAndSort(
    _ count: Int,
    layer: LayerView,
    scorer: Scorer
  ) {
    for i in 0..<count {
      unsafe rows[i] = layer.row(nodes[i])
      unsafe scorer.prefetch(rows[i])
    }
    unsafe scorer.score(rows, count, into: keys)
    var pool = unsafe vk_pool(entries: entries, size: 0, capacity: UInt32(count), cursor: 0)
    unsafe vk_pool_clear(&pool)
    unsafe vk_pool_insert(&pool, nodes, keys, UInt32(count))
    unsafe take(entries: entries, count: count) { layer.row($0) }
  }

  /// Makes sorted pool entries the candidates; `row` names the row of a node.
  @inline(__always)
  func take(entries: UnsafePointer<UInt64>, count: Int, row: (UInt32) -> UInt32) {
    for i in 0..<count {
      let entry = unsafe entries[i]
      let node = UInt32(truncatingIfNeeded: entry) >> 1
      unsafe nodes[i] = node
      unsafe keys[i] = UInt32(truncatingIfNeeded: entry >> 32)
      unsafe rows[i] = row(node)
    }
  }

  /// Reduces the first `count` candidates to at most `limit`, protected ones first of all.
  ///
  /// - Parameters:
  ///   - count: How many candidates there are, nearest first.
  ///   - limit: How many may stay.
  ///   - protectedCount: How many candidates carry `protected`, at most `limit`.
  ///   - scorer: The node's own, whose keys the candidates have.
  /// - Returns: How many are left in `nodes`, still nearest first and with their marks.
  /// - Complexity: At most `limit * count` scores.
  func choose(
    _ count: Int,
    limit: Int,
    protectedCount: Int = 0,
    scorer: Scorer
  ) -> Int {
    let codes = unsafe scorer.codes
    let (nodes, rows, keys, scores) = unsafe (self.nodes, self.rows, self.keys, self.scores)
    let buffer = unsafe context.queryBuffer(stride: Int(codes.pointee.stride))
    let form = unsafe codes.pointee.form
    for i in 0..<count { unsafe keys[i] = Self.complete(keys[i], form: form, query: scorer.query) }
    var chosen = 0
    var waiting = protectedCount
    var alive = count
    var own = unsafe vk_code_query()
    // Candidates left are kept at the slots from `chosen` on.
    while alive > chosen {
      let isProtected = unsafe nodes[chosen] & Self.protected != 0
      if isProtected {
        waiting &-= 1
      } else if chosen &+ waiting >= limit {
        // Only protected ones may still enter: close up over the others.
        if waiting == 0 { break }
        var kept = chosen
        for i in chosen..<alive where unsafe nodes[i] & Self.protected != 0 {
          unsafe nodes[kept] = nodes[i]
          kept &+= 1
        }
        return kept
      }
      let first = chosen &+ 1
      if first < alive, first &+ waiting < limit {
        unsafe vk_query_from_row(codes, rows[chosen], buffer, &own)
        unsafe vk_score_codes(codes, &own, rows + first, alive &- first, scores)
        var kept = first
        for i in first..<alive {
          let key = unsafe Self.complete(scores[i &- first], form: form, query: &own)
          let (node, row, limit) = unsafe (nodes[i], rows[i], keys[i])
          unsafe nodes[kept] = node
          unsafe rows[kept] = row
          unsafe keys[kept] = limit
          // At equal distance it stays: copies of one row must not shut out all others.
          kept &+= key >= limit || node & Self.protected != 0 ? 1 : 0
        }
        alive = kept
      }
      chosen = first
    }
    return chosen
  }

  /// As `choose`, but where fewer than `least` are left, the farthest of the others stay too: in data of
  /// tight clusters those chosen are near, and the way to other clusters would be lost.
  ///
  /// - Parameters:
  ///   - count: How many candidates there are, nearest first.
  ///   - least: How many stay at least, if there are so many; at most `limit`.
  ///   - limit: How many may stay.
  ///   - protectedCount: How many candidates carry `protected`, at most `limit`.
  ///   - scorer: The node's own, whose keys the candidates have.
  /// - Returns: How many are left in `nodes`, still nearest first and with their marks.
  func choose(
    _ count: Int,
    least: Int,
    limit: Int,
    protectedCount: Int,
    scorer: Scorer
  ) -> Int {
    unsafe candidates.update(from: nodes, count: count)
    let chosen = choose(count, limit: limit, protectedCount: protectedCount, scorer: scorer)
    let total = min(count, max(chosen, least))
    var (others, next) = (total - chosen, chosen - 1)
    // Those chosen are in the candidates' order: both are gone through from the farthest on.
    var (slot, candidate) = (total - 1, count - 1)
    while others > 0 {
      if next >= 0, unsafe nodes[next] == candidates[candidate] {
        next &-= 1
      } else {
        others &-= 1
      }
      unsafe nodes[slot] = candidates[candidate]
      slot &-= 1
      candidate &-= 1
    }
    return total
  }

  /// A key that can be compared across queries: keys leave out what is the same for all rows of one.
  @inline(__always)
  private static func complete(
    _ key: UInt32,
    form: UInt32,
    query: UnsafePointer<vk_code_query>
  ) -> UInt32 {
    if form == UInt32(VK_FORM_COSINE) { return key }
    let bits = key & 0x8000_0000 != 0 ? key ^ 0x8000_0000 : ~key
    let partial = Float(bitPattern: bits)
    return unsafe vk_ordered_key(
      form == UInt32(VK_FORM_DOT)
        ? partial * query.pointee.scale : partial + query.pointee.norm2
    )
  }
}
