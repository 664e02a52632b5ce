import CVectorKernels

/// Phase 1: neighbours for each new node, found on the graph as it was before the slice.
extension GraphBuilder {
  /// Fills in the drafts of all layers, the team's threads side by side.
  func searchNeighbors(of slice: Slice, codes: vk_codes, team: WorkerTeam) {
    let views = layers.map(\.view).prefix { $0.count > 0 }
    // An empty graph's array has no address; nothing is read from what stands in for it.
    let none = UnsafeMutablePointer<LayerView>.allocate(capacity: 1)
    defer { unsafe none.deallocate() }
    unsafe views.withUnsafeBufferPointer { views in
      let view = unsafe GraphView(
        layers: views.baseAddress ?? UnsafePointer(none),
        layerCount: views.count
      )
      let job = unsafe SearchJob(
        view: view,
        drafts: drafts,
        workers: workers,
        codes: codes,
        parameters: parameters
      )
      // One row at a time, so that workers end together: taking one costs next to nothing.
      team.run(pieces: slice.count) { worker, piece in
        job.search(row: slice.first + UInt32(piece), worker: worker)
      }
    }
  }
}

/// What the workers of phase 1 share.
///
/// Safe to share: while they run nothing of it changes but drafts of distinct nodes and each worker's
/// own memory.
@safe private struct SearchJob: @unchecked Sendable {
  /// The layers that have nodes already.
  let view: GraphView
  let drafts: [LayerDraft]
  let workers: [LinkWorker]
  let codes: vk_codes
  let parameters: Parameters

  /// Drafts the lists of one new row in all its layers (paper, algorithm 1, lines 1-10).
  func search(row: UInt32, worker: Int) {
    let worker = workers[worker]
    var query = unsafe vk_code_query()
    unsafe withUnsafePointer(to: codes) { codes in
      let buffer = unsafe worker.context.queryBuffer(stride: Int(vk_query_stride(codes)))
      unsafe vk_query_from_row(codes, row, buffer, &query)
      unsafe withUnsafePointer(to: query) { query in
        let scorer = unsafe Scorer(codes: codes, query: query, byFirstLines: true)
        search(row: row, worker: worker, scorer: scorer)
      }
    }
  }

  private func search(row: UInt32, worker: LinkWorker, scorer: Scorer) {
    let context = worker.context
    let level = parameters.level(of: row)
    let top = view.layerCount - 1
    let rowCount = top >= 0 ? unsafe Int(view.layers[0].count) : 0
    context.prepare(ef: parameters.candidateCount, nodeCount: rowCount)
    let walk = LayerWalk(context: context)
    var place = top >= 0 ? walk.entry(of: view, scorer: scorer) : Place(node: 0, key: 0)
    // Layers that a mate is about to open are no concern of a row below them.
    for layer in stride(from: max(level, top), through: 0, by: -1) {
      if layer < top { unsafe walk.step(down: view.layers[layer + 1], from: &place) }
      if layer > level {
        unsafe walk.descend(view.layers[layer], scorer: scorer, from: &place)
        continue
      }
      var pool = unsafe walk.pool(
        capacity: parameters.candidateCount,
        width: parameters.efConstruction
      )
      guard layer <= top else {
        unsafe worker.draft(row, in: drafts[layer], frozen: nil, scorer: scorer, pool: &pool)
        continue
      }
      let frozen = unsafe view.layers[layer]
      let epoch = context.nextEpoch()
      if layer == 0 {
        unsafe walk.base(frozen, epoch: epoch, scorer: scorer, from: place, pool: &pool)
      } else {
        unsafe walk.upper(frozen, epoch: epoch, scorer: scorer, from: place, pool: &pool)
        let nearest = unsafe pool.entries[0]
        place.node = UInt32(truncatingIfNeeded: nearest) >> 1
        place.key = UInt32(truncatingIfNeeded: nearest >> 32)
      }
      unsafe worker.draft(row, in: drafts[layer], frozen: frozen, scorer: scorer, pool: &pool)
    }
  }
}
