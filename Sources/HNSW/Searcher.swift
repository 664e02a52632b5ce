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
    // Nothing is found damaged where nothing is checked.
    unsafe search(
      graph,
      codes: codes,
      query: query,
      checks: nil,
      from: entry,
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
    from entry: Place? = nil,
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
    var pool = unsafe walk.pool(capacity: capacity)
    let scored: Int? = unsafe withUnsafePointer(to: codes) { codes in
      unsafe withUnsafePointer(to: query) { query in
        let scorer = unsafe Scorer(codes: codes, query: query)
        let start: Place?
        if let entry {
          precondition(entry.node < base.count, "an entry of another graph")
          start = entry
        } else {
          start = Self.entry(of: view, walk: walk, scorer: scorer, checks: checks)
        }
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
