import Foundation
import Logging
import Synchronization
import VectorKernels

extension VectorStore {
  /// The records nearest to a vector.
  ///
  /// Everything committed before the call is considered, in the graph or not (I4), within one committed
  /// state (I3). Runs on the calling thread and waits for nobody.
  ///
  /// - Parameters:
  ///   - vector: As many finite numbers as the collection has dimensions.
  ///   - collection: The collection's name.
  ///   - limit: Results wanted, 1 to 100 000.
  ///   - efSearch: Candidates kept during the walk of the graph, up to 100 000; more finds better and
  ///     costs in proportion. By default a width that suits the limit.
  ///   - targetRecall: Instead of a width, the share of the true results that searches are to find on
  ///     average, more than 0 and up to 1, which compares every record. The width follows from what was
  ///     measured of the collection; ``recallChoice(for:in:limit:)`` tells which it is and whether the
  ///     recall is promised.
  ///   - exact: Compares every record instead of walking the graph.
  ///   - consistency: Which commits must be seen.
  ///   - fields: What each result brings along.
  /// - Returns: Nearest first, ties in the order of their commits; fewer than `limit` only when the
  ///   collection has fewer.
  /// - Throws: `.unknownCollection`, `.noVectors`, `.dimensionMismatch`, `.notFinite`, `.zeroVector` under cosine,
  ///   `.invalidArgument`, `.sequenceNotReached`, `.corrupted`.
  /// - Complexity: About `efSearch * m` comparisons of codes and `2 * limit` of vectors.
  public func search(
    _ vector: [Float],
    in collection: String,
    limit: Int = 10,
    efSearch: Int? = nil,
    targetRecall: Double? = nil,
    exact: Bool = false,
    consistency: Consistency = .latest,
    including fields: ResultFields = [.metadata, .document]
  ) throws(VectorStoreError) -> [SearchResult] {
    let plan = try SearchPlan(limit, efSearch, exact, consistency, targetRecall: targetRecall)
    let session = try SearchSession(self, collection, consistency)
    let rows = try contexts.with { (context) throws(VectorStoreError) in
      try session.nearest(to: vector, plan: plan, context: context)
    }
    return try session.results(rows, including: fields)
  }

  /// All records within a distance of a vector, nearest first.
  ///
  /// - Parameters:
  ///   - vector: As many finite numbers as the collection has dimensions.
  ///   - collection: The collection's name.
  ///   - radius: The largest distance that counts; see ``Metric`` for its meaning.
  ///   - limit: Results at most, 1 to 100 000.
  ///   - exact: Compares every record. Otherwise the graph is walked, wider and wider until the nearest
  ///     record beyond the radius is met.
  ///   - consistency: Which commits must be seen.
  ///   - fields: What each result brings along.
  /// - Returns: Nearest first, ties in the order of their commits.
  /// - Throws: What a search without a radius throws.
  public func search(
    _ vector: [Float],
    in collection: String,
    within radius: Float,
    limit: Int = 10_000,
    exact: Bool = false,
    consistency: Consistency = .latest,
    including fields: ResultFields = [.metadata, .document]
  ) throws(VectorStoreError) -> [SearchResult] {
    guard !radius.isNaN else { throw .invalidArgument(name: "radius", reason: "is not a number") }
    var plan = try SearchPlan(limit, nil, exact, consistency)
    plan.radius = radius
    let session = try SearchSession(self, collection, consistency)
    var width = min(64, limit)
    while true {
      plan.limit = exact ? limit : width
      plan.efSearch = max(64, 2 * width)
      let turn = plan
      let rows = try contexts.with { (context) throws(VectorStoreError) in
        try session.nearest(to: vector, plan: turn, context: context)
      }
      // Fewer than asked for: the farthest candidates were beyond the radius.
      if exact || rows.count < width || width >= limit {
        return try session.results(rows, including: fields)
      }
      width = min(limit, width * 4)
    }
  }

  /// The records nearest to a stored one, which is not among them.
  ///
  /// - Returns: Nothing when there is no record of that id.
  public func search(
    near id: RecordID,
    in collection: String,
    limit: Int = 10,
    efSearch: Int? = nil,
    targetRecall: Double? = nil,
    exact: Bool = false,
    including fields: ResultFields = [.metadata, .document]
  ) throws(VectorStoreError) -> [SearchResult] {
    let session = try SearchSession(self, collection, .latest)
    let key = RecordCoding.idKey(id)
    guard let own = try session.search.collection.row(ofID: key, in: session.search.reading) else {
      return []
    }
    let vector = try session.search.collection.readVector(own, in: session.search.reading)
    var plan = try SearchPlan(limit, efSearch, exact, .latest, targetRecall: targetRecall)
    plan.limit += 1
    let rows = try contexts.with { (context) throws(VectorStoreError) in
      try session.nearest(to: vector, plan: plan, context: context)
    }
    return try session.results(
      Array(rows.filter { $0.row != own }.prefix(limit)),
      including: fields
    )
  }

