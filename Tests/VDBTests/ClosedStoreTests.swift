import Foundation
import TestSupport
import Testing
import VDB

/// Every method of a store, by name.
private struct Call: CustomTestStringConvertible, Sendable {
  let testDescription: String
  let writes: Bool
  let run: @Sendable (VectorStore) async throws -> Void

  static let all: [Call] = {
    let record = Record(id: 9, vector: [1, 2])
    let rows = VectorRows(.float32([1, 2]), dimension: 2)
    let options = CollectionOptions(dimension: 2)
    typealias Run = @Sendable (VectorStore) async throws -> Void
    func reading(_ name: String, _ run: @escaping Run) -> Call {
      Call(testDescription: name, writes: false, run: run)
    }
    func writing(_ name: String, _ run: @escaping Run) -> Call {
      Call(testDescription: name, writes: true, run: run)
    }
    return [
      writing("createCollection") { try await $0.createCollection("d", options) },
      writing("ensureCollection") { try await $0.ensureCollection("d", options) },
      writing("dropCollection") { try await $0.dropCollection("c") },
      writing("insertBatch") { try await $0.insertBatch([record], into: "c") },
      writing("insertBatch by column") {
        try await $0.insertBatch(RecordBatch(ids: [9], vectors: rows), into: "c")
      },
      writing("insertBatch of nothing") { try await $0.insertBatch([Record](), into: "c") },
      writing("delete") { try await $0.delete(ids: [1], from: "c") },
      writing("index") { try await $0.index("c") },
      reading("collections") { _ = try $0.collections() },
      reading("collection") { _ = try $0.collection("c") },
      reading("get") { _ = try $0.get([1], from: "c") },
      reading("count") { _ = try $0.count(in: "c") },
      reading("scroll") { _ = try $0.scroll("c") },
      reading("search") { _ = try $0.search([1, 2], in: "c") },
      reading("search within") { _ = try $0.search([1, 2], in: "c", within: 1) },
      reading("search near") { _ = try $0.search(near: 1, in: "c") },
      reading("searchBatch") { _ = try await $0.searchBatch(rows, in: "c") },
      reading("nearestRows") { _ = try await $0.nearestRows(rows, in: "c") },
      reading("indexStatus") { _ = try $0.indexStatus() },
      reading("indexed") { try await $0.indexed() },
      reading("statistics") { _ = try $0.statistics() },
      reading("verify") { _ = try $0.verify(.quick) },
    ]
  }()
}

@Suite struct `A closed store` {
  static func make(_ path: String) async throws -> VectorStore {
    let store = try VectorStore.open(at: path)
    try await store.createCollection("c", CollectionOptions(dimension: 2, metric: .l2))
    try await store.insertBatch(Numbered.records(0..<10, dimension: 2), into: "c")
    try await store.indexed()
    return store
  }

  @Test(arguments: Call.all, [false, true])
  fileprivate func `refuses every method`(_ call: Call, _ readOnly: Bool) async throws {
    try await TemporaryFolder.with { folder in
      var store = try await Self.make(folder + "/s")
      if readOnly {
        try await store.close()
        store = try VectorStore.open(at: folder + "/s", options: StoreOptions(mode: .readOnly))
      }
      try await store.close()
      await expectError(.closed, of: call.testDescription) { try await call.run(store) }
      try await store.close()
    }
  }

  @Test func `closes once, however often and from wherever it is asked`() async throws {
    try await TemporaryFolder.with { folder in
      let store = try await Self.make(folder + "/s")
      try await withThrowingTaskGroup(of: Void.self) { group in
        for _ in 0..<8 { group.addTask { try await store.close() } }
        try await group.waitForAll()
      }
      try await store.close()
      // The file is released when close returns.
      let again = try VectorStore.open(at: folder + "/s")
      #expect(try again.count(in: "c") == 10)
      try await again.close()
    }
  }

  @Test func `has kept what was inserted, even when nobody closed it`() async throws {
    try await TemporaryFolder.with { folder in
      let path = folder + "/s"
      for round in 1...3 {
        let store = try VectorStore.open(at: path)
        try await store.ensureCollection("c", CollectionOptions(dimension: 2))
        let first = (round - 1) * 700
        try await store.insertBatch(Numbered.records(first..<round * 700, dimension: 2), into: "c")
      }
      let store = try VectorStore.open(at: path, options: StoreOptions(mode: .readOnly))
      #expect(try store.count(in: "c") == 2100)
      #expect(try store.verify(.deep).problems == [])
    }
  }

  @Test func `ends its status updates`() async throws {
    try await TemporaryFolder.with { folder in
      let store = try VectorStore.open(at: folder + "/s")
      try await store.createCollection("c", CollectionOptions(dimension: 2, indexing: .manual))
      try await store.insertBatch(Numbered.records(0..<10, dimension: 2), into: "c")
      var seen = 0
      for await status in store.indexStatusUpdates(every: .milliseconds(1)) {
        seen += 1
        #expect(status.backlog == 10)
        if seen == 3 { try await store.close() }
      }
      #expect(seen >= 3)
    }
  }
}

@Suite struct `A read-only store` {
  @Test(arguments: Call.all)
  fileprivate func `answers, and writes nothing`(_ call: Call) async throws {
    try await TemporaryFolder.with { folder in
      try await `A closed store`.make(folder + "/s").close()
      let files = StoreFiles(folder: folder + "/s")
      let before = try files.image()
      let store = try VectorStore.open(at: files.folder, options: StoreOptions(mode: .readOnly))
      if call.writes {
        let error = await #expect(throws: VectorStoreError.self) { try await call.run(store) }
        guard case .readOnly = error else {
          Issue.record("\(String(describing: error))")
          return
        }
      } else {
        try await call.run(store)
      }
      #expect(try store.count(in: "c") == 10)
      try await store.close()
      #expect(try files.image() == before)
    }
  }
}

@Suite struct `A store that is open` {
  @Test func `is not opened a second time, by whatever path`() async throws {
    try await TemporaryFolder.with { folder in
      let path = folder + "/s"
      let link = folder + "/link"
      try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: path)
      let store = try await `A closed store`.make(path)
      let contents = try Contents(store)
      for other in [path, path + "/", folder + "/./s", link] {
        for mode in `A path that is no store`.modes {
          let error = #expect(throws: VectorStoreError.self) {
            _ = try VectorStore.open(at: other, options: StoreOptions(mode: mode))
          }
          guard case .alreadyOpen = error else {
            Issue.record("\(other), \(mode): \(String(describing: error))")
            continue
          }
        }
        let error = await #expect(throws: VectorStoreError.self) {
          _ = try await VectorStore.compact(at: other)
        }
        if case .alreadyOpen = error {} else { Issue.record("\(String(describing: error))") }
      }
      #expect(try Contents(store) == contents)
      try await store.insertBatch([Record(id: 77, vector: [1, 1])], into: "c")
      try await store.close()
    }
  }
}
