import Foundation
import TestSupport
import Testing
import VDB

/// Vectors of a known shape, and queries of the same shape that are not among them.
struct RecallData: CustomTestStringConvertible {
  enum Shape: String { case random, clustered }
  let shape: Shape
  let metric: Metric
  let dimension: Int
  let seed: UInt64
  var testDescription: String { "\(shape) \(metric) seed \(seed)" }

  static let all = [
    RecallData(shape: .random, metric: .l2, dimension: 12, seed: 1),
    RecallData(shape: .random, metric: .cosine, dimension: 24, seed: 2),
    RecallData(shape: .clustered, metric: .cosine, dimension: 24, seed: 3),
    RecallData(shape: .clustered, metric: .dot, dimension: 16, seed: 4),
  ]

  func vectors(_ count: Int, stream: UInt64 = 0) -> VectorRows {
    var random = SeededGenerator(seed: seed &+ stream &* 0x1_0000)
    var places = SeededGenerator(seed: seed)
    func component(_ generator: inout SeededGenerator) -> Float {
      Float.random(in: -1...1, using: &generator)
    }
    let centres = (0..<40).map { _ in (0..<dimension).map { _ in component(&places) } }
    var values: [Float] = []
    for _ in 0..<count {
      let centre = centres[Int.random(in: 0..<centres.count, using: &random)]
      for axis in 0..<dimension {
        let own = component(&random)
        values.append(shape == .clustered ? centre[axis] + 0.3 * own : own)
      }
    }
    return VectorRows(.float32(values), dimension: dimension)
  }

  /// A sparse graph, so that narrow searches miss something.
  func options(_ indexing: IndexingMode = .manual) -> CollectionOptions {
    CollectionOptions(
      dimension: dimension,
      metric: metric,
      index: IndexParameters(m: 4, efConstruction: 16, seed: seed),
      indexing: indexing
    )
  }

  func insert(_ rows: Range<Int>, into store: VectorStore) async throws {
    let ids = rows.map { RecordID.integer(Int64($0)) }
    let vectors = vectors(rows.count, stream: UInt64(rows.lowerBound) + 1)
    try await store.insertBatch(RecordBatch(ids: ids, vectors: vectors), into: "c")
  }

  /// A store with an indexed collection "c".
  func withIndexed(_ rows: Int, _ body: (VectorStore) async throws -> Void) async throws {
    try await withStore { store in
      try await store.createCollection("c", options())
      try await insert(0..<rows, into: store)
      try await store.index("c")
      try await body(store)
    }
  }
}

@Suite struct `A recall asked for` {
  @Test(arguments: RecallData.all)
  func `is found by other queries of the same shape`(_ data: RecallData) async throws {
    try await data.withIndexed(4000) { store in
      try await store.calibrateRecall("c")
      let queries = data.vectors(400, stream: 99)
      var walks = 0
      for limit in [1, 5, 10, 40, 120] {
        let truth = try await store.nearestRows(queries, in: "c", limit: limit, exact: true)
        for target in [0.5, 0.8, 0.9, 0.95, 0.99, 1] {
          let choice = try store.recallChoice(for: target, in: "c", limit: limit)
          walks += choice.efSearch == nil ? 0 : 1
          let found = try await store.nearestRows(
            queries,
            in: "c",
            limit: limit,
            targetRecall: target
          )
          let recall = Self.recall(of: found, truth)
          #expect(choice.isPromised || target < 1)
          // As if all neighbours of a query were found or missed together; four standard errors.
          let error = (target * (1 - target) / Double(queries.count)).squareRoot()
          #expect(recall >= target - 4 * error, "\(data) limit \(limit), \(choice)")
        }
      }
      #expect(walks > 0, "\(data)")
    }
  }

  static func recall(of found: [[RowMatch]], _ truth: [[RowMatch]]) -> Double {
    var (hits, wanted) = (0, 0)
    for (found, truth) in zip(found, truth) {
      hits += Set(found.map(\.row)).intersection(truth.map(\.row)).count
      wanted += truth.count
    }
    return Double(hits) / Double(wanted)
  }

  @Test func `is the same search, whichever way it is asked`() async throws {
    let data = RecallData.all[0]
    try await data.withIndexed(3000) { store in
      try await store.calibrateRecall("c")
      let choice = try store.recallChoice(for: 0.9, in: "c", limit: 7)
      let query = Array(Numbered.vector(5, dimension: data.dimension))
      let aimed = try store.search(query, in: "c", limit: 7, targetRecall: 0.9)
      let wide = try store.search(query, in: "c", limit: 7, efSearch: choice.efSearch ?? 1)
      #expect(choice.efSearch == nil || aimed == wide)
      let rows = VectorRows(.float32(query), dimension: data.dimension)
      let batch = try await store.searchBatch(rows, in: "c", limit: 7, targetRecall: 0.9)
      #expect(batch == [aimed])
      let all = try store.search(query, in: "c", limit: 7, targetRecall: 1)
      #expect(try all == store.search(query, in: "c", limit: 7, exact: true))
      let near = try store.search(near: 3, in: "c", limit: 7, targetRecall: 1)
      #expect(try near == store.search(near: 3, in: "c", limit: 7, exact: true))
    }
  }

