import TestSupport
import Testing
import VDB

@Suite struct `A collection without vectors` {
  static func records(_ range: Range<Int>, _ text: String = "text") -> [Record] {
    range.map { number in
      Record(
        id: .string("id-\(number)"),
        vector: [],
        metadata: ["n": .int(Int64(number))],
        document: "\(text) \(number)"
      )
    }
  }

  static let options = CollectionOptions(dimension: 0)

  @Test(arguments: IndexingMode.allCases)
  func `stores, replaces, deletes and hands out its records`(
    _ indexing: IndexingMode
  ) async throws {
    try await TemporaryFolder.with { folder in
      let path = folder + "/s"
      var store = try VectorStore.open(at: path)
      var options = Self.options
      options.indexing = indexing
      try await store.createCollection("c", options)
      // Others beside it, before and behind.
      try await store.createCollection("v", CollectionOptions(dimension: 4))
      try await store.insertBatch(Numbered.records(0..<2000, dimension: 4), into: "v")
      for start in stride(from: 0, to: 10_000, by: 500) {
        try await store.insertBatch(Self.records(start..<start + 500), into: "c")
      }
      let replaced = Self.records(100..<200, "other")
      let receipt = try await store.insertBatch(replaced, into: "c", mode: .upsert)
      #expect(receipt.replaced == 100 && receipt.inserted == 0)
      let gone = (0..<50).map { RecordID.string("id-\($0)") }
      #expect(try await store.delete(ids: gone, from: "c").deleted == 50)
      await expectError(.idExists(id: "id-300", row: 0)) {
        try await store.insertBatch(Self.records(300..<301), into: "c")
      }
      try await store.index("c")
      try await store.indexed()

      func check(rows: Int) throws {
        let info = try store.collection("c")
        #expect(info.options == options && info.rows == rows && info.live == 9950)
        #expect(info.indexed == 0 && info.backlog == 0)
        #expect(try store.count(in: "c") == 9950)
        #expect(try store.indexStatus(of: "c").backlog == 0)
        let found = try store.get(["id-0", "id-100", "id-9999", "none"], from: "c")
        #expect(found == [nil, replaced[0], Self.records(9999..<10_000)[0], nil])
        let all = try store.scroll("c", limit: 100_000).records
        let kept = Self.records(50..<100) + Self.records(200..<10_000) + replaced
        #expect(all == kept)
        #expect(try store.verify(.deep).problems == [])
        let statistics = try store.statistics()
        #expect(statistics.collections.first { $0.name == "c" }?.backlog == 0)
      }
      try check(rows: 10_100)
      try await store.close()
      store = try VectorStore.open(at: path)
      try check(rows: 10_100)
      try await store.close()
      #expect(try await VectorStore.compact(at: path).rowsReclaimed == 150)
      store = try VectorStore.open(at: path)
      try check(rows: 9950)
      try await store.dropCollection("c")
      #expect(try store.verify(.deep).problems == [])
      try await store.close()
    }
  }

  @Test func `writes neither blocks nor a log`() async throws {
    try await withStore { store in
      try await store.createCollection("c", Self.options)
      try await store.insertBatch(Self.records(0..<3000), into: "c")
      try await store.delete(ids: ["id-7"], from: "c")
      try await store.index("c")
      let tables = try store.statistics().tables
      for name in ["wal", "vectors", "codes", "graph", "glog"] {
        #expect(tables.first { $0.name == name }?.entries == 0, "\(name)")
      }
      #expect(tables.first { $0.name == "records" }?.entries == 3000)
    }
  }

  @Test func `refuses searches and vectors, and says why`() async throws {
    try await withStore { store in
      try await store.createCollection("c", Self.options)
      try await store.insertBatch(Self.records(0..<10), into: "c")
      let error = VectorStoreError.noVectors(collection: "c")
      await expectError(error, saying: ["no vectors", "Reprocess"]) {
        _ = try store.search([1, 2], in: "c")
      }
      await expectError(error) { _ = try store.search([], in: "c") }
      await expectError(error) { _ = try store.search([], in: "c", within: 1) }
      await expectError(error) { _ = try store.search(near: "id-1", in: "c") }
      let query = VectorRows(.float32([1, 2]), dimension: 2)
      await expectError(error) { _ = try await store.searchBatch(query, in: "c") }
      await expectError(error) { _ = try await store.nearestRows(query, in: "c") }
      let row = VectorRows(.float32([1, 2]), dimension: 2)
      try await expectRefusal(of: store, .dimensionMismatch(expected: 0, actual: 2, row: 0)) {
        try await store.insertBatch([Record(id: "x", vector: [1, 2])], into: "c")
      }
      await #expect(throws: VectorStoreError.self) {
        try await store.insertBatch(RecordBatch(ids: ["x"], vectors: row), into: "c")
      }
      try await store.createCollection("v", CollectionOptions(dimension: 2))
      await #expect(throws: VectorStoreError.self) {
        try await store.insertBatch(RecordBatch(ids: ["x"]), into: "v")
      }
      await expectError(
        .collectionMismatch(name: "c", property: "dimension", existing: "0", requested: "2")
      ) { try await store.ensureCollection("c", CollectionOptions(dimension: 2)) }
    }
  }

  @Test func `is read by another process's eyes as it grows`() async throws {
    try await TemporaryFolder.with { folder in
      let path = folder + "/s"
      let store = try VectorStore.open(at: path)
      try await store.createCollection("c", Self.options)
      try await store.insertBatch(RecordBatch(ids: ["a"], documents: ["one"]), into: "c")
      try await store.insertBatch(RecordBatch(ids: ["b", "c"]), into: "c")
      #expect(try store.get(["a", "b"], from: "c").map { $0?.document } == ["one", .some(nil)])
      try await store.close()
      let reader = try VectorStore.open(at: path, options: StoreOptions(mode: .readOnly))
      #expect(try reader.count(in: "c") == 3)
      #expect(try reader.get(["c"], from: "c")[0]?.vector == [])
      try await reader.close()
    }
  }
}
