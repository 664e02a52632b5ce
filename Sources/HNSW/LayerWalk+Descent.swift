import CVectorKernels

/// The way from the entry point down to the layer that is searched.
extension LayerWalk {
  /// The entry point: node 0 of the top layer.
  func entry(of view: GraphView, scorer: Scorer) -> Place {
    let top = unsafe view.layers[view.layerCount - 1]
    return Place(node: 0, key: scorer.key(of: top.row(0)))
  }

  /// Goes to the same row's node in the layer below; the key stays.
  func step(down layer: LayerView, from place: inout Place) {
    place.node = unsafe layer.record(place.node)[0]
  }

  /// Moves to the nearest neighbour while there is a nearer one (paper, algorithm 5, lines 4-6).
  @inline(never)
  func descend(_ layer: LayerView, scorer: Scorer, from place: inout Place) {
    _ = descent(layer, scorer: scorer, runs: NoGuard(), from: &place)
  }

  /// The same where not all of the graph was found whole yet; false at something damaged.
  @inline(never)
  func guardedDescend(
    _ layer: LayerView,
    scorer: Scorer,
    runs: RunGuard,
    from place: inout Place
  ) -> Bool {
    descent(layer, scorer: scorer, runs: runs, from: &place)
  }

  @inline(__always)
  private func descent(
    _ layer: LayerView,
    scorer: Scorer,
    runs: some WalkGuard,
    from place: inout Place
  ) -> Bool {
    let nodes = unsafe batches
    let rows = unsafe batches + SearchContext.batchCapacity
    let keys = unsafe self.keys
    let prefix = scorer.prefix.columns
    // Of the rows, those that by their first lines may be nearer.
    let near = unsafe prefix > 0 ? batches + 2 * SearchContext.batchCapacity : rows
    let listed = unsafe layer.rows
    while true {
      guard runs.admits(record: place.node) else { return false }
      let list = unsafe layer.links(place.node)
      var count = 0
      while count < layer.capacity {
        let node = unsafe list[count]
        if node >= layer.count { break }
        unsafe nodes[count] = node
        if unsafe listed == nil { unsafe vk_prefetch_lines(layer.record(node), 1) }
        count &+= 1
      }
      guard unsafe findRows(of: nodes, count, in: layer, runs: runs, into: rows) else {
        return false
      }
      for i in 0..<count {
        guard unsafe runs.admits(code: rows[i]) else { return false }
      }
      unsafe scorer.prefetch(rows, count, to: prefix > 0 ? prefix : scorer.lines)
      if prefix > 0 {
        unsafe near.update(from: rows, count: count)
        count = unsafe scorer.sift(near, count, below: place.key)
      }
      unsafe scorer.score(near, count, into: keys)
      var (nearest, key) = (UInt32.max, place.key)
      for i in 0..<count where unsafe keys[i] <= key {
        // Of equal ones the first, and none that is no nearer than where the walk is.
        if unsafe keys[i] == key && (nearest == .max || near[i] > nearest) { continue }
        (nearest, key) = unsafe (near[i], keys[i])
      }
      if nearest == .max { return true }
      var position = 0
      while unsafe rows[position] != nearest { position &+= 1 }
      place = unsafe Place(node: nodes[position], key: key)
    }
  }
}
