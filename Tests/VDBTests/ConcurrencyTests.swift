import TestSupport
import Testing
import VDB

@Suite struct `Many callers at once` {
  static let options = CollectionOptions(dimension: 6, metric: .l2)

  @Test func `get receipts in order, without a gap`() async throws {
    try await withStore { store in
      for name in ["a", "b"] { try await store.createCollection(name, Self.options) }
      let receipts = try await withThrowingTaskGroup(of: [Receipt].self) { group in
        for caller in 0..<20 {
          group.addTask {
            var receipts: [Receipt] = []
            for turn in 0..<5 {
              let first = (caller * 5 + turn) * 10
              let records = Numbered.records(first..<first + 1 + caller % 10, dimension: 6)
              let name = caller.isMultiple(of: 2) ? "a" : "b"
              receipts.append(try await store.insertBatch(records, into: name))
            }
            return receipts
          }
        }
        return try await group.reduce(into: [[Receipt]]()) { $0.append($1) }
      }
      for own in receipts {
        for (earlier, later) in zip(own, own.dropFirst()) { #expect(earlier.last < later.last) }
      }
      let ranges = receipts.joined().compactMap(\.sequences)
        .sorted { $0.lowerBound < $1.lowerBound }
      var next: UInt64 = 1
      for range in ranges {
        #expect(range.lowerBound.value == next)
        next = range.upperBound.value + 1
      }
      #expect(ranges.count == 100)
      #expect(try store.statistics().lastSequence.value == next - 1)
      let live = try store.count(in: "a") + store.count(in: "b")
      #expect(live == Int(next - 1))
      #expect(try store.verify(.deep).problems == [])
    }
  }

  @Test func `who insert the same id: exactly one wins`() async throws {
    try await withStore { store in
      try await store.createCollection("c", Self.options)
      for round in 0..<10 {
        let id = RecordID.string("round \(round)")
        let winners = await withTaskGroup(of: Int?.self) { group in
          for caller in 0..<12 {
            group.addTask {
              let vector = Numbered.vector(caller, dimension: 6)
              let other = Record(id: .integer(Int64(round * 100 + caller)), vector: vector)
              do throws(VectorStoreError) {
                let record = Record(id: id, vector: vector)
                try await store.insertBatch([other, record], into: "c")
                return caller
              } catch {
                guard case .idExists(id: id, row: 1) = error else { return -1 }
                return nil
              }
            }
          }
          return await group.reduce(into: [Int]()) { if let winner = $1 { $0.append(winner) } }
        }
        try #require(winners.count == 1 && winners[0] >= 0, "winners \(winners)")
        let stored = try store.get([id], from: "c")[0]
        #expect(stored?.vector == Numbered.vector(winners[0], dimension: 6))
      }
      // Of each batch that lost, nothing is there.
      #expect(try store.count(in: "c") == 20)
    }
  }

  @Test func `who upsert the same ids leave one whole batch of them`() async throws {
    try await withStore { store in
      try await store.createCollection("c", Self.options)
      try await withThrowingTaskGroup(of: Void.self) { group in
        for caller in 0..<16 {
          group.addTask {
            let records = Numbered.records(0..<50, dimension: 6).map { record in
              Record(id: record.id, vector: record.vector, metadata: ["by": .int(Int64(caller))])
            }
            try await store.insertBatch(records, into: "c", mode: .upsert)
          }
        }
        try await group.waitForAll()
      }
      let records = try store.scroll("c").records
      #expect(records.count == 50)
      #expect(Set(records.map(\.metadata)).count == 1)
      #expect(try store.verify(.deep).problems == [])
    }
  }

  @Test func `wait for each other where the queue is full, and all are served`() async throws {
    try await withStore(StoreOptions(queueBytes: 4096)) { store in
      try await store.createCollection("c", Self.options)
      try await withThrowingTaskGroup(of: Void.self) { group in
        for caller in 0..<30 {
          group.addTask {
            let first = caller * 100
            let records = Numbered.records(first..<first + 100, dimension: 6)
            try await store.insertBatch(records, into: "c")
          }
        }
        try await group.waitForAll()
      }
      #expect(try store.count(in: "c") == 3000)
    }
  }

  @Test func `who are cancelled before their turn change nothing`() async throws {
    try await withStore { store in
      try await store.createCollection("c", Self.options)
      let before = try Contents(store)
      let task = Task {
        // Begins to work only when it has been cancelled.
        while !Task.isCancelled { await Task.yield() }
        await expectError(.cancelled) {
          try await store.insertBatch(Numbered.records(0..<10, dimension: 6), into: "c")
        }
        await expectError(.cancelled) { try await store.delete(ids: [1], from: "c") }
        await expectError(.cancelled) { try await store.dropCollection("c") }
      }
      task.cancel()
      await task.value
      #expect(try Contents(store) == before)
    }
  }

  @Test func `whose search is cancelled get an error instead of half an answer`() async throws {
    try await withStore { store in
      try await store.createCollection("c", Self.options)
      try await store.insertBatch(Numbered.records(0..<3000, dimension: 6), into: "c")
      let queries = VectorRows(
        .float32((0..<400).flatMap { Numbered.vector($0, dimension: 6) }),
        dimension: 6
      )
      let task = Task {
        while !Task.isCancelled { await Task.yield() }
        await expectError(.cancelled) { _ = try await store.searchBatch(queries, in: "c") }
        await expectError(.cancelled) { _ = try await store.nearestRows(queries, in: "c") }
      }
      task.cancel()
      await task.value
      // Cancelled at any moment: all answers or none.
      for turn in 0..<20 {
        let running = Task { try await store.searchBatch(queries, in: "c", limit: 1, exact: true) }
        for _ in 0..<turn { await Task.yield() }
        running.cancel()
        switch await running.result {
        case .success(let answers): #expect(answers.count == 400)
        case .failure(let error): #expect(error as? VectorStoreError == .cancelled)
        }
      }
    }
  }

  @Test func `who close the store get an answer to what they asked for`() async throws {
    for turn in 0..<10 {
      try await TemporaryFolder.with { folder in
        let path = folder + "/s"
        let store = try VectorStore.open(at: path)
        try await store.createCollection("c", Self.options)
        let rows = await withTaskGroup(of: Int.self) { group in
          for caller in 0..<10 {
            group.addTask {
              let range = caller * 50..<(caller + 1) * 50
              do throws(VectorStoreError) {
                try await store.insertBatch(Numbered.records(range, dimension: 6), into: "c")
                return 50
              } catch {
                #expect(error == .closed)
                return 0
              }
            }
          }
          group.addTask {
            for _ in 0..<turn { await Task.yield() }
            await #expect(throws: Never.self) { try await store.close() }
            return 0
          }
          return await group.reduce(0, +)
        }
        let again = try VectorStore.open(at: path)
        #expect(try again.count(in: "c") == rows)
        try await again.close()
      }
    }
  }
}