  /// Answers many queries, on all cores, within one committed state.
  ///
  /// - Parameters:
  ///   - queries: One query a row.
  ///   - collection: The collection's name.
  ///   - limit: Results wanted for each, 1 to 100 000.
  ///   - efSearch: Candidates kept during each walk.
  ///   - targetRecall: Instead of a width, the share of the true results to be found.
  ///   - exact: Compares every record instead of walking the graph.
  ///   - threads: Threads at most; `nil` takes one a core.
  ///   - consistency: Which commits must be seen.
  ///   - fields: What each result brings along.
  /// - Returns: One answer a query, in their order.
  /// - Throws: What a single search throws, for the first query that is wrong; `.cancelled`.
  public func searchBatch(
    _ queries: VectorRows,
    in collection: String,
    limit: Int = 10,
    efSearch: Int? = nil,
    targetRecall: Double? = nil,
    exact: Bool = false,
    threads: Int? = nil,
    consistency: Consistency = .latest,
    including fields: ResultFields = [.metadata, .document]
  ) async throws(VectorStoreError) -> [[SearchResult]] {
    let plan = try SearchPlan(limit, efSearch, exact, consistency, targetRecall: targetRecall)
    let session = try SearchSession(self, collection, consistency)
    return try await onEachGroup(queries, threads: threads) {
      (group, context) throws(VectorStoreError) in
      try session.nearest(to: group, plan: plan, context: context)
        .map { (rows) throws(VectorStoreError) in try session.results(rows, including: fields) }
    }
  }

  /// Like `searchBatch`, with row numbers instead of records: for measuring recall, and for those who keep
  /// what belongs to a row elsewhere.
  public func nearestRows(
    _ queries: VectorRows,
    in collection: String,
    limit: Int = 10,
    efSearch: Int? = nil,
    targetRecall: Double? = nil,
    exact: Bool = false,
    threads: Int? = nil,
    consistency: Consistency = .latest
  ) async throws(VectorStoreError) -> [[RowMatch]] {
    let plan = try SearchPlan(limit, efSearch, exact, consistency, targetRecall: targetRecall)
    let session = try SearchSession(self, collection, consistency)
    return try await onEachGroup(queries, threads: threads) {
      (group, context) throws(VectorStoreError) in
      try session.nearest(to: group, plan: plan, context: context)
        .map { rows in rows.map { RowMatch(row: Int($0.row), distance: $0.distance) } }
    }
  }

  /// What one search costs, for measuring.
  ///
  /// - Returns: Rows of the index scored by their codes, and rows compared in full precision, the ones
  ///   scanned not counted.
  package func searchCost(
    _ vector: [Float],
    in collection: String,
    limit: Int = 10,
    efSearch: Int? = nil
  ) throws(VectorStoreError) -> (scored: Int, compared: Int) {
    let plan = try SearchPlan(limit, efSearch, false, .latest)
    let session = try SearchSession(self, collection, .latest)
    return try contexts.with { (context) throws(VectorStoreError) in
      context.beginCount()
      _ = try session.nearest(to: vector, plan: plan, context: context)
      return (context.scored, context.compared)
    }
  }

  /// Queries that a thread takes at a time, at most.
  private static var groupLimit: Int { 16 }

  /// Runs `answer` for the rows of `queries`, in groups that threads take one after the other.
  private func onEachGroup<Answer: Sendable>(
    _ queries: VectorRows,
    threads: Int?,
    _ answer: @escaping @Sendable ([[Float]], QueryContext) throws(VectorStoreError) -> [Answer]
  ) async throws(VectorStoreError) -> [Answer] {
    if let threads, threads < 1 {
      throw .invalidArgument(name: "threads", reason: "must be at least 1, not \(threads)")
    }
    let workers = min(
      threads ?? ProcessInfo.processInfo.activeProcessorCount,
      max(1, queries.count)
    )
    // Few queries are spread over all threads, many go side by side on each.
    let size = max(1, min(Self.groupLimit, (queries.count + workers - 1) / workers))
    let contexts = contexts
    let next = SharedCounter()
    let results = await withTaskGroup(
      of: Result<[(Int, [Answer])], VectorStoreError>.self
    ) { group in
      for _ in 0..<workers {
        group.addTask {
          contexts.with { context in
            Self.takeGroups(of: size, queries, from: next, context: context, answer)
          }
        }
      }
      var parts: [Result<[(Int, [Answer])], VectorStoreError>] = []
      for await part in group { parts.append(part) }
      return parts
    }
    var answers: [(Int, [Answer])] = []
    for result in results { answers += try result.get() }
    answers.sort { $0.0 < $1.0 }
    return answers.flatMap(\.1)
  }

