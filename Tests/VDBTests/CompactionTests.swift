import Foundation
import TestSupport
import Testing
import VDB

@Suite struct `Compaction` {
  @Test func `leaves out what was deleted and keeps everything else`() async throws {
    try await TemporaryFolder.with { folder in
      let path = folder + "/s"
      var store = try VectorStore.open(at: path)
      let index = IndexParameters(m: 6, efConstruction: 30, seed: 3)
      for (name, indexing) in [("a", IndexingMode.background), ("b", .manual)] {
        let options = CollectionOptions(
          dimension: 64,
          metric: .dot,
          element: .float16,
          index: index,
          indexing: indexing,
          model: "m"
        )
        try await store.createCollection(name, options)
        try await store.insertBatch(Numbered.records(0..<5000, dimension: 64), into: name)
      }
      try await store.createCollection("empty", CollectionOptions(dimension: 1, element: .int8))
      let gone = (0..<5000).filter { $0 % 4 != 0 }.map { RecordID.integer(Int64($0)) }
      let last = try await store.delete(ids: gone, from: "a").last
      var before = try Contents(store)
      try await store.close()
      let size = try Self.bytes(path)
      let report = try await VectorStore.compact(at: path)
      #expect(report.rowsReclaimed == gone.count)
      #expect(report.bytesBefore == size)
      #expect(try report.bytesAfter == Self.bytes(path))
      #expect(report.bytesAfter < size)
      store = try VectorStore.open(at: path)
      before.rows["a"] = 1250
      #expect(try Contents(store) == before)
      #expect(try store.collection("a").indexed == 1250)
      #expect(try store.collection("b").indexed == 0)
      #expect(try store.statistics().lastSequence == last)
      #expect(try store.verify(.deep).problems == [])
      try await store.close()
      let names = try FileManager.default.contentsOfDirectory(atPath: path).sorted()
      #expect(names == ["data.mdb", "lock.mdb", "superblock", "writer.lock"])
    }
  }

  @Test func `takes records of any size`() async throws {
    try await TemporaryFolder.with { folder in
      let path = folder + "/s"
      var store = try VectorStore.open(at: path)
      try await store.createCollection("c", CollectionOptions(dimension: 1))
      // Together more than one batch may have.
      let text = String(repeating: "x", count: VDBLimits.documentBytes)
      for number in 0..<18 {
        let record = Record(id: .integer(Int64(number)), vector: [1], document: text)
        try await store.insertBatch([record], into: "c")
      }
      try await store.delete(ids: [3], from: "c")
      try await store.close()
      #expect(try await VectorStore.compact(at: path).rowsReclaimed == 1)
      store = try VectorStore.open(at: path)
      #expect(try store.count(in: "c") == 17)
      #expect(try store.get([17], from: "c")[0]?.document == text)
      try await store.close()
    }
  }

  private static func bytes(_ path: String) throws -> Int {
    try FileManager.default.attributesOfItem(atPath: path + "/data.mdb")[.size] as? Int ?? 0
  }
}
