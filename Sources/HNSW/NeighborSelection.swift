import CVectorKernels

/// Chooses diverse neighbours among candidates (paper, algorithm 4).
///
/// A candidate is kept if no neighbour kept before is nearer to it than the node itself is. The paper
/// tests each candidate against those kept; here each one kept scores all candidates left at once:
/// the same pairs, in runs as the kernels like them.
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

  /// Candidates that are looked at together: as a list is mostly full before its candidates end, those that
  /// follow need not be scored at all.
  private static let pieceCount = 32

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
    }
    unsafe scorer.prefetch(rows, count, to: scorer.lines)
    unsafe scorer.score(rows, count, into: keys)
    var pool = unsafe vk_pool(
      entries: entries,
      size: 0,
      capacity: UInt32(count),
      cursor: 0,
      width: UInt32(count)
    )
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
    let form = unsafe scorer.codes.pointee.form
    for i in 0..<count { unsafe keys[i] = Self.complete(keys[i], form: form, query: scorer.query) }
    let nodes = unsafe self.nodes
    var chosen = 0
    var waiting = protectedCount
    // Those left of the candidates looked at are at the slots from `chosen` to `alive`.
    var alive = 0
    var next = 0
    while true {
      if chosen == alive {
        if next == count { break }
        let end = min(count, next + Self.pieceCount)
        let piece = alive..<(alive + end - next)
        move(from: next, to: piece)
        alive = piece.upperBound
        next = end
        if chosen &+ waiting < limit {
          for number in 0..<chosen {
            alive = unsafe drop(piece.lowerBound..<alive, nearerTo: rows[number], scorer.codes)
          }
        }
        continue
      }
      let isProtected = unsafe nodes[chosen] & Self.protected != 0
      if isProtected {
        waiting &-= 1
      } else if chosen &+ waiting >= limit {
        // Only protected ones may still enter: close up over the others.
        if waiting == 0 { break }
        move(from: next, to: alive..<(alive + count - next))
        alive += count - next
        var kept = chosen
        for i in chosen..<alive where unsafe nodes[i] & Self.protected != 0 {
          unsafe nodes[kept] = nodes[i]
          kept &+= 1
        }
        return kept
      }
      let first = chosen &+ 1
      if first &+ waiting < limit {
        alive = unsafe drop(first..<alive, nearerTo: rows[chosen], scorer.codes)
      }
      chosen = first
    }
    return chosen
  }

  /// Moves candidates to slots before theirs.
  private func move(from source: Int, to slots: Range<Int>) {
    if source == slots.lowerBound { return }
    unsafe (nodes + slots.lowerBound).update(from: nodes + source, count: slots.count)
    unsafe (rows + slots.lowerBound).update(from: rows + source, count: slots.count)
    unsafe (keys + slots.lowerBound).update(from: keys + source, count: slots.count)
  }

  /// Drops the candidates in `slots` that are nearer to a row than to the node itself, but for protected ones.
  ///
  /// - Returns: Where those end that are left and have closed up.
  private func drop(
    _ slots: Range<Int>,
    nearerTo row: UInt32,
    _ codes: UnsafePointer<vk_codes>
  ) -> Int {
    if slots.isEmpty { return slots.lowerBound }
    var query = unsafe vk_code_query()
    let buffer = unsafe context.queryBuffer(stride: Int(vk_query_stride(codes)))
    unsafe vk_query_from_row(codes, row, buffer, &query)
    let (nodes, rows, keys, scores) = unsafe (self.nodes, self.rows, self.keys, self.scores)
    let form = unsafe codes.pointee.form
    unsafe vk_score_codes(codes, &query, rows + slots.lowerBound, slots.count, scores)
    var kept = slots.lowerBound
    for i in slots {
      let key = unsafe Self.complete(scores[i &- slots.lowerBound], form: form, query: &query)
      let (node, row, limit) = unsafe (nodes[i], rows[i], keys[i])
      unsafe nodes[kept] = node
      unsafe rows[kept] = row
      unsafe keys[kept] = limit
      // At equal distance it stays: copies of one row must not shut out all others.
      kept &+= key >= limit || node & Self.protected != 0 ? 1 : 0
    }
    return kept
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
    let metric = vk_metric_form(form)
    if metric == UInt32(VK_FORM_COSINE) { return key }
    let bits = key & 0x8000_0000 != 0 ? key ^ 0x8000_0000 : ~key
    let partial = Float(bitPattern: bits)
    return unsafe vk_ordered_key(
      metric == UInt32(VK_FORM_DOT)
        ? partial * query.pointee.scale : partial + query.pointee.norm2
    )
  }
}
