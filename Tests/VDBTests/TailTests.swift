import Foundation
import TestSupport
import Testing
import VectorKernels

@testable import VDB

/// What is stored in a run of `The tail`.
struct TailCase: CustomTestStringConvertible {
  let metric: VDB.Metric
  let element: VDB.ElementType
  let dimension: Int
  /// How far rows are spread around their centres, where there are any.
  let spread: Float?
  let seed: UInt64
  var testDescription: String {
    "\(metric) \(element) \(dimension) spread \(spread.map { "\($0)" } ?? "none") seed \(seed)"
  }

  static let all = [
    TailCase(metric: .cosine, element: .float32, dimension: 24, spread: nil, seed: 1),
    TailCase(metric: .cosine, element: .float16, dimension: 300, spread: 0.5, seed: 2),
    TailCase(metric: .cosine, element: .float32, dimension: 256, spread: 0.02, seed: 3),
    TailCase(metric: .cosine, element: .int8, dimension: 48, spread: 0.3, seed: 4),
    TailCase(metric: .l2, element: .float32, dimension: 20, spread: 0.3, seed: 5),
    TailCase(metric: .l2, element: .float32, dimension: 70, spread: 0.01, seed: 6),
    TailCase(metric: .l2, element: .float16, dimension: 33, spread: nil, seed: 7),
    TailCase(metric: .dot, element: .float32, dimension: 40, spread: 0.3, seed: 8),
    TailCase(metric: .dot, element: .float32, dimension: 64, spread: nil, seed: 9),
    TailCase(metric: .l2, element: .float32, dimension: 256, spread: 0.3, seed: 10),
    TailCase(metric: .l2, element: .float16, dimension: 300, spread: 0.02, seed: 11),
    TailCase(metric: .dot, element: .float32, dimension: 300, spread: 0.3, seed: 12),
  ]

  var options: CollectionOptions {
    CollectionOptions(
      dimension: dimension,
      metric: metric,
      element: element,
      index: IndexParameters(m: 16, efConstruction: 100),
      indexing: .manual
    )
  }

  /// A vector; centres move on with the rows that come, so that a tail is unlike its graph, and under
  /// other metrics than cosine vectors become longer.
  func vector(_ number: Int, _ random: inout SeededGenerator) -> [Float] {
    guard let spread else {
      return (0..<dimension).map { _ in Float.random(in: -1...1, using: &random) }
    }
    let age = number / 500
    let centre = Numbered.vector(
      age * 10 + Int.random(in: 0..<15, using: &random),
      dimension: dimension
    )
    let length = metric == .cosine ? 1 : 1 + 0.3 * Float(age)
    return centre.map { length * ($0 + spread * Float.random(in: -1...1, using: &random)) }
  }
}

@Suite struct `The tail` {
  static func tail(of store: VectorStore) throws -> TailCodes? {
    try store.snapshot().collection("c").tailCodes
  }

