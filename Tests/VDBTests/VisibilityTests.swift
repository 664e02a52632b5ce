import Synchronization
import TestSupport
import Testing
import VDB

@Suite struct `A committed row` {
  @Test(arguments: Metric.allCases)
  func `is found by its own vector at every moment of indexing`(_ metric: Metric) async throws {
    try await withStore { store in
      let dimension = 32
      let index = IndexParameters(m: 8, efConstruction: 40)
      let options = CollectionOptions(dimension: dimension, metric: metric, index: index)
      try await store.createCollection("c", options)
      /// Under the inner product a row is its own best answer only where all are of one length.
      @Sendable func record(_ number: Int) -> Record {
        var record = Numbered.records(number..<number + 1, dimension: dimension)[0]
        let length = record.vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
        record.vector = record.vector.map { $0 / length }
        return record
      }
      let progress = Progress()
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask {
          var random = SeededGenerator(seed: 7)
          // The first receipts until the last row is linked.
          while !progress.isDone.load(ordering: .acquiring) {
            let rows = progress.committed.load(ordering: .acquiring)
            await Task.yield()
            guard rows > 0 else { continue }
            for number in [rows - 1, max(0, rows - 150), Int.random(in: 0..<rows, using: &random)] {
              let hits = try store.search(record(number).vector, in: "c", limit: 1)
              #expect(hits.first?.id == .integer(Int64(number)), "\(number) of \(rows)")
              progress.answers.add(1, ordering: .relaxed)
            }
          }
        }
        group.addTask {
          defer { progress.isDone.store(true, ordering: .releasing) }
          var next = 0
          for batch in [1, 7, 300, 40, 999, 1024, 1500, 3, 500] {
            try await store.insertBatch((next..<next + batch).map(record), into: "c")
            next += batch
            progress.committed.store(next, ordering: .releasing)
          }
          try await store.indexed()
        }
        try await group.waitForAll()
      }
      #expect(progress.answers.load(ordering: .relaxed) >= 9)
      #expect(try store.collection("c").backlog == 0)
      #expect(try store.verify(.deep).problems == [])
    }
  }

  @Test func `is seen by eight readers in the state that their query began with`() async throws {
    try await withStore { store in
      let dimension = 8
      try await store.createCollection("c", CollectionOptions(dimension: dimension, metric: .l2))
      let total = 5_000
      let vectors = (0..<total).map { Numbered.vector($0, dimension: dimension) }
      let progress = Progress()
      try await withThrowingTaskGroup(of: Void.self) { group in
        for reader in 0..<8 {
          group.addTask {
            let reference = Reference(options: CollectionOptions(dimension: dimension, metric: .l2))
            var random = SeededGenerator(seed: UInt64(reader))
            while !progress.isDone.load(ordering: .acquiring) {
              let before = progress.committed.load(ordering: .acquiring)
              let query = reference.vector(&random)
              // All rows, so that the answer says itself which state it comes from.
              let rows = try await store.nearestRows(
                VectorRows(.float32(query), dimension: dimension),
                in: "c",
                limit: 100_000,
                exact: true,
                threads: 1
              )[0]
              progress.answers.add(1, ordering: .relaxed)
              #expect(rows.count >= before && rows.count.isMultiple(of: 250), "\(rows.count)")
              #expect(Set(rows.map(\.row)) == Set(0..<rows.count))
              for (place, match) in rows.enumerated() where place % 7 == reader % 7 {
                let own = reference.distance(query, vectors[match.row])
                let isRight = abs(Double(match.distance) - own.value) <= own.tolerance
                let isOrdered = place == 0 || rows[place - 1].distance <= match.distance
                if !isRight || !isOrdered { Issue.record("row \(match.row), place \(place)") }
              }
              await Task.yield()
            }
          }
        }
        group.addTask {
          defer { progress.isDone.store(true, ordering: .releasing) }
          for first in stride(from: 0, to: total, by: 250) {
            let range = first..<first + 250
            let receipt = try await store.insertBatch(
              Numbered.records(range, dimension: dimension),
              into: "c"
            )
            #expect(receipt.last.value == UInt64(range.upperBound))
            progress.committed.store(range.upperBound, ordering: .releasing)
          }
          try await store.indexed()
        }
        try await group.waitForAll()
      }
      #expect(progress.answers.load(ordering: .relaxed) >= 8)
    }
  }

  @Test func `is in no answer of .linked while it waits, and in every other`() async throws {
    try await withStore { store in
      let options = CollectionOptions(dimension: 16, metric: .l2, indexing: .manual)
      try await store.createCollection("c", options)
      try await store.insertBatch(Numbered.records(0..<2000, dimension: 16), into: "c")
      try await store.index("c")
      let receipt = try await store.insertBatch(
        Numbered.records(2000..<2100, dimension: 16),
        into: "c"
      )
      #expect(try store.collection("c").backlog == 100)
      let query = Numbered.vector(2050, dimension: 16)
      for consistency in [Consistency.latest, .atLeast(receipt.last)] {
        let hits = try store.search(query, in: "c", limit: 1, consistency: consistency)
        #expect(hits.first?.id == 2050)
      }
      let hits = try store.search(query, in: "c", limit: 50, consistency: .linked)
      #expect(hits.count == 50)
      #expect(hits.allSatisfy { hit in (0..<2000).contains { hit.id == .integer($0) } })
      try await store.index("c")
      let linked = try store.search(query, in: "c", limit: 1, consistency: .linked)
      #expect(linked.first?.id == 2050)
    }
  }
}

