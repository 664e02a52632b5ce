package import CVectorKernels

/// Finds the nearest rows of a graph to a query (paper, algorithms 2 and 5).
package enum Searcher {
  /// Leaves the `ef` nearest rows that the graph leads to in `context.rows` and `.keys`.
  ///
  /// - Parameters:
  ///   - graph: The version to search.
  ///   - codes: Codes of at least `graph.linkedCount` rows.
  ///   - query: A query in the form of the codes.
  ///   - ef: Candidates kept, at least 1; more finds better and costs in proportion.
  ///   - hidden: A row that is passed over on layer 0, so that a search for a row of the graph is like
  ///     one for a vector that is not in it; may be found all the same where a walk begins with it.
  ///   - context: The calling thread's own.
  /// - Returns: How many there are: less than `ef` only if the graph has fewer rows.
  /// - Complexity: About `ef * m` scores and no allocation once the context has grown.
  @discardableResult
  package static func search(
    _ graph: Graph,
    codes: vk_codes,
    query: vk_code_query,
    ef: Int,
    hidden: UInt32? = nil,
    context: SearchContext
  ) -> Int {
    // Nothing is found damaged where nothing is checked.
    unsafe search(
      graph,
      codes: codes,
      query: query,
      checks: nil,
      ef: ef,
      hidden: hidden,
      context: context
    ) ?? 0
  }

  /// The same in a graph of which not all was found whole yet: what the walk comes to is checked before it
  /// is read.
  ///
  /// Takes what the other takes, and the checks of graph and codes; `nil` when all of both is whole.
  ///
  /// - Returns: `nil` when the walk came to something damaged. Otherwise the answer is the one that the
  ///   whole graph gives.
  package static func search(
    _ graph: Graph,
    codes: vk_codes,
    query: vk_code_query,
    checks: RunChecks?,
    ef: Int,
    hidden: UInt32? = nil,
    context: SearchContext
  ) -> Int? {
    let view = graph.view
    context.count = 0
    guard view.layerCount > 0 else { return 0 }
    let base = unsafe view.layers[0]
    let capacity = min(max(ef, 1), Int(base.count))
    context.prepare(ef: capacity, nodeCount: Int(base.count))
    let walk = LayerWalk(context: context)
    var pool = unsafe walk.pool(capacity: capacity, width: capacity)
    let scored: Int? = unsafe withUnsafePointer(to: codes) { codes in
      unsafe withUnsafePointer(to: query) { query in
        let byFirstLines = unsafe vk_prefix_pays(codes) != 0
        let scorer = unsafe Scorer(codes: codes, query: query, byFirstLines: byFirstLines)
        let start = entry(of: view, walk: walk, scorer: scorer, checks: checks)
        guard let start else { return nil }
        let epoch = context.nextEpoch()
        if let hidden, hidden < base.count { unsafe context.visited[Int(hidden)] = epoch }
        if let checks {
          return unsafe walk.guardedBase(
            base,
            epoch: epoch,
            scorer: scorer,
            runs: checks.runGuard(layer: 0),
            from: start,
            pool: &pool
          )
        }
        return unsafe walk.base(base, epoch: epoch, scorer: scorer, from: start, pool: &pool)
      }
    }
    guard let scored else { return nil }
    context.scored = scored
    unsafe context.unpack(count: Int(pool.size))
    return context.count
  }

  /// The way down from the top; `nil` when it leads to something damaged.
  private static func entry(
    of view: GraphView,
    walk: LayerWalk,
    scorer: Scorer,
    checks: RunChecks?
  ) -> Place? {
    let top = view.layerCount - 1
    if let runs = checks?.runGuard(layer: top) {
      guard runs.admits(record: 0), unsafe runs.admits(code: view.layers[top].row(0)) else {
        return nil
      }
    }
    var place = walk.entry(of: view, scorer: scorer)
    for number in stride(from: top, to: 0, by: -1) {
      let layer = unsafe view.layers[number]
      if let runs = checks?.runGuard(layer: number) {
        guard walk.guardedDescend(layer, scorer: scorer, runs: runs, from: &place) else {
          return nil
        }
      } else {
        walk.descend(layer, scorer: scorer, from: &place)
      }
      walk.step(down: layer, from: &place)
    }
    return place
  }
}
