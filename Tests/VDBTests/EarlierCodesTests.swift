import TestSupport
import Testing
import VectorKernels

@testable import VDB

/// Collections of earlier versions, whose codes do not keep lengths or are of both widths, are read and
/// continued as they are.
struct EarlierCodesTests {
  /// What an earlier version made of collections.
  struct Version: Sendable {
    let metric: VDB.Metric
    let dimension: Int
    let rounding: Coding.Rounding
    let widths: Coding.Widths
    let features: Features

    static let all: [Version] =
      VDB.Metric.allCases.map { Version($0, 64, .nearest, .bytes) }
      + [VDB.Metric.dot, .l2].map { Version($0, 256, .nearest, .bytes) }
      + [VDB.Metric.dot, .l2].map { Version($0, 256, .keepingLength, .bytes) }
      + [Version(.cosine, 256, .nearest, .both), Version(.cosine, 256, .keepingLength, .both)]

    init(
      _ metric: VDB.Metric,
      _ dimension: Int,
      _ rounding: Coding.Rounding,
      _ widths: Coding.Widths
    ) {
      self.metric = metric
      self.dimension = dimension
      self.rounding = rounding
      self.widths = widths
      features = rounding == .keepingLength ? .lengthKeepingCodes : []
    }
  }

  @Test(arguments: Version.all)
  func `collections with codes of earlier versions go on with them`(version: Version) async throws {
    let (metric, dimension) = (version.metric, version.dimension)
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
        try step.createCollection(
          "c",
          earlier,
          rounding: version.rounding,
          widths: version.widths
        )
      }
      try await store.insertBatch(all, into: "c")
      try await store.index("c")
      try await store.close()

      store = try VectorStore.open(at: path)
      #expect(try Loader(reading: store.snapshot().reading).features() == version.features)
      let more = records(1_200..<1_500)
      all += more
      try await store.insertBatch(more, into: "c")
      try await store.index("c")
      #expect(try store.snapshot().collection("c").kernels.coding.rounding == version.rounding)
      #expect(try store.snapshot().collection("c").kernels.coding.widths == version.widths)
      #expect(try store.verify().problems.isEmpty)
      for record in all.prefix(20) + more.prefix(20) {
        let query = record.vector
        let exact = try store.search(query, in: "c", limit: 5, exact: true)
        let found = try store.search(query, in: "c", limit: 5, efSearch: 400)
        #expect(found.map(\.id) == exact.map(\.id))
      }
      try await store.createCollection("new", options)
      let isLong = dimension == 256
      let short: Features = metric == .cosine ? .nibblesAlone : .nibblesWithLengths
      #expect(
        try Loader(reading: store.snapshot().reading).features()
          == (isLong ? [.lengthKeepingCodes, short] : .lengthKeepingCodes)
      )
      let widths = try store.snapshot().collection("new").kernels.coding.widths
      #expect(widths == (isLong ? .nibbles : .bytes))
      #expect(try store.snapshot().collection("new").kernels.coding.rounding == .keepingLength)
      try await store.close()
    }
  }
}
