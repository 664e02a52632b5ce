import TestSupport
import Testing
import VDB

@Suite struct `An index on disk` {
  static let options = CollectionOptions(
    dimension: 16,
    metric: .l2,
    index: IndexParameters(m: 6, efConstruction: 40),
    indexing: .manual
  )

  /// What a search that depends on every link sees, and the graph's shape.
  struct Fingerprint: Equatable {
    let answers: [[RowMatch]]
    let degrees: [Int]
    let layers: [Int]

    init(_ store: VectorStore) async throws {
      let queries = VectorRows(
        .float32((0..<100).flatMap { Numbered.vector(50_000 + $0, dimension: 16) }),
        dimension: 16
      )
      answers = try await store.nearestRows(queries, in: "c", limit: 10, efSearch: 12)
      let figures = try store.statistics().collections[0]
      (degrees, layers) = (figures.degreeHistogram, figures.layerNodes)
    }
  }

  static func entries(_ table: String, in store: VectorStore) throws -> Int {
    try store.statistics().tables.first { $0.name == table }?.entries ?? -1
  }

  @Test func `is continued where it was left, by its log and by new generations`() async throws {
    try await TemporaryFolder.with { folder in
      let path = folder + "/s"
      var rows = 0
      var before: Fingerprint?
      // A new index, small additions of which the first goes to the log, and a large one.
      let steps: [(Int, isLogged: Bool?)] = [
        (4000, false), (5, true), (3, nil), (4, nil), (4000, false), (4, true), (1, nil),
      ]
      for (added, isLogged) in steps {
        let store = try VectorStore.open(at: path)
        try await store.ensureCollection("c", Self.options)
        #expect(try store.collection("c").indexed == rows)
        if let before { #expect(try await Fingerprint(store) == before) }
        #expect(try store.verify(.deep).problems == [])
        try await store.insertBatch(Numbered.records(rows..<rows + added, dimension: 16), into: "c")
        rows += added
        try await store.index("c")
        before = try await Fingerprint(store)
        try await store.close()
        let reader = try VectorStore.open(at: path, options: StoreOptions(mode: .readOnly))
        if let isLogged {
          #expect(try (Self.entries("glog", in: reader) > 0) == isLogged, "after \(added) rows")
        }
        #expect(try Self.entries("wal", in: reader) == 0)
        #expect(try reader.collection("c").indexed == rows)
        #expect(try await Fingerprint(reader) == before)
        #expect(try reader.verify(.deep).problems == [])
        try await reader.close()
      }
    }
  }

  @Test(arguments: [Metric.cosine, .dot, .l2])
  func `depends on the rows only, not on threads or batches`(_ metric: Metric) async throws {
    var prints: [Fingerprint] = []
    for (threads, batch) in [(1, 5000), (2, 5000), (2, 617), (4, 1)] {
      try await withStore(StoreOptions(indexingThreads: threads)) { store in
        var options = Self.options
        options.metric = metric
        try await store.createCollection("c", options)
        let rows = batch == 1 ? 3 : 0
        for first in 0..<rows {
          let one = Numbered.records(first..<first + 1, dimension: 16)
          try await store.insertBatch(one, into: "c")
        }
        for first in stride(from: rows, to: 5000, by: max(batch, 500)) {
          let range = first..<min(5000, first + max(batch, 500))
          try await store.insertBatch(Numbered.records(range, dimension: 16), into: "c")
        }
        try await store.index("c")
        prints.append(try await Fingerprint(store))
      }
    }
    #expect(prints[0].layers.first == 5000 && prints[0].layers.count > 1)
    for other in prints.dropFirst() { #expect(other == prints[0]) }
  }

  @Test func `of another seed is another one`() async throws {
    var prints: [Fingerprint] = []
    for seed in [1, 2] as [UInt64] {
      try await withStore { store in
        var options = Self.options
        options.index.seed = seed
        try await store.createCollection("c", options)
        try await store.insertBatch(Numbered.records(0..<2000, dimension: 16), into: "c")
        try await store.index("c")
        prints.append(try await Fingerprint(store))
      }
    }
    #expect(prints[0] != prints[1])
  }
}