  /// One worker's share: groups of queries until none is left.
  private static func takeGroups<Answer>(
    of size: Int,
    _ queries: VectorRows,
    from next: SharedCounter,
    context: QueryContext,
    _ answer: ([[Float]], QueryContext) throws(VectorStoreError) -> [Answer]
  ) -> Result<[(Int, [Answer])], VectorStoreError> {
    var answers: [(Int, [Answer])] = []
    do throws(VectorStoreError) {
      while true {
        let first = next.value.wrappingAdd(size, ordering: .relaxed).oldValue
        if first >= queries.count { return .success(answers) }
        if Task.isCancelled { return .failure(.cancelled) }
        let group = (first..<min(queries.count, first + size)).map(queries.row)
        answers.append((first, try answer(group, context)))
      }
    } catch {
      return .failure(error)
    }
  }

  private final class SharedCounter: Sendable {
    let value = Atomic<Int>(0)
  }
}

/// What the queries of one call share: snapshot, kernels and coding.
struct SearchSession: Sendable {
  let search: CollectionSearch

  init(_ store: VectorStore, _ name: String, _ consistency: Consistency) throws(VectorStoreError) {
    let snapshot = try store.snapshot()
    if case .atLeast(let sequence) = consistency, sequence.value > snapshot.sequence {
      throw .sequenceNotReached(
        requested: sequence,
        committed: SequenceNumber(snapshot.sequence)
      )
    }
    let collection = try snapshot.collection(name)
    guard collection.record.options.hasVectors else { throw .noVectors(collection: name) }
    search = CollectionSearch(
      collection: collection,
      reading: snapshot.reading,
      kernels: collection.kernels.fullPrecision,
      coding: collection.kernels.coding,
      checker: store.checker,
      damaged: { [weak store] index, id in store?.indexIsDamaged(index, of: id) }
    )
  }

  func nearest(
    to query: [Float],
    plan: SearchPlan,
    context: QueryContext
  ) throws(VectorStoreError) -> [(distance: Float, row: Row)] {
    try nearest(to: [query], plan: plan, context: context)[0]
  }

  func nearest(
    to queries: [[Float]],
    plan: SearchPlan,
    context: QueryContext
  ) throws(VectorStoreError) -> [[(distance: Float, row: Row)]] {
    let options = search.collection.record.options
    for query in queries {
      guard query.count == options.dimension else {
        throw .dimensionMismatch(expected: options.dimension, actual: query.count, row: nil)
      }
      try ElementEncoding.check(query, row: nil, metric: options.metric)
    }
    let plan = plan.aimed(in: search.collection)
    return try search.nearest(to: queries, plan: plan, context: context)
  }

  /// Rows with their records.
  func results(
    _ rows: [(distance: Float, row: Row)],
    including fields: ResultFields
  ) throws(VectorStoreError) -> [SearchResult] {
    let metric = search.collection.record.options.metric
    var results: [SearchResult] = []
    results.reserveCapacity(rows.count)
    for (distance, row) in rows {
      let record = try search.collection.readRecord(row, in: search.reading, including: fields)
      results.append(
        SearchResult(
          id: record.id,
          distance: distance,
          score: metric == .cosine ? 1 - distance : -distance,
          metadata: record.metadata,
          document: record.document,
          vector: fields.contains(.vector) ? record.vector : nil,
          original: record.original
        )
      )
    }
    return results
  }
}

extension SearchPlan {
  /// - Throws: `.invalidArgument` for what is out of range.
  init(
    _ limit: Int,
    _ efSearch: Int?,
    _ exact: Bool,
    _ consistency: Consistency,
    targetRecall: Double? = nil
  ) throws(VectorStoreError) {
    guard (1...100_000).contains(limit) else {
      throw .invalidArgument(name: "limit", reason: "must be 1 to 100000, not \(limit)")
    }
    if let efSearch, !(1...Self.widest).contains(efSearch) {
      throw .invalidArgument(name: "efSearch", reason: "must be 1 to 100000, not \(efSearch)")
    }
    if let targetRecall {
      guard efSearch == nil, !exact else {
        throw .invalidArgument(name: "targetRecall", reason: "goes with neither efSearch nor exact")
      }
      // False for NaN too.
      guard targetRecall > 0, targetRecall <= 1 else {
        let reason = "must be more than 0 and at most 1, not \(targetRecall)"
        throw .invalidArgument(name: "targetRecall", reason: reason)
      }
    }
    self.init(
      limit: limit,
      efSearch: efSearch ?? Self.defaultWidth(limit: limit),
      exact: exact,
      consistency: consistency,
      targetRecall: targetRecall
    )
  }
}

extension VectorStore {
  /// Has a damaged index built again, where this process may write.
  func indexIsDamaged(_ index: IndexVersion, of id: CollectionID) {
    logger.warning("index damaged, queries scan", metadata: ["collection": "\(id.number)"])
    do throws(VectorStoreError) {
      try writing("rebuild an index").indexer.rebuild(id, instead: index)
    } catch {
      // Read-only or closing: the scan's answers are right without an index.
      return
    }
  }
}
