import TestSupport
import Testing
import VDB

@Suite struct `A bad argument` {
  static func options(_ change: (inout CollectionOptions) -> Void) -> CollectionOptions {
    var options = CollectionOptions(dimension: 3, model: "model-a")
    change(&options)
    return options
  }

  static let refusedOptions: [(CollectionOptions, name: String, says: String)] = [
    (options { $0.dimension = 0 }, "dimension", "65536, not 0"),
    (options { $0.dimension = -1 }, "dimension", "not -1"),
    (options { $0.dimension = 65_537 }, "dimension", "not 65537"),
    (options { $0.index.m = 3 }, "m", "64, not 3"),
    (options { $0.index.m = 65 }, "m", "not 65"),
    (options { $0.index.efConstruction = 0 }, "efConstruction", "4096, not 0"),
    (options { $0.index.efConstruction = 4097 }, "efConstruction", "not 4097"),
    (options { $0.model = "" }, "model", "1024"),
    (options { $0.model = String(repeating: "m", count: 1025) }, "model", "1024"),
  ]

  @Test(arguments: refusedOptions)
  func `of a new collection is refused`(
    _ options: CollectionOptions,
    _ name: String,
    _ says: String
  ) async throws {
    try await withStore { store in
      let error = await #expect(throws: VectorStoreError.self) {
        try await store.createCollection("c", options)
      }
      guard case .invalidArgument(name, let reason) = error else {
        Issue.record("\(String(describing: error))")
        return
      }
      #expect(reason.contains(says))
      let collections = try store.collections()
      #expect(collections.isEmpty)
    }
  }

  @Test(arguments: [
    "", ".", "..", ".hidden", "a/b", "a b", "größe", "a\0b", "🙂", String(repeating: "n", count: 65),
  ])
  func `as a collection's name is refused`(_ name: String) async throws {
    try await withStore { store in
      let options = CollectionOptions(dimension: 3)
      await expectError(.invalidCollectionName(name), saying: ["1 to 64"]) {
        try await store.createCollection(name, options)
      }
      await expectError(.invalidCollectionName(name)) {
        try await store.ensureCollection(name, options)
      }
      #expect(try store.collections().isEmpty)
      try await store.createCollection(String(repeating: "n", count: 64), options)
      try await store.createCollection("A-z_0.9", options)
    }
  }

  static let mismatches: [(CollectionOptions, VectorStoreError)] = [
    (
      options { $0.metric = .l2 },
      .collectionMismatch(name: "c", property: "metric", existing: "cosine", requested: "l2")
    ),
    (
      options { $0.dimension = 4 },
      .collectionMismatch(name: "c", property: "dimension", existing: "3", requested: "4")
    ),
    (
      options { $0.element = .int8 },
      .collectionMismatch(
        name: "c",
        property: "element type",
        existing: "float32",
        requested: "int8"
      )
    ),
    (
      options { $0.model = "model-b" },
      .modelMismatch(collection: "c", existing: "model-a", requested: "model-b")
    ),
  ]

  @Test(arguments: mismatches)
  func `for a collection that is there is refused`(
    _ requested: CollectionOptions,
    _ error: VectorStoreError
  ) async throws {
    try await withStore { store in
      try await store.createCollection("c", Self.options { _ in })
      try await expectRefusal(of: store, error) { try await store.ensureCollection("c", requested) }
      try await expectRefusal(of: store, .collectionExists("c")) {
        try await store.createCollection("c", requested)
      }
      // Neither the index nor a model that is not named matters.
      let other = Self.options { ($0.index.m, $0.indexing, $0.model) = (9, .manual, nil) }
      #expect(try await store.ensureCollection("c", other).options == Self.options { _ in })
    }
  }

  @Test func `naming no collection is refused everywhere`() async throws {
    try await withStore { store in
      try await store.createCollection("c", CollectionOptions(dimension: 1))
      let record = Record(id: 1, vector: [1])
      let rows = VectorRows(.float32([1]), dimension: 1)
      let calls: [(String, () async throws -> Void)] = [
        ("insert", { try await store.insertBatch([record], into: "x") }),
        ("insert nothing", { try await store.insertBatch([Record](), into: "x") }),
        ("delete", { try await store.delete(ids: [1], from: "x") }),
        ("drop", { try await store.dropCollection("x") }),
        ("get", { _ = try store.get([1], from: "x") }),
        ("count", { _ = try store.count(in: "x") }),
        ("info", { _ = try store.collection("x") }),
        ("scroll", { _ = try store.scroll("x") }),
        ("search", { _ = try store.search([1], in: "x") }),
        ("radius", { _ = try store.search([1], in: "x", within: 1) }),
        ("near", { _ = try store.search(near: 1, in: "x") }),
        ("batch", { _ = try await store.searchBatch(rows, in: "x") }),
        ("rows", { _ = try await store.nearestRows(rows, in: "x") }),
        ("index", { try await store.index("x") }),
        ("indexed", { try await store.indexed(in: "x") }),
        ("status", { _ = try store.indexStatus(of: "x") }),
      ]
      for (name, call) in calls {
        try await expectRefusal(of: store, .unknownCollection("x"), saying: ["'x'"], of: name) {
          try await call()
        }
      }
      #expect(try store.search([1], in: "c") == [])
    }
  }

  @Test(arguments: [0, -1, 1_000_000_000, Int.max, Int.min])
  func `as a limit or width is refused`(_ number: Int) async throws {
    try await withStore { store in
      try await store.createCollection("c", CollectionOptions(dimension: 2))
      try await store.insertBatch(Numbered.records(0..<1200, dimension: 2), into: "c")
      try await store.index("c")
      func refused(_ name: String) -> VectorStoreError {
        .invalidArgument(name: name, reason: "must be 1 to 100000, not \(number)")
      }
      let query: [Float] = [1, 0]
      let rows = VectorRows(.float32(query), dimension: 2)
      for exact in [false, true] {
        await expectError(refused("limit")) {
          _ = try store.search(query, in: "c", limit: number, exact: exact)
        }
        await expectError(refused("efSearch")) {
          _ = try store.search(query, in: "c", efSearch: number, exact: exact)
        }
        await expectError(refused("limit")) {
          _ = try store.search(query, in: "c", within: 1, limit: number, exact: exact)
        }
        await expectError(refused("limit")) {
          _ = try store.search(near: 1, in: "c", limit: number, exact: exact)
        }
      }
      await expectError(refused("limit")) { _ = try store.scroll("c", limit: number) }
      await expectError(refused("limit")) {
        _ = try await store.searchBatch(rows, in: "c", limit: number)
      }
      await expectError(refused("efSearch")) {
        _ = try await store.nearestRows(rows, in: "c", efSearch: number)
      }
    }
  }

  @Test func `as a query vector is refused`() async throws {
    try await withStore { store in
      try await store.createCollection("c", CollectionOptions(dimension: 2))
      try await store.insertBatch(Numbered.records(0..<10, dimension: 2), into: "c")
      let queries: [([Float], VectorStoreError)] = [
        ([1], .dimensionMismatch(expected: 2, actual: 1, row: nil)),
        ([1, 2, 3], .dimensionMismatch(expected: 2, actual: 3, row: nil)),
        ([1, .nan], .notFinite(row: nil, component: 1)),
        ([.infinity, 0], .notFinite(row: nil, component: 0)),
        ([0, 0], .zeroVector(row: nil)),
      ]
      for (query, error) in queries {
        #expect("\(error)".hasPrefix("The query"), "\(error)")
        await expectError(error) { _ = try store.search(query, in: "c") }
        await expectError(error) { _ = try store.search(query, in: "c", within: 1) }
        let rows = VectorRows(.float32(query), dimension: query.count)
        await expectError(error) { _ = try await store.searchBatch(rows, in: "c") }
        await expectError(error) { _ = try await store.nearestRows(rows, in: "c", exact: true) }
      }
      await expectError(.invalidArgument(name: "radius", reason: "is not a number")) {
        _ = try store.search([1, 0], in: "c", within: .nan)
      }
      #expect(try store.search([1, 0], in: "c", within: -1) == [])
      #expect(try store.search([1, 0], in: "c", within: .infinity).count == 10)
      await expectError(
        .invalidArgument(name: "threads", reason: "must be at least 1, not 0")
      ) {
        let rows = VectorRows(.float32([1, 0]), dimension: 2)
        _ = try await store.searchBatch(rows, in: "c", threads: 0)
      }
    }
  }

  @Test func `as an id of a record that cannot exist finds nothing`() async throws {
    try await withStore { store in
      try await store.createCollection("c", CollectionOptions(dimension: 2))
      try await store.insertBatch(Numbered.records(0..<10, dimension: 2), into: "c")
      let ids: [RecordID] = ["", .string(String(repeating: "x", count: 70_000)), "7"]
      #expect(try store.get(ids, from: "c") == [nil, nil, nil])
      // Ids are merged into their table once the collection rests; closing waits for it.
      let path = store.path
      try await store.close()
      let again = try VectorStore.open(at: path)
      #expect(try again.get(ids, from: "c") == [nil, nil, nil])
      #expect(try again.search(near: ids[1], in: "c") == [])
      try await again.close()
    }
  }

  @Test func `as a sequence of the future is refused`() async throws {
    try await withStore { store in
      try await store.createCollection("c", CollectionOptions(dimension: 2))
      let receipt = try await store.insertBatch(Numbered.records(0..<10, dimension: 2), into: "c")
      let future = SequenceNumber(11)
      let error = VectorStoreError.sequenceNotReached(requested: future, committed: receipt.last)
      await expectError(error, saying: ["10", "11"]) {
        _ = try store.search([1, 0], in: "c", consistency: .atLeast(future))
      }
      await expectError(error) { try await store.indexed(through: future) }
      let hits = try store.search([1, 0], in: "c", consistency: .atLeast(receipt.last))
      #expect(hits.count == 10)
    }
  }

  @Test func `is not what a large radius makes of a large limit`() async throws {
    try await withStore { store in
      let index = IndexParameters(m: 4, efConstruction: 8)
      let options = CollectionOptions(dimension: 2, metric: .l2, index: index)
      try await store.createCollection("c", options)
      try await store.insertBatch(Numbered.records(0..<17_000, dimension: 2), into: "c")
      try await store.index("c")
      let hits = try store.search([0, 0], in: "c", within: 2, limit: 100_000, including: [])
      #expect(hits.count == 17_000)
    }
  }
}
