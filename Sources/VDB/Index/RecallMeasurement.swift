import Foundation
import LMDB
import Synchronization
import VectorKernels

/// Tells long work from another thread that it is to end.
final class StopFlag: Sendable {
  private let flag = Atomic<Bool>(false)
  var isRaised: Bool { flag.load(ordering: .relaxed) }
  func raise() { flag.store(true, ordering: .relaxed) }
}

/// Measures the recall of an index: exact answers of a sample of queries by comparing with every row, then
/// searches of growing width.
///
/// The figures depend on the graph and the sample alone, not on the number of threads. The flag is looked
/// at before each block of vectors and each search, so that nobody waits for the end.
struct RecallMeasurement: Sendable {
  let collection: CollectionSnapshot
  let reading: SharedReadTransaction
  let index: IndexVersion
  let sample: RecallSample
  let workers: Int
  let stop: StopFlag
  /// The searching threads' memory.
  private let contexts = QueryContextPool()

  init(
    collection: CollectionSnapshot,
    reading: SharedReadTransaction,
    index: IndexVersion,
    sample: RecallSample,
    workers: Int,
    stop: StopFlag
  ) {
    self.collection = collection
    self.reading = reading
    self.index = index
    self.sample = sample
    self.workers = workers
    self.stop = stop
  }

  /// Queries that share a block of vectors while it is in the cache.
  private static let groupSize = 16
  /// Multiplications that the searches of one limit may take: about half a second of one core.
  private static let workLimit = 8_000_000_000
  private static let widestWidth = 16_384

  private var linked: Row { min(index.linked, collection.rows) }

  /// The figures; `nil` when the flag was raised.
  func run() throws(VectorStoreError) -> RecallCalibration? {
    guard let truth = try exactAnswers() else { return nil }
    var curves: [RecallCalibration.Curve] = []
    for limit in RecallCalibration.limits {
      guard let curve = try sweep(limit: limit, truth) else { return nil }
      curves.append(curve)
    }
    return RecallCalibration(
      source: sample.source,
      samples: sample.queries.count,
      rows: linked,
      deleted: Row(collection.live.deletedCount),
      seconds: UInt64(max(0, Date().timeIntervalSince1970)),
      curves: curves
    )
  }

  // MARK: Exact answers

  /// For each query the distances of its nearest rows, ascending.
  private func exactAnswers() throws(VectorStoreError) -> [[Float]]? {
    let groups = (sample.queries.count + Self.groupSize - 1) / Self.groupSize
    return try inParallel(count: groups) { (group, _) throws(VectorStoreError) in
      let first = group * Self.groupSize
      let range = first..<min(sample.queries.count, first + Self.groupSize)
      return try exactAnswers(of: sample.queries[range])
    }?.flatMap(\.self)
  }

  private func exactAnswers(
    of queries: ArraySlice<RecallSample.Query>
  ) throws(VectorStoreError) -> [[Float]] {
    let kernels = collection.kernels.fullPrecision
    var answers = queries.map { query in
      (
        row: query.row, prepared: kernels.prepare(query.vector.span),
        nearest: NearestHeap(capacity: RecallCalibration.limits.last ?? 1)
      )
    }
    let shape = collection.vectors.shape
    var distances = [Float](repeating: 0, count: shape.rows)
    var row: Row = 0
    while row < linked, !stop.isRaised {
      let block = shape.block(of: row)
      let end = min(linked, shape.firstRow(of: block) + UInt32(shape.rows))
      try collection.check(block: block, in: reading)
      let after = unsafe collection.vectors.address(of: min(end, linked - 1))
      for position in answers.indices {
        unsafe compare(
          row..<end,
          answers[position].prepared,
          hidden: answers[position].row,
          after: position == 0 ? after : nil,
          &distances,
          into: &answers[position].nearest
        )
      }
      row = end
    }
    return answers.map { $0.nearest.sorted().map(\.distance) }
  }

