import CVectorKernels
import HNSW
import VectorKernels

/// How a query is to be answered.
struct SearchPlan {
  /// Results wanted.
  var limit: Int
  /// Candidates kept during the walk of the graph.
  var efSearch: Int
  var exact: Bool
  var consistency: Consistency
  /// Results farther than this do not count.
  var radius: Float = .infinity
  /// The share of the true results that is to be found; `efSearch` follows from it.
  var targetRecall: Double?
  /// A row that the walk is to do without, as if it were not there.
  var hidden: Row?

  /// Rows up to which a scan is quicker than a walk.
  static let scanRows: Row = 1_000
  /// The width of a search that names none.
  static func defaultWidth(limit: Int) -> Int { max(64, 2 * limit) }
  /// The widest search there is.
  static let widest = 100_000
}

/// Answers queries within one snapshot: the graph over codes, the rows that it does not contain yet by
/// their codes where there are few of them and by a scan else, and all of it compared in full precision.
///
/// Takes no lock and calls LMDB only to check a block for the first time. Several queries at a time are
/// quicker than one after the other where all rows are compared; each is answered as if it were alone.
struct CollectionSearch {
  let collection: CollectionSnapshot
  let reading: SharedReadTransaction
  let kernels: FullPrecision
  let coding: Coding
  /// Looks at the whole of an index that was read from disk, behind the queries; `nil` where that was done.
  let checker: IndexChecker?
  /// Told when an index from disk turns out to be damaged.
  let damaged: @Sendable (IndexVersion, CollectionID) -> Void

  /// Candidates compared in any case, so that there is something to judge estimates by.
  private static let leastCompared = 12
  /// Further candidates compared before the bound is looked at again.
  private static let comparedTogether = 32
  /// Lines of a row that are asked for ahead; the rest of a long row follows by itself.
  private static let prefetchedLines: UInt32 = 16

  /// A query with what has been found for it.
  private struct Question {
    let query: [Float]
    let prepared: PreparedQuery
    var nearest: NearestHeap
  }

  /// The nearest rows of each query, nearest first, ties by row.
  func nearest(
    to queries: [[Float]],
    plan: SearchPlan,
    context: QueryContext
  ) throws(VectorStoreError) -> [[(distance: Float, row: Row)]] {
    guard plan.limit > 0, collection.record.live > 0 else { return queries.map { _ in [] } }
    var questions = queries.map { query in
      Question(
        query: query,
        prepared: kernels.prepare(query.span),
        nearest: NearestHeap(capacity: plan.limit)
      )
    }
    var scanned: Row = 0
    if let index = usableIndex(plan) {
      let tail = plan.consistency == .linked ? nil : collection.tailCodes
      if try walk(index, tail, plan, context, &questions) {
        scanned = tail?.end ?? collection.linked
      } else {
        // Where a walk meets damage nothing is kept of what walks have found.
        for position in questions.indices {
          questions[position].nearest = NearestHeap(capacity: plan.limit)
        }
      }
    }
    if plan.consistency != .linked || scanned == 0 {
      try scan(scanned..<collection.rows, plan.radius, context, &questions)
    }
    return questions.map { $0.nearest.sorted() }
  }

  private func usableIndex(_ plan: SearchPlan) -> IndexVersion? {
    guard !plan.exact, let index = collection.index, collection.rows > SearchPlan.scanRows else {
      return nil
    }
    if index.integrity.state != .damaged { return index }
    damaged(index, collection.record.id)
    return nil
  }

  /// Walks the graph for each query, then goes through the tail.
  ///
  /// - Returns: false when a walk met something damaged.
  private func walk(
    _ index: IndexVersion,
    _ tail: TailCodes?,
    _ plan: SearchPlan,
    _ context: QueryContext,
    _ questions: inout [Question]
  ) throws(VectorStoreError) -> Bool {
    let checks = index.integrity.state == .intact ? nil : index.integrity.runs
    // After the walks, which come first for whoever waits for them.
    defer { if checks != nil { checker?.check(index, in: reading) } }
    let buffer = context.codeBuffer(stride: coding.queryStride)
    for position in questions.indices {
      let query = questions[position].query
      coding.encodeQuery(query.span, into: buffer)
      let code = unsafe index.codes.hasNibbles ? coding.nibbleQuery(buffer) : buffer.query
      let isWhole = unsafe try walk(index, checks, plan, context, code, &questions[position])
      if !isWhole {
        index.integrity.noteDamage()
        damaged(index, collection.record.id)
        return false
      }
      if let tail {
        unsafe try sift(tail, plan.radius, context, code, &questions[position])
      }
    }
    return true
  }

