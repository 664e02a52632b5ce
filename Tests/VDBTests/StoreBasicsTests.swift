import Foundation
import TestSupport
import Testing
import VDB

@Suite struct `A store` {
  static func records(_ range: Range<Int>, dimension: Int, seed: UInt64 = 1) -> [Record] {
    range.map { number in
      var random = SeededGenerator(seed: seed &* 1_000_003 &+ UInt64(number))
      return Record(
        id: .string("id-\(number)"),
        vector: (0..<dimension).map { _ in Float.random(in: -1...1, using: &random) },
        metadata: ["number": .int(Int64(number)), "even": .bool(number % 2 == 0)],
        document: "document \(number)"
      )
    }
  }

  @Test func `gives back what was inserted, before and after reopening`() async throws {
    try await TemporaryFolder.with { folder in
      let path = folder + "/store"
      let records = Self.records(0..<1500, dimension: 24)
      do {
        let store = try VectorStore.open(at: path)
        try await store.createCollection("c", CollectionOptions(dimension: 24))
        for start in stride(from: 0, to: records.count, by: 100) {
          let batch = Array(records[start..<(start + 100)])
          let receipt = try await store.insertBatch(batch, into: "c")
          #expect(receipt.inserted == 100)
        }
        #expect(try store.count(in: "c") == 1500)
        #expect(try store.get([.string("id-77")], from: "c") == [records[77]])
        try await store.indexed()
        #expect(try store.collection("c").indexed == 1500)
        let hits = try store.search(records[300].vector, in: "c", limit: 3)
        #expect(hits.first?.id == "id-300")
        let report = try store.verify(.deep)
        #expect(report.problems == [])
        try await store.close()
      }
      let store = try VectorStore.open(at: path)
      #expect(try store.get(records.map(\.id), from: "c") == records)
      #expect(try store.collection("c").indexed == 1500)
      let hits = try store.search(records[1200].vector, in: "c", limit: 3)
      #expect(hits.first?.id == "id-1200")
      #expect(try store.verify(.deep).problems == [])
      try await store.close()
    }
  }
}