  @Test func `is refused when it is none, or when a width is given too`() async throws {
    try await withStore { store in
      try await store.createCollection("c", CollectionOptions(dimension: 2))
      for target in [0, -0.5, 1.01, .nan, .infinity] {
        let reason = "must be more than 0 and at most 1, not \(target)"
        await expectError(.invalidArgument(name: "targetRecall", reason: reason)) {
          _ = try store.search([1, 0], in: "c", targetRecall: target)
        }
      }
      let reason = "goes with neither efSearch nor exact"
      await expectError(.invalidArgument(name: "targetRecall", reason: reason)) {
        _ = try store.search([1, 0], in: "c", efSearch: 10, targetRecall: 0.9)
      }
      await expectError(.invalidArgument(name: "targetRecall", reason: reason)) {
        _ = try store.search([1, 0], in: "c", targetRecall: 0.9, exact: true)
      }
      await expectError(.unknownCollection("d")) {
        _ = try store.recallChoice(for: 0.9, in: "d")
      }
      #expect(try store.search([1, 0], in: "c", targetRecall: 0.9) == [])
    }
  }

  @Test func `is promised without measurement only where every record is compared`() async throws {
    let data = RecallData.all[2]
    try await withStore { store in
      try await store.createCollection("c", data.options())
      try await data.insert(0..<20_000, into: store)
      #expect(try store.recallChoice(for: 0.99, in: "c").isPromised)
      #expect(try store.recallEstimate(in: "c")?.source == .exact)
      try await store.calibrateRecall("c")
      try await store.close()
      #expect(throws: VectorStoreError.closed) { try store.recallEstimate(in: "c") }
    }
    try await TemporaryFolder.with { folder in
      var store = try VectorStore.open(at: folder + "/s")
      try await store.createCollection("c", data.options())
      try await data.insert(0..<20_000, into: store)
      try await store.index("c")
      try await store.close()
      // A reader measures nothing, so the outcome does not depend on who is quicker; a background
      // measurement may have been quicker than `close`.
      store = try VectorStore.open(at: folder + "/s", options: StoreOptions(mode: .readOnly))
      let isMeasured = try store.recallEstimate(in: "c") != nil
      let choice = try store.recallChoice(for: 0.95, in: "c")
      if !isMeasured {
        #expect(!choice.isPromised && choice.estimate == nil)
        #expect(try #require(choice.efSearch) > 64)
      }
      await expectError(.readOnly(operation: "calibrate recall")) {
        try await store.calibrateRecall("c")
      }
      try await store.close()
    }
  }
}

@Suite struct `A collection's calibration` {
  /// Waits until the calibration is of so many rows; the indexer makes it when it has nothing else to do.
  private func estimate(_ store: VectorStore, rows: Int) async throws -> RecallEstimate {
    while true {
      if let estimate = try store.recallEstimate(in: "c"), estimate.rows == rows,
        estimate.source != .exact
      {
        return estimate
      }
      try await Task.sleep(for: .milliseconds(5))
    }
  }

  @Test func `comes by itself, grows with the collection and survives reopening`() async throws {
    let data = RecallData.all[3]
    try await TemporaryFolder.with { folder in
      var store = try VectorStore.open(at: folder + "/s")
      try await store.createCollection("c", data.options(.background))
      try await data.insert(0..<900, into: store)
      try await store.indexed(in: "c")
      #expect(try store.recallEstimate(in: "c")?.source == .exact)
      try await data.insert(900..<2000, into: store)
      let first = try await estimate(store, rows: 2000)
      #expect(first.samples == 400 && first.source == .storedRows && first.isCurrent)
      #expect(first.lowerBound <= first.recall && first.recall <= 1 && first.lowerBound > 0)
      try await data.insert(2000..<3200, into: store)
      let second = try await estimate(store, rows: 3200)
      #expect(second.isCurrent)
      try await store.close()
      store = try VectorStore.open(at: folder + "/s", options: StoreOptions(mode: .readOnly))
      #expect(try store.recallEstimate(in: "c") == second)
      #expect(try store.statistics().collections[0].recall.map(\.limit) == [1, 10, 100])
      #expect(try store.verify(.deep).problems == [])
      try await store.close()
    }
  }

  @Test func `is the same for any number of threads`() async throws {
    let data = RecallData.all[1]
    try await data.withIndexed(2500) { store in
      var seen: [[Double]] = []
      for threads in [1, 2, 5] {
        try await store.calibrateRecall("c", threads: threads)
        var figures: [Double] = []
        for limit in [1, 10, 100, 300] {
          for width in [10, 64, 200, 900] {
            let estimate = try store.recallEstimate(in: "c", limit: limit, efSearch: width)
            figures += [estimate?.recall ?? -1, estimate?.lowerBound ?? -1]
          }
        }
        seen.append(figures)
      }
      #expect(seen[0] == seen[1] && seen[0] == seen[2])
    }
  }