@Suite struct `An indexing mode` {
  @Test func `immediate has the rows in the graph when the receipt comes`() async throws {
    try await withStore { store in
      let options = CollectionOptions(dimension: 8, indexing: .immediate)
      try await store.createCollection("c", options)
      var rows = 0
      for count in [1, 2, 500, 1300] {
        try await store.insertBatch(Numbered.records(rows..<rows + count, dimension: 8), into: "c")
        rows += count
        #expect(try store.collection("c").indexed == rows)
      }
    }
  }

  @Test func `manual waits until it is told`() async throws {
    try await withStore { store in
      let options = CollectionOptions(dimension: 8, indexing: .manual)
      try await store.createCollection("c", options)
      try await store.createCollection("d", CollectionOptions(dimension: 8))
      try await store.insertBatch(Numbered.records(0..<3000, dimension: 8), into: "c")
      try await store.insertBatch(Numbered.records(0..<3000, dimension: 8), into: "d")
      // The other collection's rows are done, so the indexer has passed by here.
      try await store.indexed()
      #expect(try store.collection("d").indexed == 3000)
      #expect(try store.collection("c").indexed == 0)
      #expect(try store.indexStatus(of: "c").backlog == 3000)
      #expect(try store.indexStatus().backlog == 3000)
      try await store.index("c")
      #expect(try store.indexStatus().backlog == 0)
    }
  }

  @Test func `background indexes several collections side by side`() async throws {
    try await withStore(StoreOptions(indexingThreads: 2)) { store in
      let names = (0..<6).map { "c\($0)" }
      for (number, name) in names.enumerated() {
        let metric = Metric.allCases[number % 3]
        try await store.createCollection(
          name,
          CollectionOptions(dimension: 4 + number, metric: metric)
        )
      }
      try await withThrowingTaskGroup(of: Void.self) { group in
        for (number, name) in names.enumerated() {
          group.addTask {
            for first in stride(from: 0, to: 2400, by: 400) {
              let range = first..<first + 400
              try await store.insertBatch(
                Numbered.records(range, dimension: 4 + number),
                into: name
              )
            }
          }
        }
        try await group.waitForAll()
      }
      // Dropped with a backlog: nobody waits for it, nothing of it stays.
      try await store.dropCollection("c5")
      try await store.indexed()
      for name in names.dropLast() { #expect(try store.collection(name).indexed == 2400) }
      var last: IndexStatus?
      for await status in store.indexStatusUpdates() { last = status }
      #expect(last?.backlog == 0 && last?.rows == 12_000)
      #expect(try store.verify(.deep).problems == [])
    }
  }

  @Test(arguments: [UInt64](1...4))
  func `does not mix up a collection and the next of its name`(_ seed: UInt64) async throws {
    try await withStore(StoreOptions(indexingThreads: 2)) { store in
      var random = SeededGenerator(seed: seed)
      let index = IndexParameters(m: 12, efConstruction: 60)
      for round in 0..<8 {
        let dimension = [4, 32][round % 2]
        let options = CollectionOptions(dimension: dimension, metric: .l2, index: index)
        try await store.createCollection("c", options)
        let count = Int.random(in: 1...3000, using: &random)
        try await store.insertBatch(Numbered.records(0..<count, dimension: dimension), into: "c")
        // Dropped before, during or after linking.
        if Bool.random(using: &random), count > 1024 {
          while try store.collection("c").indexed == 0 { await Task.yield() }
        }
        let query = Numbered.vector(count - 1, dimension: dimension)
        #expect(try store.search(query, in: "c", limit: 1).first?.distance == 0)
        try await store.dropCollection("c")
      }
      #expect(try store.verify(.deep).problems == [])
    }
  }
}
