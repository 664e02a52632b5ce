import Foundation
import VDB
import VDBIngest

/// A store of the fixture's 10 000 definitions in a temporary folder, and queries for it.
struct WordNet: Sendable {
  let store: VectorStore
  let path: String
  /// 500 sentences' vectors of 384 numbers.
  let queries: VectorRows
  /// The same one by one.
  let vectors: [[Float]]

  static let collection = "wordnet"
  static let options = CollectionOptions(dimension: 384, element: .float16, indexing: .manual)
  private static let fixtures = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().appending(path: "Fixtures/wordnet").path()
  private static let scratch = FileManager.default.temporaryDirectory
    .appending(path: "vdb-benchmarks-\(ProcessInfo.processInfo.processIdentifier)")

  /// The fixture's rows, some at a time.
  static func batches(of size: Int) throws -> [RecordBatch] {
    let reader = try BatchReader(
      vectors: fixtures + "/base.f16.npy",
      records: fixtures + "/records.jsonl",
      batchSize: size
    )
    var batches: [RecordBatch] = []
    while let batch = try reader.next() { batches.append(batch) }
    return batches
  }

  /// A store with an empty collection.
  static func empty() async throws -> WordNet {
    try FileManager.default.createDirectory(at: scratch, withIntermediateDirectories: true)
    let path = scratch.appending(path: UUID().uuidString).path()
    let store = try VectorStore.open(at: path)
    try await store.createCollection(collection, options)
    let reader = try BatchReader(vectors: fixtures + "/queries.f32.npy", batchSize: 500)
    guard let queries = try reader.next()?.vectors, case .float32(let numbers) = queries.storage
    else { fatalError("the fixture has no queries of float32") }
    let vectors = (0..<queries.count).map {
      Array(numbers[($0 * queries.dimension)..<(($0 + 1) * queries.dimension)])
    }
    return WordNet(store: store, path: path, queries: queries, vectors: vectors)
  }

  /// A store with all rows in the index.
  static func indexed() async throws -> WordNet {
    let wordNet = try await empty()
    for batch in try batches(of: 1000) {
      try await wordNet.store.insertBatch(batch, into: collection)
    }
    try await wordNet.store.index(collection)
    return wordNet
  }

  /// Removes all stores of this process.
  static func removeAll() throws {
    if FileManager.default.fileExists(atPath: scratch.path()) {
      try FileManager.default.removeItem(at: scratch)
    }
  }
}
