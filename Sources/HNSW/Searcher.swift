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
    let view = graph.view
    guard view.layerCount > 0 else {
      context.count = 0
      return 0
    }
    let base = unsafe view.layers[0]
    let capacity = min(max(ef, 1), Int(base.count))
    context.prepare(ef: capacity, nodeCount: Int(base.count))
    let walk = LayerWalk(context: context)
    var pool = unsafe walk.pool(capacity: capacity)
    unsafe withUnsafePointer(to: codes) { codes in
      unsafe withUnsafePointer(to: query) { query in
        let scorer = unsafe Scorer(codes: codes, query: query)
        var place = walk.entry(of: view, scorer: scorer)
        for layer in stride(from: view.layerCount - 1, to: 0, by: -1) {
          unsafe walk.descend(view.layers[layer], scorer: scorer, from: &place)
          unsafe walk.step(down: view.layers[layer], from: &place)
        }
        let epoch = context.nextEpoch()
        if let hidden, hidden < base.count { unsafe context.visited[Int(hidden)] = epoch }
        context.scored = unsafe walk.base(
          base,
          epoch: epoch,
          scorer: scorer,
          from: place,
          pool: &pool
        )
      }
    }
    unsafe context.unpack(count: Int(pool.size))
    return context.count
  }
}
