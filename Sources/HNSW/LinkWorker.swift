import CVectorKernels

/// The memory of one worker of a builder.
///
/// Safe: used by one thread at a time.
@safe final class LinkWorker {
  let context = SearchContext()
  let selection = NeighborSelection()
  private let parameters: Parameters
  private let mateNodes: UnsafeMutablePointer<UInt32>
  private let mateKeys: UnsafeMutablePointer<UInt32>
  private static let mateBatch = 64

  init(parameters: Parameters) {
    self.parameters = parameters
    unsafe mateNodes = .allocate(capacity: Self.mateBatch)
    unsafe mateKeys = .allocate(capacity: Self.mateBatch)
  }

  deinit {
    unsafe mateNodes.deallocate()
    unsafe mateKeys.deallocate()
  }

  /// Adds the earlier members of the slice to the pool, then chooses and stores the row's neighbours.
  func draft(
    _ row: UInt32,
    in draft: LayerDraft,
    frozen: LayerView?,
    scorer: Scorer,
    pool: inout vk_pool
  ) {
    let index = draft.index(of: row)
    unsafe addMates(before: index, in: draft, scorer: scorer, pool: &pool)
    let count = unsafe Int(pool.size)
    selection.reserve(count)
    unsafe selection.take(entries: pool.entries, count: count) { node in
      if let frozen, node < frozen.count { return frozen.row(node) }
      return draft.rows[Int(node - draft.firstNode)]
    }
    unsafe draft.setSpares(selection.nodes, count: count, of: index)
    let chosen = selection.choose(count, limit: parameters.m, scorer: scorer)
    unsafe draft.setChosen(selection.nodes, count: chosen, of: index)
  }

  /// Scores all earlier members: they are few, and side by side in memory.
  private func addMates(
    before index: Int,
    in draft: LayerDraft,
    scorer: Scorer,
    pool: inout vk_pool
  ) {
    unsafe draft.rows.withUnsafeBufferPointer { rows in
      guard let rows = rows.baseAddress else { return }
      var start = 0
      while start < index {
        let count = min(Self.mateBatch, index - start)
        for i in 0..<count { unsafe mateNodes[i] = draft.firstNode + UInt32(start + i) }
        unsafe scorer.score(rows + start, count, into: mateKeys)
        unsafe vk_pool_insert(&pool, mateNodes, mateKeys, UInt32(count))
        start += count
      }
    }
  }
}