  /// Walks the graph, wider while deleted rows leave too few, and offers the best candidates.
  ///
  /// - Returns: false, and nothing was offered, when the walk met something damaged.
  private func walk(
    _ index: IndexVersion,
    _ checks: RunChecks?,
    _ plan: SearchPlan,
    _ context: QueryContext,
    _ query: vk_code_query,
    _ question: inout Question
  ) throws(VectorStoreError) -> Bool {
    let nibbles = index.codes.hasNibbles
    let linked = Int(min(index.linked, collection.rows))
    var ef = max(plan.efSearch, plan.limit)
    while true {
      let found = unsafe Searcher.search(
        index.graph,
        codes: index.codes.searchView,
        query: query,
        checks: checks,
        ef: ef,
        hidden: plan.hidden,
        context: context.search
      )
      guard let found else { return false }
      context.scored += context.search.scored
      context.candidates.removeAll(keepingCapacity: true)
      for position in 0..<found {
        let row = unsafe context.search.rows[position]
        if row >= collection.rows || row == plan.hidden || collection.live.isDeleted(row) {
          continue
        }
        unsafe context.candidates.append((row, context.search.keys[position]))
      }
      // With deleted rows among the candidates, widen until enough live ones are left.
      let enough = collection.live.isEmpty || context.candidates.count >= min(linked, plan.limit)
      if enough || ef >= linked { break }
      ef = min(linked, ef * 2)
    }
    let estimate = { (key: UInt32) in
      unsafe coding.estimatedOrder(ofKey: key, query: query, nibbles: nibbles)
    }
    try rerank(plan, context, &question, estimate)
    return true
  }

  /// Compares candidates in full precision: as many as results are wanted, and of the others those that
  /// may be nearer than the worst of these, by all that was seen of how far estimates are off.
  private func rerank(
    _ plan: SearchPlan,
    _ context: QueryContext,
    _ question: inout Question,
    _ estimate: (UInt32) -> Float
  ) throws(VectorStoreError) {
    let count = context.candidates.count
    let certain = min(count, max(plan.limit + 2, Self.leastCompared))
    try compare(0..<certain, plan.radius, context, &question)
    var prediction = OrderPrediction()
    var first = 0
    var end = certain
    while true {
      for position in first..<end {
        prediction.add(
          estimate: estimate(context.candidates[position].key),
          order: coding.order(ofDistance: context.distances[position - first])
        )
      }
      first = end
      let bound = coding.order(ofDistance: min(question.nearest.bound, plan.radius))
      while end < count, end - first < Self.comparedTogether,
        prediction.least(estimate(context.candidates[end].key)) <= bound
      {
        end += 1
      }
      if first == end { return }
      try compare(first..<end, plan.radius, context, &question)
    }
  }

  /// Goes through rows that the graph does not contain, and compares those in full precision that by
  /// their codes may be among the nearest.
  ///
  /// How far codes may be off is known from how they round, so the tail is searched as well as by a scan,
  /// whatever the width of the walk and whatever rows the graph contains. All are compared while fewer rows
  /// than wanted were found.
  private func sift(
    _ tail: TailCodes,
    _ radius: Float,
    _ context: QueryContext,
    _ query: vk_code_query,
    _ question: inout Question
  ) throws(VectorStoreError) {
    let noneDeleted = collection.live.isEmpty
    var row = collection.linked
    while row < tail.end {
      let end = tail.end(ofPieceWith: row)
      let bound = coding.order(ofDistance: min(question.nearest.bound, radius))
      let margin = unsafe tail.margin(coding, query, order: bound)
      let highest = unsafe coding.key(
        ofEstimatedOrder: bound + margin,
        query: query,
        nibbles: tail.hasNibbles
      )
      unsafe tail.score(row..<end, query, into: &context.keys)
      context.candidates.removeAll(keepingCapacity: true)
      unsafe context.keys.withUnsafeBufferPointer { keys in
        for offset in 0..<Int(end - row) where unsafe keys[offset] <= highest {
          let candidate = row + UInt32(offset)
          if noneDeleted || !collection.live.isDeleted(candidate) {
            unsafe context.candidates.append((candidate, keys[offset]))
          }
        }
      }
      context.scored += Int(end - row)
      try compare(0..<context.candidates.count, radius, context, &question)
      row = end
    }
  }