  @Test func `promises no less for wider searches`() async throws {
    let data = RecallData.all[0]
    try await data.withIndexed(2500) { store in
      try await store.calibrateRecall("c")
      for limit in [1, 3, 10, 50, 100, 250] {
        var last = 0.0
        for width in stride(from: 1, to: 2000, by: 37) {
          let estimate = try store.recallEstimate(in: "c", limit: limit, efSearch: width)
          let bound = try #require(estimate).lowerBound
          #expect(bound >= last, "limit \(limit), width \(width)")
          last = bound
        }
      }
    }
  }

  @Test func `takes queries of the application, and keeps to them`() async throws {
    let data = RecallData.all[2]
    try await data.withIndexed(2000) { store in
      try await store.calibrateRecall("c", queries: data.vectors(150, stream: 7))
      let estimate = try #require(try store.recallEstimate(in: "c"))
      #expect(estimate.source == .queries && estimate.samples == 150 && estimate.isCurrent)
      let other = VectorRows(.float32([1, 2]), dimension: 2)
      await expectError(.dimensionMismatch(expected: 24, actual: 2, row: nil)) {
        try await store.calibrateRecall("c", queries: other)
      }
      let none = VectorRows(.float32([]), dimension: 24)
      await expectError(.invalidArgument(name: "queries", reason: "must be at least one")) {
        try await store.calibrateRecall("c", queries: none)
      }
      let before = try #require(try store.recallChoice(for: 0.5, in: "c").efSearch)
      try await data.insert(2000..<3500, into: store)
      try await store.index("c")
      let outgrown = try #require(try store.recallEstimate(in: "c"))
      #expect(outgrown.source == .queries && outgrown.rows == 2000 && !outgrown.isCurrent)
      let choice = try store.recallChoice(for: 0.5, in: "c")
      #expect(!choice.isPromised || choice.efSearch == nil)
      #expect(choice.efSearch ?? .max > before)
    }
  }

  @Test func `ends with the task that asked for it`() async throws {
    let data = RecallData.all[0]
    try await data.withIndexed(2000) { store in
      let task = Task {
        withUnsafeCurrentTask { $0?.cancel() }
        try await store.calibrateRecall("c")
      }
      await #expect(throws: VectorStoreError.cancelled) { try await task.value }
    }
  }

  @Test func `is made again by compaction`() async throws {
    let data = RecallData.all[1]
    try await TemporaryFolder.with { folder in
      let path = folder + "/s"
      var store = try VectorStore.open(at: path)
      try await store.createCollection("c", data.options())
      try await data.insert(0..<3000, into: store)
      try await store.index("c")
      try await store.calibrateRecall("c")
      try await store.delete(ids: (0..<500).map { .integer(Int64($0)) }, from: "c")
      try await store.close()
      _ = try await VectorStore.compact(at: path)
      store = try VectorStore.open(at: path, options: StoreOptions(mode: .readOnly))
      #expect(try store.recallEstimate(in: "c")?.rows == 2500)
      try await store.close()
      // Nothing is deleted: the file is copied.
      let before = try await Self.reading(path) { try $0.recallEstimate(in: "c") }
      _ = try await VectorStore.compact(at: path)
      #expect(try await Self.reading(path) { try $0.recallEstimate(in: "c") } == before)
    }
  }

  private static func reading<Result>(
    _ path: String,
    _ body: (VectorStore) throws -> Result
  ) async throws -> Result {
    let store = try VectorStore.open(at: path, options: StoreOptions(mode: .readOnly))
    let result = try body(store)
    try await store.close()
    return result
  }

  @Test func `counts for nothing when it is damaged`() async throws {
    let data = RecallData.all[0]
    try await TemporaryFolder.with { folder in
      let path = folder + "/s"
      var store = try VectorStore.open(at: path)
      try await store.createCollection("c", data.options())
      try await data.insert(0..<2000, into: store)
      try await store.index("c")
      try await store.calibrateRecall("c")
      try await store.close()
      let files = StoreFiles(folder: path)
      var bytes = try files.read("data.mdb")
      let key = Array("recall/".utf8)
      var places: [Int] = []
      for start in bytes.indices.dropLast(64)
      where bytes[start] == key[0] && bytes[start..<(start + key.count)].elementsEqual(key) {
        places.append(start)
      }
      #expect(!places.isEmpty)
      for place in places { bytes[place + 40] ^= 0x10 }
      try files.write(bytes, to: "data.mdb")
      try await Self.expectDamage(at: path)
      store = try VectorStore.open(at: path)
      try await store.calibrateRecall("c")
      #expect(try store.recallEstimate(in: "c")?.rows == 2000)
      #expect(try store.verify(.deep).problems == [])
      try await store.close()
    }
  }

  private static func expectDamage(at path: String) async throws {
    try await reading(path) { store in
      #expect(try store.recallEstimate(in: "c") == nil)
      let query = Numbered.vector(1, dimension: 12)
      #expect(try store.search(query, in: "c", targetRecall: 0.9).count == 10)
      let problems = try store.verify(.quick).problems
      #expect(problems.map(\.invariant) == ["I8"])
      #expect(problems.first?.place == "recall figures of 'c'")
    }
  }
}
