import Synchronization
import TestSupport
import Testing
import VDB

@Suite struct `Twenty clients at once` {
  @Test func `have every batch taken, and see it with its receipt`() async throws {
    try await withStore { store in
      let dimension = 8
      // Scans only, so that the answers do not depend on how far an index is.
      let options = CollectionOptions(dimension: dimension, metric: .l2, indexing: .manual)
      try await store.createCollection("c", options)
      let (clients, batches, size) = (20, 50, 5)
      try await withThrowingTaskGroup(of: Void.self) { group in
        for client in 0..<clients {
          group.addTask {
            for batch in 0..<batches {
              let first = (client * batches + batch) * size
              let records = Numbered.records(first..<first + size, dimension: dimension)
              let receipt = try await store.insertBatch(records, into: "c")
              #expect(receipt.inserted == size)
              let found = try store.get(records.map(\.id), from: "c")
              #expect(found == records)
              let nearest = try store.search(
                records[size - 1].vector,
                in: "c",
                limit: 1,
                consistency: .atLeast(receipt.last)
              )
              #expect(nearest.first?.id == records[size - 1].id)
            }
          }
        }
        try await group.waitForAll()
      }
      #expect(try store.count(in: "c") == clients * batches * size)
      #expect(try store.verify(.deep).problems == [])
    }
  }

  @Test func `share commits in the order in which one client queues`() async throws {
    try await withStore { store in
      try await store.createCollection("c", CollectionOptions(dimension: 1, metric: .l2))
      var queued: [QueuedBatch] = []
      for number in 0..<40 {
        let batch = RecordBatch(
          ids: ["same"],
          vectors: VectorRows(.float32([Float(number)]), dimension: 1)
        )
        queued.append(try await store.enqueueBatch(batch, into: "c", mode: .upsert))
      }
      var last = SequenceNumber(0)
      for batch in queued {
        let receipt = try await batch.receipt()
        #expect(receipt.last > last)
        last = receipt.last
      }
      #expect(try store.get(["same"], from: "c")[0]?.vector == [39])
      // One that is refused harms neither its neighbours nor itself.
      let bad = RecordBatch(ids: ["x", "x"], vectors: VectorRows(.float32([1, 2]), dimension: 1))
      await expectError(.duplicateIDInBatch(id: "x", first: 0, second: 1)) {
        _ = try await store.enqueueBatch(bad, into: "c")
      }
      let there = RecordBatch(ids: ["same"], vectors: VectorRows(.float32([1]), dimension: 1))
      let taken = try await store.enqueueBatch(there, into: "c")
      await expectError(.idExists(id: "same", row: 0)) { _ = try await taken.receipt() }
      let none = try await store.enqueueBatch(RecordBatch(ids: []), into: "c")
      #expect(try await none.receipt().sequences == nil)
    }
  }

  @Test func `lose no vector, whichever batch of a transaction fills a block`() async throws {
    try await TemporaryFolder.with { folder in
      // Blocks of 128 rows: most are begun by one batch and filled by a later one.
      let options = CollectionOptions(dimension: 512, metric: .l2, indexing: .manual)
      let batches = (0..<24).map { number in
        Numbered.records(number * 40..<number * 40 + 10 + 7 * (number % 9), dimension: 512)
      }
      let store = try VectorStore.open(at: folder + "/s")
      try await store.createCollection("c", options)
      var queued: [QueuedBatch] = []
      for records in batches {
        let batch = RecordBatch(
          ids: records.map(\.id),
          vectors: VectorRows(.float32(records.flatMap(\.vector)), dimension: 512),
          metadata: records.map(\.metadata)
        )
        queued.append(try await store.enqueueBatch(batch, into: "c", mode: .upsert))
      }
      for batch in queued { _ = try await batch.receipt() }
      let before = try Contents(store)
      var expected: [RecordID: Record] = [:]
      for record in batches.joined() { expected[record.id] = record }
      #expect(before.collections["c"]?.count == expected.count)
      for record in before.collections["c"] ?? [] { #expect(record == expected[record.id]) }
      #expect(try store.verify(.deep).problems == [])
      try await store.close()
      let again = try VectorStore.open(at: folder + "/s")
      #expect(try Contents(again) == before)
      #expect(try again.verify(.deep).problems == [])
      try await again.close()
    }
  }

  @Test func `commit many megabytes at once, and close right after`() async throws {
    try await TemporaryFolder.with { folder in
      let options = CollectionOptions(dimension: 512, metric: .l2, indexing: .manual)
      for round in 0..<3 {
        let store = try VectorStore.open(at: folder + "/s")
        try await store.ensureCollection("c", options)
        // 6 MB a batch.
        let ids = (round * 3_000..<(round + 1) * 3_000).map { RecordID.integer(Int64($0)) }
        let values = ids.indices.flatMap { row in
          (0..<512).map { Float(round * 3_000 + row) + Float($0) / 512 }
        }
        let batch = RecordBatch(ids: ids, vectors: VectorRows(.float32(values), dimension: 512))
        #expect(try await store.insertBatch(batch, into: "c").inserted == 3_000)
        try await store.close()
        let again = try VectorStore.open(at: folder + "/s")
        #expect(try again.count(in: "c") == (round + 1) * 3_000)
        let last = try again.get([ids[2_999]], from: "c")[0]?.vector
        #expect(last == Array(values.suffix(512)))
        #expect(try again.verify(.deep).problems == [])
        try await again.close()
      }
    }
  }
}
