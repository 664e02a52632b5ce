import TestSupport
import Testing
import VectorKernels

@testable import VDB

/// Collections of earlier versions, whose codes do not keep lengths, are read and continued as they are.
struct EarlierCodesTests {
  @Test(arguments: VDB.Metric.allCases, [64, 256])
  func `collections with codes of earlier versions go on with them`(
    metric: VDB.Metric,
    dimension: Int
  ) async throws {
    try await TemporaryFolder.with { folder in
      let path = folder + "/s"
      var options = CollectionOptions(dimension: dimension, metric: metric)
      options.indexing = .manual
      var random = SeededGenerator(seed: 3)
      func records(_ ids: Range<Int>) -> [Record] {
        ids.map { id in
          let vector = (0..<dimension).map { _ in Float.random(in: -1...1, using: &random) }
          return Record(id: .integer(Int64(id)), vector: vector)
        }
      }
      var all = records(0..<1_200)
      var store = try VectorStore.open(at: path)
      let earlier = options
      try store.writing("").writer.maintain("") { (step) throws(VectorStoreError) in
        try step.createCollection("c", earlier, rounding: .nearest)
      }
      try await store.insertBatch(all, into: "c")
      try await store.index("c")
      try await store.close()

      store = try VectorStore.open(at: path)
      #expect(try Loader(reading: store.snapshot().reading).features() == [])
      let more = records(1_200..<1_500)
      all += more
      try await store.insertBatch(more, into: "c")
      try await store.index("c")
      #expect(try store.snapshot().collection("c").kernels.coding.rounding == .nearest)
      #expect(try store.verify().problems.isEmpty)
      for record in all.prefix(20) + more.prefix(20) {
        let query = record.vector
        let exact = try store.search(query, in: "c", limit: 5, exact: true)
        let found = try store.search(query, in: "c", limit: 5, efSearch: 400)
        #expect(found.map(\.id) == exact.map(\.id))
      }
      try await store.createCollection("new", options)
      #expect(try Loader(reading: store.snapshot().reading).features() == .lengthKeepingCodes)
      #expect(try store.snapshot().collection("new").kernels.coding.rounding == .keepingLength)
      try await store.close()
    }
  }
}
