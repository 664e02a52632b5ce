import Synchronization
import TestSupport
import Testing
import VDB

@Suite struct `A query` {
  static func options(_ indexing: IndexingMode) -> CollectionOptions {
    let index = IndexParameters(m: 12, efConstruction: 80)
    return CollectionOptions(dimension: 12, metric: .l2, index: index, indexing: indexing)
  }

  /// 3000 rows, of which all, half or none are in the graph.
  static func fill(_ store: VectorStore, linked: Int) async throws {
    try await store.createCollection("c", options(.manual))
    for range in [0..<linked, linked..<3000] where !range.isEmpty {
      try await store.insertBatch(Numbered.records(range, dimension: 12), into: "c")
      if range.upperBound == linked { try await store.index("c") }
    }
    #expect(try store.collection("c").indexed == linked)
  }

  static func ids(_ range: some Sequence<Int>) -> [RecordID] { range.map { .integer(Int64($0)) } }

  @Test(arguments: [0, 1500, 3000])
  func `does not find what was deleted before it began`(_ linked: Int) async throws {
    try await withStore { store in
      try await Self.fill(store, linked: linked)
      for number in stride(from: 0, to: 3000, by: 137) {
        let query = Numbered.vector(number, dimension: 12)
        let id = RecordID.integer(Int64(number))
        #expect(try store.search(query, in: "c", limit: 1).first?.id == id)
        try await store.delete(ids: [id], from: "c")
        for exact in [false, true] {
          let hits = try store.search(query, in: "c", limit: 20, exact: exact)
          #expect(hits.count == 20 && !hits.contains { $0.id == id })
          #expect(try store.search(query, in: "c", within: 0.01, exact: exact).isEmpty)
        }
        #expect(try store.search(near: id, in: "c").isEmpty)
        let rows = VectorRows(.float32(query), dimension: 12)
        let nearest = try await store.nearestRows(rows, in: "c")
        #expect(nearest[0].allSatisfy { $0.row != number })
      }
    }
  }

  @Test(arguments: [0, 1500, 3000])
  func `finds only the new version of a record`(_ linked: Int) async throws {
    try await withStore { store in
      try await Self.fill(store, linked: linked)
      let changed = Array(stride(from: 0, to: 3000, by: 3))
      let records = changed.map { number in
        Record(
          id: .integer(Int64(number)),
          vector: Numbered.vector(100_000 + number, dimension: 12),
          metadata: ["version": 2]
        )
      }
      let receipt = try await store.insertBatch(records, into: "c", mode: .upsert)
      #expect(receipt.replaced == changed.count)
      for isIndexed in [false, true] {
        if isIndexed { try await store.index("c") }
        for number in changed where number % 99 == 0 {
          let id = RecordID.integer(Int64(number))
          let new = try store.search(
            Numbered.vector(100_000 + number, dimension: 12),
            in: "c",
            limit: 1
          )
          #expect(new.first?.id == id && new.first?.metadata == ["version": 2])
          let old = Numbered.vector(number, dimension: 12)
          let hits = try store.search(old, in: "c", limit: 3000, exact: true)
          #expect(hits.count == 3000 && Set(hits.map(\.id)).count == 3000)
          #expect(hits.first?.distance != 0)
        }
      }
      #expect(try store.verify(.deep).problems == [])
    }
  }

  @Test(arguments: [0, 1500, 3000])
  func `gets its k results although nine of ten records are deleted`(_ linked: Int) async throws {
    try await withStore { store in
      try await Self.fill(store, linked: linked)
      // The ones that stay are those farthest from where the queries are.
      let reference = Reference(options: Self.options(.manual))
      let origin = Numbered.vector(5, dimension: 12)
      let byDistance = (0..<3000).sorted {
        reference.distance(origin, Numbered.vector($0, dimension: 12)).value
          < reference.distance(origin, Numbered.vector($1, dimension: 12)).value
      }
      try await store.delete(ids: Self.ids(byDistance.prefix(2700)), from: "c")
      let left = Set(Self.ids(byDistance.suffix(300)))
      for limit in [1, 10, 100, 300, 400] {
        let hits = try store.search(origin, in: "c", limit: limit)
        #expect(hits.count == min(limit, 300))
        #expect(left.isSuperset(of: hits.map(\.id)))
        let exact = try store.search(origin, in: "c", limit: limit, exact: true)
        let found = Set(hits.map(\.id)).intersection(exact.map(\.id)).count
        #expect(Double(found) >= 0.9 * Double(exact.count), "\(found) of \(exact.count)")
      }
      // And none where all are gone, until there are new ones.
      try await store.delete(ids: Array(left), from: "c")
      for exact in [false, true] {
        #expect(try store.search(origin, in: "c", exact: exact).isEmpty)
        #expect(try store.search(origin, in: "c", within: 100, exact: exact).isEmpty)
      }
      #expect(try store.scroll("c").records.isEmpty)
      try await store.insertBatch([Record(id: "new", vector: origin)], into: "c")
      #expect(try store.search(origin, in: "c").map(\.id) == ["new"])
      try await store.index("c")
      #expect(try store.search(origin, in: "c").map(\.id) == ["new"])
      #expect(try store.verify(.deep).problems == [])
    }
  }

  @Test func `of a batch sees one state, whatever is committed meanwhile`() async throws {
    try await withStore { store in
      try await store.createCollection("c", Self.options(.background))
      // Each state has one version of all records, and one record more than the one before.
      let state = { @Sendable (version: Int) in
        Numbered.records(0..<100 + version, dimension: 12).map { record in
          Record(id: record.id, vector: record.vector, metadata: ["v": .int(Int64(version))])
        }
      }
      try await store.insertBatch(state(0), into: "c")
      let rows = VectorRows(
        .float32((0..<64).flatMap { Numbered.vector($0, dimension: 12) }),
        dimension: 12
      )
      let progress = Progress()
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask {
          defer { progress.isDone.store(true, ordering: .releasing) }
          for version in 1...60 {
            try await store.insertBatch(state(version), into: "c", mode: .upsert)
          }
        }
        group.addTask {
          var last = 0
          while !progress.isDone.load(ordering: .acquiring) {
            let answers = try await store.searchBatch(rows, in: "c", limit: 500, exact: true)
            let counts = Set(answers.map(\.count))
            #expect(counts.count == 1)
            let versions = Set(answers.joined().map(\.metadata))
            #expect(versions.count == 1)
            #expect((counts.first ?? 0) >= last, "a later query sees an earlier state")
            last = counts.first ?? 0
            let page = try store.scroll("c", limit: 1000).records
            #expect(Set(page.map(\.id)).count == page.count && page.count >= last)
          }
        }
        try await group.waitForAll()
      }
      #expect(try store.count(in: "c") == 160)
      #expect(try store.collection("c").rows > 7000)
    }
  }
}
