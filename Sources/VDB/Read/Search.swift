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

  /// Rows up to which a scan is quicker than a walk.
  static let scanRows: Row = 1_000
  /// Candidates that are compared in full precision: more where codes are coarser.
  func rerankCount(nibbles: Bool) -> Int {
    nibbles ? max(3 * limit, limit + 20) : max(2 * limit, limit + 10)
  }
}

/// Answers one query within one snapshot: the graph over codes, the rows that it does not contain
/// yet by a scan, and all of it compared in full precision.
///
/// Takes no lock and calls LMDB only to check a block for the first time.
struct CollectionSearch {
  let collection: CollectionSnapshot
  let reading: SharedReadTransaction
  let kernels: FullPrecision
  let coding: Coding
  /// Told once when an index from disk turns out to be damaged.
  let damaged: @Sendable (CollectionID) -> Void

  /// Lines of a row that are asked for ahead; the rest of a long row follows by itself.
  private static let prefetchedLines: UInt32 = 16

  /// The nearest rows, nearest first, ties by row.
  func nearest(
    to query: [Float],
    plan: SearchPlan,
    context: QueryContext
  ) throws(VectorStoreError) -> [(distance: Float, row: Row)] {
    guard plan.limit > 0, collection.record.live > 0 else { return [] }
    let prepared = kernels.prepare(query.span)
    var heap = NearestHeap(capacity: plan.limit)
    var scanned: Row = 0
    if let index = usableIndex(plan) {
      try walk(index, query, prepared, plan, context, into: &heap)
      scanned = min(index.linked, collection.rows)
    }
    if plan.consistency != .linked || scanned == 0 {
      try scan(scanned..<collection.rows, prepared, plan.radius, context, into: &heap)
    }
    return heap.sorted()
  }

  private func usableIndex(_ plan: SearchPlan) -> IndexVersion? {
    guard !plan.exact, collection.index != nil, collection.rows > SearchPlan.scanRows else {
      return nil
    }
    if let index = collection.intactIndex(in: reading) { return index }
    damaged(collection.record.id)
    return nil
  }

  /// Walks the graph, wider while deleted rows leave too few, and offers the best candidates.
  private func walk(
    _ index: IndexVersion,
    _ query: [Float],
    _ prepared: PreparedQuery,
    _ plan: SearchPlan,
    _ context: QueryContext,
    into heap: inout NearestHeap
  ) throws(VectorStoreError) {
    let buffer = context.codeBuffer(stride: coding.queryStride)
    coding.encodeQuery(query.span, into: buffer)
    let linked = Int(min(index.linked, collection.rows))
    var ef = max(plan.efSearch, plan.limit)
    let wanted = min(plan.rerankCount(nibbles: index.codes.hasNibbles), linked)
    var candidates: [Row] = []
    while true {
      let found = unsafe Searcher.search(
        index.graph,
        codes: index.codes.searchView,
        query: index.codes.hasNibbles ? buffer.nibbleQuery : buffer.query,
        ef: ef,
        context: context.search
      )
      candidates.removeAll(keepingCapacity: true)
      for position in 0..<found {
        let row = unsafe context.search.rows[position]
        if row >= collection.rows || collection.live.isDeleted(row) { continue }
        candidates.append(row)
        if candidates.count == wanted { break }
      }
      // With deleted rows among the candidates, widen until enough live ones are left.
      let enough = collection.live.isEmpty ? true : candidates.count >= min(wanted, plan.limit)
      if enough || ef >= linked { break }
      ef = min(linked, ef * 2)
    }
    try offer(candidates, prepared, plan.radius, context, into: &heap)
  }

  /// Compares rows in full precision.
  private func offer(
    _ rows: [Row],
    _ prepared: PreparedQuery,
    _ radius: Float,
    _ context: QueryContext,
    into heap: inout NearestHeap
  ) throws(VectorStoreError) {
    unsafe context.addresses.removeAll(keepingCapacity: true)
    // All rows are asked for before the first is read: each is somewhere else in memory.
    let lines = UInt32((collection.vectors.shape.stride + 63) / 64)
    for row in rows {
      let address = unsafe try collection.checkedAddress(of: row, in: reading)
      unsafe vk_prefetch_lines(address, min(lines, Self.prefetchedLines))
      unsafe context.addresses.append(address)
    }
    if context.distances.count < rows.count {
      context.distances = [Float](repeating: 0, count: rows.count * 2)
    }
    unsafe context.addresses.withUnsafeBufferPointer { addresses in
      unsafe context.distances.withUnsafeMutableBufferPointer { distances in
        guard let addresses = addresses.baseAddress, let target = distances.baseAddress
        else { return }
        unsafe kernels.distances(prepared, rowAddresses: addresses, count: rows.count, into: target)
      }
    }
    for (position, row) in rows.enumerated() {
      let distance = context.distances[position]
      if distance <= radius { heap.offer(row, distance: distance) }
    }
  }

  /// Compares every live row of a range in full precision, block by block.
  private func scan(
    _ rows: Range<Row>,
    _ prepared: PreparedQuery,
    _ radius: Float,
    _ context: QueryContext,
    into heap: inout NearestHeap
  ) throws(VectorStoreError) {
    let shape = collection.vectors.shape
    if context.distances.count < shape.rows {
      context.distances = [Float](repeating: 0, count: shape.rows)
    }
    let noneDeleted = collection.live.isEmpty
    var row = rows.lowerBound
    while row < rows.upperBound {
      let block = shape.block(of: row)
      let end = min(rows.upperBound, shape.firstRow(of: block) + UInt32(shape.rows))
      let count = Int(end - row)
      try collection.check(block: block, in: reading)
      unsafe context.distances.withUnsafeMutableBufferPointer { distances in
        guard let target = distances.baseAddress else { return }
        unsafe kernels.distances(
          prepared,
          base: collection.vectors.address(of: row),
          stride: shape.stride,
          count: count,
          into: target
        )
      }
      var bound = min(heap.bound, radius)
      for offset in 0..<count {
        let distance = context.distances[offset]
        // Equal to the bound may still win by its row when the heap is not full.
        guard distance <= bound else { continue }
        let candidate = row + UInt32(offset)
        guard noneDeleted || !collection.live.isDeleted(candidate) else { continue }
        heap.offer(candidate, distance: distance)
        bound = min(heap.bound, radius)
      }
      row = end
    }
  }
}
