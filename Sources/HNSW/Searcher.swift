package import CVectorKernels

/// Finds the nearest rows of a graph to a query (paper, algorithms 2 and 5).
package enum Searcher {
  /// Leaves the `ef` nearest rows that the graph leads to in `context.rows` and `.keys`.
  ///
  /// - Parameters:
  ///   - graph: The version to search.
  ///   - codes: Codes of at least `graph.linkedCount` rows.
  ///   - query: A query in the form of the codes.
  ///   - entry: Where to enter the base layer, from `entries` for the same query, if that is known.
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
    from entry: Place? = nil,
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
        let place: Place
        if let entry {
          precondition(entry.node < base.count, "an entry of another graph")
          place = entry
        } else {
          place = Self.entry(of: view, walk: walk, scorer: scorer)
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

  private static func entry(of view: GraphView, walk: LayerWalk, scorer: Scorer) -> Place {
    var place = walk.entry(of: view, scorer: scorer)
    for layer in stride(from: view.layerCount - 1, to: 0, by: -1) {
      unsafe walk.descend(view.layers[layer], scorer: scorer, from: &place)
      unsafe walk.step(down: view.layers[layer], from: &place)
    }
    return place
  }

  /// Where each query enters the base layer: the way down from the top, of all queries side by side.
  ///
  /// One query alone waits for memory at every step, twice; together they wait at the same time. Each
  /// gets the place that `search` finds for it alone.
  ///
  /// - Parameters:
  ///   - graph: The version to search.
  ///   - codes: Codes of at least `graph.linkedCount` rows.
  ///   - queries: Queries in the form of the codes.
  /// - Returns: One place a query; none when the graph is empty.
  package static func entries(
    _ graph: Graph,
    codes: vk_codes,
    queries: [vk_code_query]
  ) -> [Place] {
    let view = graph.view
    guard view.layerCount > 0 else { return [] }
    return unsafe withUnsafePointer(to: codes) { codes in
      unsafe queries.withUnsafeBufferPointer { queries in
        var descents: [Descent] = []
        for i in 0..<queries.count {
          guard let query = queries.baseAddress else { break }
          let scorer = unsafe Scorer(codes: codes, query: query + i)
          descents.append(Descent(from: view, scorer: scorer))
        }
        var isBusy = true
        while isBusy {
          isBusy = false
          for i in descents.indices where descents[i].advance(in: view) { isBusy = true }
        }
        return descents.map(\.place)
      }
    }
  }
}
