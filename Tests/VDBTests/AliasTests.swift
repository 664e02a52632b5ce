import LMDB
import Synchronization
import TestSupport
import Testing

@testable import VDB

@Suite struct `An alias` {
  static let options = CollectionOptions(dimension: 4)

  /// What readers tell the task that switches.
  private final class Readers: Sendable {
    let seen = Guarded<Set<String>>([])
    let isDone = Atomic<Bool>(false)
    let answers = Atomic<Int>(0)
  }

  /// Two collections with the same ids, whose records say which one they are of.
  private static func fill(_ store: VectorStore) async throws {
    for name in ["a", "b"] {
      try await store.createCollection(name, options)
      let records = Numbered.records(0..<200, dimension: 4).map { record in
        var record = record
        record.document = name
        return record
      }
      try await store.insertBatch(records, into: name)
    }
  }

  @Test func `stands for its collection wherever one is named`() async throws {
    try await withStore { store in
      try await Self.fill(store)
      try await store.setAlias("current", to: "b")
      #expect(try store.aliases() == ["current": "b"])
      #expect(try store.collection("current").name == "b")
      #expect(try store.collection("current").aliases == ["current"])
      #expect(try store.collections().map(\.aliases) == [[], ["current"]])
      #expect(try store.statistics().collections.map(\.aliases) == [[], ["current"]])
      let vector = Numbered.vector(7, dimension: 4)
      #expect(try store.search(vector, in: "current", limit: 1)[0].document == "b")
      #expect(try store.search(near: 7, in: "current", limit: 1)[0].document == "b")
      #expect(try store.get([7], from: "current")[0]?.document == "b")
      #expect(try store.scroll("current", limit: 1).records[0].document == "b")
      let record = Record(id: "new", vector: vector)
      try await store.insertBatch([record], into: "current")
      #expect(try store.count(in: "current") == 201)
      #expect(try store.count(in: "b") == 201)
      try await store.delete(ids: ["new"], from: "current")
      #expect(try store.count(in: "b") == 200)
      try await store.indexed(in: "current")
      #expect(try store.indexStatus(of: "current").backlog == 0)
      let answers = try await store.searchBatch(
        VectorRows(.float32(vector), dimension: 4),
        in: "current"
      )
      #expect(answers[0][0].document == "b")
      try await store.ensureCollection("current", Self.options)
      try await store.setAlias("current", to: "a")
      #expect(try store.get([7], from: "current")[0]?.document == "a")
      #expect(try store.verify(.deep).problems == [])
      try await store.removeAlias("current")
      await expectError(.unknownCollection("current")) { _ = try store.count(in: "current") }
    }
  }

  @Test func `and collections do not clash`() async throws {
    try await withStore { store in
      try await Self.fill(store)
      try await store.setAlias("x", to: "a")
      try await store.setAlias("y", to: "a")
      try await expectRefusal(of: store, .collectionExists("a")) {
        try await store.setAlias("a", to: "b")
      }
      try await expectRefusal(of: store, .unknownCollection("none")) {
        try await store.setAlias("z", to: "none")
      }
      try await expectRefusal(of: store, .nameIsAlias("x", collection: "a"), saying: ["'a'"]) {
        try await store.setAlias("z", to: "x")
      }
      try await expectRefusal(of: store, .nameIsAlias("x", collection: "a")) {
        try await store.createCollection("x", Self.options)
      }
      try await expectRefusal(of: store, .unknownAlias("a")) { try await store.removeAlias("a") }
      try await expectRefusal(of: store, .invalidCollectionName("")) {
        try await store.setAlias("", to: "a")
      }
      for name in ["a", "x"] {
        try await expectRefusal(
          of: store,
          .collectionHasAliases(name: "a", aliases: ["x", "y"]),
          saying: ["'x', 'y'"]
        ) { try await store.dropCollection(name) }
      }
      try await store.setAlias("x", to: "b")
      try await store.removeAlias("y")
      try await store.dropCollection("a")
      #expect(try store.aliases() == ["x": "b"])
      #expect(try store.verify(.deep).problems == [])
    }
  }

  @Test func `outlives the process and compaction`() async throws {
    try await TemporaryFolder.with { folder in
      let path = folder + "/s"
      var store = try VectorStore.open(at: path)
      try await Self.fill(store)
      try await store.setAlias("x", to: "a")
      try await store.setAlias("y", to: "b")
      try await store.delete(ids: [1], from: "a")
      try await store.close()
      for reclaimed in [1, 0] {
        store = try VectorStore.open(at: path)
        #expect(try store.aliases() == ["x": "a", "y": "b"])
        #expect(try store.get([7], from: "y")[0]?.document == "b")
        await expectError(.collectionHasAliases(name: "a", aliases: ["x"])) {
          try await store.dropCollection("a")
        }
        #expect(try store.verify(.deep).problems == [])
        try await store.close()
        #expect(try await VectorStore.compact(at: path).rowsReclaimed == reclaimed)
      }
      store = try VectorStore.open(at: path, options: StoreOptions(mode: .readOnly))
      #expect(try store.aliases() == ["x": "a", "y": "b"])
      await expectError(.readOnly(operation: "set an alias")) {
        try await store.setAlias("x", to: "b")
      }
      try await store.close()
    }
  }

  @Test func `that leads nowhere is found by verify`() async throws {
    try await withStore { store in
      try await Self.fill(store)
      try await store.setAlias("x", to: "a")
      try store.writing("").writer.maintain("") { (step) throws(VectorStoreError) in
        step.state.aliases["x"] = CollectionID(number: 99)
        step.state.aliases["b"] = step.state.names["a"]
      }
      #expect(try store.verify(.quick).problems.map(\.invariant) == ["I11", "I11"])
    }
  }

  @Test func `is switched between two queries, never within one`() async throws {
    try await withStore { store in
      try await Self.fill(store)
      try await store.setAlias("current", to: "a")
      let ids = (0..<200).map { RecordID.integer(Int64($0)) }
      let vector = Numbered.vector(3, dimension: 4)
      let readers = Readers()
      try await withThrowingTaskGroup(of: Void.self) { group in
        for reader in 0..<3 {
          group.addTask {
            while !readers.isDone.load(ordering: .relaxed) {
              let documents: [String?]
              switch reader {
              case 0: documents = try store.get(ids, from: "current").map { $0?.document }
              case 1:
                documents = try store.search(vector, in: "current", limit: 50).map(\.document)
              default: documents = try store.scroll("current").records.map(\.document)
              }
              let names = Set(documents.map { $0 ?? "nothing" })
              #expect(names == ["a"] || names == ["b"], "a mixture: \(names)")
              #expect(documents.count == (reader == 1 ? 50 : 200))
              readers.seen.withLock { $0.formUnion(names) }
              readers.answers.add(1, ordering: .relaxed)
              await Task.yield()
            }
          }
        }
        group.addTask {
          defer { readers.isDone.store(true, ordering: .relaxed) }
          var switches = 0
          // Until the readers have met both, and often enough.
          while switches < 100 || readers.seen.withLock({ $0.count }) < 2
            || readers.answers.load(ordering: .relaxed) < 100
          {
            try await store.setAlias("current", to: switches.isMultiple(of: 2) ? "b" : "a")
            switches += 1
          }
        }
        try await group.waitForAll()
      }
      #expect(readers.seen.withLock { $0 } == ["a", "b"])
    }
  }
}