  /// Random insertions, deletions, replacements and turns of the indexer, each followed by searches that
  /// are held against brute force.
  @Test(arguments: TailCase.all)
  func `is searched as well as everything else, whatever happens to it`(
    _ data: TailCase
  ) async throws {
    try await withStore { store in
      var random = SeededGenerator(seed: data.seed)
      var model = Model(data.options)
      var number = 0
      func records(_ ids: [RecordID]) -> [Record] {
        ids.map { id in
          number += 1
          return Record(id: id, vector: data.vector(number, &random))
        }
      }
      func insert(_ ids: [RecordID]) async throws {
        let new = records(ids)
        try await store.insertBatch(new, into: "c", mode: .upsert)
        model.delete(ids)
        model.insert(new)
      }
      func fresh(_ count: Int) -> [RecordID] { (0..<count).map { .integer(Int64(number + $0)) } }
      try await store.createCollection("c", data.options)
      try await insert(fresh(1_500))
      try await store.index("c")
      var (shares, searches) = (0.0, 0.0)
      var (found, wanted) = (0, 0)
      var most = 0
      for step in 0..<40 {
        let before = model.nextRow
        switch Int.random(in: 0..<12, using: &random) {
        case 0..<7: try await insert(fresh(Int.random(in: 1...250, using: &random)))
        case 7, 8: try await insert(model.someIDs(Int.random(in: 1...60, using: &random), &random))
        case 9, 10:
          let ids = model.someIDs(Int.random(in: 1...100, using: &random), &random)
          try await store.delete(ids: ids, from: "c")
          model.delete(ids)
        default: try await store.index("c")
        }
        let collection = try store.snapshot().collection("c")
        most = max(most, Int(collection.rows - collection.linked))
        #expect((collection.tailCodes != nil) == (collection.linked < collection.rows))
        #expect(collection.tailCodes?.end ?? collection.linked == collection.rows)
        if data.metric != .dot {
          for entry in model.ordered where entry.row >= before {
            let own = model.reference.distance(entry.record.vector, entry.record.vector)
            let nearest = try store.search(entry.record.vector, in: "c", limit: 1)
            let distance = try Double(#require(nearest.first).distance)
            #expect(distance <= own.value + own.tolerance, "row \(entry.row), step \(step)")
          }
        }
        for limit in [1, 10, 40] {
          let query = data.vector(number, &random)
          let hits = try store.search(query, in: "c", limit: limit, efSearch: 300)
          shares += model.check(hits, of: query, limit: limit, isExact: false)
          searches += 1
          let exact = try store.search(query, in: "c", limit: limit, exact: true)
          model.check(exact, of: query, limit: limit, isExact: true)
          let inTail = exact.filter { model.entries[$0.id]?.row ?? 0 >= Int(collection.linked) }
          wanted += inTail.count
          found += Set(inTail.map(\.id)).intersection(hits.map(\.id)).count
        }
      }
      #expect(most > 500 && wanted > 200, "\(data): \(most) rows, \(wanted) results in the tail")
      #expect(shares / searches >= 0.95, "\(data): recall \(shares / searches)")
      let recall = Double(found) / Double(wanted)
      #expect(recall >= 0.99, "\(data): recall \(recall) in the tail")
    }
  }

  private static let options = CollectionOptions(
    dimension: 40,
    metric: .l2,
    index: IndexParameters(m: 8, efConstruction: 40),
    indexing: .manual
  )

  /// A store with 1 200 rows in the graph and `count` more.
  private static func withTail(
    _ count: Int,
    _ body: (VectorStore) async throws -> Void
  ) async throws {
    try await withStore { store in
      try await store.createCollection("c", options)
      try await store.insertBatch(Numbered.records(0..<1_200, dimension: 40), into: "c")
      try await store.index("c")
      try await add(1_200..<1_200 + count, to: store)
      try await body(store)
    }
  }

  private static func add(_ rows: Range<Int>, to store: VectorStore) async throws {
    try await store.insertBatch(Numbered.records(rows, dimension: 40), into: "c")
  }

  /// Every 97th row by its own vector.
  private static func expectAll(_ rows: Range<Int>, in store: VectorStore) throws {
    for row in stride(from: rows.lowerBound, to: rows.upperBound, by: 97) {
      let hits = try store.search(Numbered.vector(row, dimension: 40), in: "c", limit: 1)
      #expect(hits.first?.id == .integer(Int64(row)) && hits.first?.distance == 0)
    }
  }

  @Test func `is compared in full precision only where its codes are near`() async throws {
    try await Self.withTail(3_000) { store in
      let context = QueryContext()
      let session = try SearchSession(store, "c", .latest)
      let plan = try SearchPlan(10, nil, false, .latest)
      for number in 10_000..<10_050 {
        context.beginCount()
        let query = Numbered.vector(number, dimension: 40)
        let rows = try session.nearest(to: query, plan: plan, context: context)
        #expect(rows.count == 10)
        #expect(context.scored > 3_000 && context.compared < 500, "\(context.compared)")
      }
    }
  }

  @Test func `has codes again when it was too long for them`() async throws {
    try await Self.withTail(TailCodes.rowLimit - 1) { store in
      #expect(try Self.tail(of: store) != nil)
      var end = 1_200 + TailCodes.rowLimit - 1
      try Self.expectAll(0..<end, in: store)
      try await Self.add(end..<end + 1, to: store)
      end += 1
      #expect(try Self.tail(of: store) == nil)
      try Self.expectAll(0..<end, in: store)
      try await store.index("c")
      #expect(try Self.tail(of: store) == nil)
      try await Self.add(end..<end + 5, to: store)
      let codes = try #require(try Self.tail(of: store))
      #expect(codes.first == Row(end) && codes.end == Row(end + 5))
      try Self.expectAll(end..<end + 5, in: store)
      try Self.expectAll(0..<end, in: store)
    }
  }

  @Test func `finds as many rows within a radius as a scan`() async throws {
    try await Self.withTail(2_000) { store in
      for number in 0..<20 {
        let query = Numbered.vector(20_000 + number, dimension: 40)
        let far = try store.search(query, in: "c", limit: 60, exact: true)
        for place in [0, 5, 20] {
          let radius = far[place].distance
          let exact = try store.search(query, in: "c", within: radius, limit: 200, exact: true)
          let hits = try store.search(query, in: "c", within: radius, limit: 200)
          #expect(exact.count == place + 1)
          let inTail = exact.filter { hit in (1_200..<3_200).contains { hit.id == .integer($0) } }
          #expect(Set(inTail.map(\.id)).isSubset(of: hits.map(\.id)), "query \(number)")
          #expect(hits.allSatisfy { $0.distance <= radius })
        }
      }
    }
  }

  @Test func `gives all of its rows when more are wanted than there are`() async throws {
    try await Self.withTail(700) { store in
      try await store.delete(ids: (1_300..<1_400).map { .integer($0) }, from: "c")
      let query = Numbered.vector(5, dimension: 40)
      let hits = try store.search(query, in: "c", limit: 5_000)
      #expect(hits.count == 1_800)
      #expect(try hits == store.search(query, in: "c", limit: 5_000, exact: true))
    }
  }

  @Test func `keeps the codes that an older snapshot sees`() async throws {
    try await Self.withTail(300) { store in
      let older = try store.snapshot().collection("c")
      let codes = try #require(older.tailCodes)
      let coding = older.kernels.coding
      let buffer = CodeQueryBuffer(stride: coding.queryStride)
      coding.encodeQuery(Numbered.vector(7, dimension: 40).span, into: buffer)
      func keys(_ codes: TailCodes, _ rows: Range<Row>) -> [UInt32] {
        var all: [UInt32] = []
        var row = rows.lowerBound
        while row < rows.upperBound {
          let end = min(codes.end(ofPieceWith: row), rows.upperBound)
          var keys = [UInt32](repeating: 0, count: TailCodes.pieceRows)
          unsafe codes.score(row..<end, buffer.query, into: &keys)
          all += keys.prefix(Int(end - row))
          row = end
        }
        return all
      }
      let before = keys(codes, 1_200..<1_500)
      for first in stride(from: 1_500, to: 2_500, by: 125) {
        try await Self.add(first..<first + 125, to: store)
        let newer = try #require(try Self.tail(of: store))
        #expect(newer.end == Row(first + 125))
        #expect(keys(newer, 1_200..<1_500) == before)
      }
      try await store.index("c")
      #expect(codes.end == 1_500 && keys(codes, 1_200..<1_500) == before)
    }
  }

  @Test func `says so when one of its blocks is damaged`() async throws {
    try await TemporaryFolder.with { folder in
      let path = folder + "/s"
      var store = try VectorStore.open(at: path)
      try await store.createCollection("c", Self.options)
      try await Self.add(0..<1_200, to: store)
      try await store.index("c")
      try await Self.add(1_200..<4_000, to: store)
      try await store.close()
      let files = StoreFiles(folder: path)
      var bytes = Data(try files.read("data.mdb"))
      // A row of a block that is full, and so in the file alone, and has no row of the graph.
      let row = unsafe Numbered.vector(2_500, dimension: 40).withUnsafeBytes { Data($0) }
      while let range = bytes.range(of: row) {
        for place in range { bytes[place] ^= 0x40 }
      }
      try files.write(Array(bytes), to: "data.mdb")
      store = try VectorStore.open(at: path)
      try await Self.add(4_000..<4_001, to: store)
      #expect(try store.collection("c").indexed == 1_200)
      #expect(try Self.tail(of: store) == nil)
      let query = Numbered.vector(3_999, dimension: 40)
      do throws(VectorStoreError) {
        _ = try store.search(query, in: "c")
        Issue.record("the damage was passed over")
      } catch {
        #expect(error.description.contains("vectors of 'c'"), "\(error)")
      }
      try await store.close()
    }
  }

  @Test func `says so when its last block of vectors is not to be found`() async throws {
    try await TemporaryFolder.with { folder in
      let path = folder + "/s"
      let store = try VectorStore.open(at: path)
      try await store.createCollection("c", CollectionOptions(dimension: 8, metric: .l2))
      try await store.insertBatch(Numbered.records(0..<200, dimension: 8), into: "c")
      try await store.index("c")
      try await store.close()
      let files = StoreFiles(folder: path)
      var bytes = Data(try files.read("data.mdb"))
      // The entry of the first collection's block 0: a value on pages of its own under a key of 8 bytes,
      // which becomes a longer one.
      let entry = Data([1, 0, 8, 0, 0, 0, 0, 1, 0, 0, 0, 0])
      var found = 0
      while let range = bytes.range(of: entry) {
        bytes[range.lowerBound + 2] = 72
        found += 1
      }
      #expect(found > 0)
      try files.write(Array(bytes), to: "data.mdb")
      do throws(VectorStoreError) {
        let again = try VectorStore.open(at: path)
        let records = try again.get([7], from: "c")
        Issue.record("the block was not missed: \(records)")
      } catch {
        #expect(error.description.contains("vectors of 'c'"), "\(error)")
      }
    }
  }
}