  /// Compares some of the candidates in full precision.
  private func compare(
    _ positions: Range<Int>,
    _ radius: Float,
    _ context: QueryContext,
    _ question: inout Question
  ) throws(VectorStoreError) {
    if positions.isEmpty { return }
    context.compared += positions.count
    unsafe context.addresses.removeAll(keepingCapacity: true)
    // All rows are asked for before the first is read: each is somewhere else in memory.
    let lines = UInt32((collection.vectors.shape.stride + 63) / 64)
    for position in positions {
      let row = context.candidates[position].row
      let address = unsafe try collection.checkedAddress(of: row, in: reading)
      unsafe vk_prefetch_lines(address, min(lines, Self.prefetchedLines))
      unsafe context.addresses.append(address)
    }
    context.reserveDistances(positions.count)
    unsafe context.addresses.withUnsafeBufferPointer { addresses in
      unsafe context.distances.withUnsafeMutableBufferPointer { distances in
        guard let addresses = addresses.baseAddress, let target = distances.baseAddress
        else { return }
        unsafe kernels.distances(
          question.prepared,
          rowAddresses: addresses,
          count: positions.count,
          into: target
        )
      }
    }
    for (offset, position) in positions.enumerated() {
      let distance = context.distances[offset]
      if distance <= radius {
        question.nearest.offer(context.candidates[position].row, distance: distance)
      }
    }
  }

  /// Compares every live row of a range in full precision, block by block: a block is read from memory
  /// for the first query and from the cache for the others.
  private func scan(
    _ rows: Range<Row>,
    _ radius: Float,
    _ context: QueryContext,
    _ questions: inout [Question]
  ) throws(VectorStoreError) {
    let shape = collection.vectors.shape
    context.reserveDistances(shape.rows)
    var row = rows.lowerBound
    while row < rows.upperBound {
      let block = shape.block(of: row)
      let end = min(rows.upperBound, shape.firstRow(of: block) + UInt32(shape.rows))
      try collection.check(block: block, in: reading)
      let after = unsafe collection.vectors.address(of: min(end, rows.upperBound - 1))
      for position in questions.indices {
        unsafe scan(row..<end, position == 0 ? after : nil, radius, context, &questions[position])
      }
      row = end
    }
  }

  /// Compares the live rows of a part of one block, which is in a cache unless it says where to read `after`.
  private func scan(
    _ rows: Range<Row>,
    _ after: UnsafeRawPointer?,
    _ radius: Float,
    _ context: QueryContext,
    _ question: inout Question
  ) {
    unsafe context.distances.withUnsafeMutableBufferPointer { distances in
      guard let target = distances.baseAddress else { return }
      unsafe kernels.distances(
        question.prepared,
        base: collection.vectors.address(of: rows.lowerBound),
        stride: collection.vectors.shape.stride,
        count: rows.count,
        after: after,
        into: target
      )
      let noneDeleted = collection.live.isEmpty
      var bound = min(question.nearest.bound, radius)
      for offset in 0..<rows.count {
        let distance = unsafe target[offset]
        // Equal to the bound may still win by its row when the heap is not full.
        guard distance <= bound else { continue }
        let candidate = rows.lowerBound + UInt32(offset)
        guard noneDeleted || !collection.live.isDeleted(candidate) else { continue }
        question.nearest.offer(candidate, distance: distance)
        bound = min(question.nearest.bound, radius)
      }
    }
  }
}