  private func compare(
    _ rows: Range<Row>,
    _ query: PreparedQuery,
    hidden: Row?,
    after: UnsafeRawPointer?,
    _ distances: inout [Float],
    into nearest: inout NearestHeap
  ) {
    unsafe distances.withUnsafeMutableBufferPointer { distances in
      guard let target = distances.baseAddress else { return }
      unsafe collection.kernels.fullPrecision.distances(
        query,
        base: collection.vectors.address(of: rows.lowerBound),
        stride: collection.vectors.shape.stride,
        count: rows.count,
        after: after,
        into: target
      )
      for offset in 0..<rows.count {
        let distance = unsafe target[offset]
        guard distance <= nearest.bound else { continue }
        let row = rows.lowerBound + UInt32(offset)
        if row == hidden || collection.live.isDeleted(row) { continue }
        nearest.offer(row, distance: distance)
      }
    }
  }

  // MARK: Searches

  /// Searches all queries wider and wider, until everything is found or enough was done.
  private func sweep(
    limit: Int,
    _ truth: [[Float]]
  ) throws(VectorStoreError) -> RecallCalibration.Curve? {
    var points: [(ef: Int, recalls: [Double])] = []
    var work = 0
    var step = 0
    while true {
      // Half a power of two a step.
      let ef = Int((Double(max(limit, 8)) * pow(2, Double(step) / 2)).rounded())
      guard let answers = try search(limit: limit, ef: ef, truth) else { return nil }
      points.append((ef, answers.map(\.recall)))
      work += answers.reduce(0) { $0 + $1.scored } * collection.record.options.dimension
      step += 1
      let isPerfect = answers.allSatisfy { $0.recall == 1 }
      if isPerfect || ef >= Self.widestWidth || ef >= Int(linked) || work > Self.workLimit {
        return RecallCalibration.Curve(limit: limit, sweep: points)
      }
    }
  }

  private func search(
    limit: Int,
    ef: Int,
    _ truth: [[Float]]
  ) throws(VectorStoreError) -> [(recall: Double, scored: Int)]? {
    let search = CollectionSearch(
      collection: collection,
      reading: reading,
      kernels: collection.kernels.fullPrecision,
      coding: collection.kernels.coding,
      checker: nil,
      damaged: { _, _ in }
    )
    return try inParallel(count: sample.queries.count) {
      (number, context) throws(VectorStoreError) in
      let query = sample.queries[number]
      // Rows that wait for the graph are found in any case; they are not in the exact answers either.
      var plan = SearchPlan(limit: limit, efSearch: ef, exact: false, consistency: .linked)
      plan.hidden = query.row
      context.beginCount()
      let found = try search.nearest(to: [query.vector], plan: plan, context: context)[0]
      let nearest = truth[number].prefix(limit)
      // By distance: of rows that are equally far one is as good as the other.
      guard let farthest = nearest.last else { return (1, context.scored) }
      let hits = found.prefix(limit).count { $0.distance <= farthest }
      return (Double(hits) / Double(nearest.count), context.scored)
    }
  }

  /// The results of `body` for each index, in their order; `nil` when the flag was raised.
  private func inParallel<Result: Sendable>(
    count: Int,
    _ body: @escaping @Sendable (Int, QueryContext) throws(VectorStoreError) -> Result
  ) throws(VectorStoreError) -> [Result]? {
    let results = Guarded<[Result?]>([Result?](repeating: nil, count: count))
    let failure = Guarded<VectorStoreError?>(nil)
    let contexts = contexts
    let stop = stop
    forEachInParallel(count: count, workers: workers) { index in
      if stop.isRaised { return }
      contexts.with { context in
        do throws(VectorStoreError) {
          let result = try body(index, context)
          results.withLock { $0[index] = result }
        } catch {
          failure.withLock { $0 = error }
          stop.raise()
        }
      }
    }
    if let error = failure.withLock({ $0 }) { throw error }
    return stop.isRaised ? nil : results.withLock { $0.compactMap(\.self) }
  }
}
