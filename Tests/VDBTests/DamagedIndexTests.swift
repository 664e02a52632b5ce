import TestSupport
import Testing

@testable import VDB

/// A closed store with an index, and what its searches find.
private struct IndexedStore {
  let path: String
  let dimension: Int
  let queries: [[Float]]
  /// What walks of the undamaged graph find.
  var walked: [[Int]] = []
  /// What comparing with all rows finds.
  var exact: [[Int]] = []

  static let rows = 4_600

  /// `later` rows come after the index was first written, so that there is a log.
  init(_ folder: String, _ metric: Metric, dimension: Int, later: Int) async throws {
    path = folder + "/s"
    self.dimension = dimension
    queries = (0..<8).map { Numbered.vector(1_000_000 + $0, dimension: dimension) }
    let options = CollectionOptions(dimension: dimension, metric: metric)
    let split = Self.rows - later
    for (first, last) in [(0, split), (split, Self.rows)] where first < last {
      let store = try VectorStore.open(at: path)
      if first == 0 { try await store.createCollection("c", options) }
      let records = Numbered.records(first..<last, dimension: dimension)
      _ = try await store.insertBatch(records, into: "c")
      try await store.index("c")
      try await store.close()
    }
    (walked, exact) = try await reading { (store) async throws in
      (try await rows(store), try await rows(store, exact: true))
    }
  }

  func reading<Result>(
    _ body: (VectorStore) async throws -> Result
  ) async throws -> Result {
    try await opened(.readOnly, body)
  }

  func opened<Result>(
    _ mode: StoreOptions.Mode,
    _ body: (VectorStore) async throws -> Result
  ) async throws -> Result {
    let store = try VectorStore.open(at: path, options: StoreOptions(mode: mode))
    let result = try await body(store)
    try await store.close()
    return result
  }

  func rows(_ store: VectorStore, exact: Bool = false) async throws -> [[Int]] {
    var found: [[Int]] = []
    for query in queries { found.append(try await rows(store, query, exact: exact)) }
    return found
  }

  func rows(_ store: VectorStore, _ query: [Float], exact: Bool = false) async throws -> [Int] {
    let rows = VectorRows(.float32(query), dimension: dimension)
    return try await store.nearestRows(rows, in: "c", exact: exact)[0].map(\.row)
  }

  /// Whether searches walk the graph.
  func walks(_ store: VectorStore) throws -> Bool {
    try store.searchCost(queries[0], in: "c").scored > 0
  }

  /// Replaces the data file by one with `change`, for as long as `body` runs.
  func damaged(
    _ change: (inout StoredBlocks) -> Void,
    _ body: () async throws -> Void
  ) async throws {
    let files = StoreFiles(folder: path)
    let before = try files.read("data.mdb")
    var blocks = StoredBlocks(before)
    change(&blocks)
    try files.write(blocks.bytes, to: "data.mdb")
    try await body()
    try files.write(before, to: "data.mdb")
  }
}

/// Long vectors have 4-bit codes, under l2 with lengths beside them, the others 8-bit ones; a log makes the
/// graph one of two sources.
private enum Shape: CaseIterable {
  case nibbles, nibblesAndLog, nibblesWithLengths, bytes, bytesAndLog

  func with(_ body: (IndexedStore) async throws -> Void) async throws {
    let isLong = self == .nibbles || self == .nibblesAndLog
    let hasLengths = self == .nibblesWithLengths
    let hasLog = self == .nibblesAndLog || self == .bytesAndLog
    try await TemporaryFolder.with { folder in
      let store = try await IndexedStore(
        folder,
        isLong ? .cosine : .l2,
        dimension: isLong ? 256 : hasLengths ? 300 : 70,
        later: hasLog ? 40 : 0
      )
      try await body(store)
    }
  }
}

@Suite struct `A damaged index` {
  @Test(arguments: Shape.allCases)
  fileprivate func `is walked while nothing of it was touched that is damaged`(
    _ shape: Shape
  ) async throws {
    try await shape.with { made in
      // A word that nothing is read from belongs to a block's checksum and to that of no run.
      try await made.damaged { blocks in
        for block in blocks.codes { blocks.bytes[block.offset + 40] ^= 4 }
      } _: {
        try await made.reading { (store) async throws in
          #expect(try made.walks(store))
          // Both the walk and, once the whole was looked at, the scan are right.
          let first = try await made.rows(store, made.queries[1])
          #expect(first == made.walked[1] || first == made.exact[1])
          store.waitForIndexChecks()
          #expect(try !made.walks(store))
          #expect(try await made.rows(store) == made.exact)
          #expect(try store.verify(.deep).problems.map(\.invariant) == ["I8"])
        }
      }
    }
  }

  @Test(arguments: Shape.allCases)
  fileprivate func `is set aside by the first walk that comes to the damage`(
    _ shape: Shape
  ) async throws {
    try await shape.with { made in
      let nearest = made.walked[0].first { $0 < 4_096 } ?? 0
      let damages: [(inout StoredBlocks) -> Void] = [
        { blocks in
          for block in blocks.codes where block.firstRow <= nearest {
            guard nearest < block.firstRow + block.rows else { continue }
            let row = nearest - block.firstRow
            // The code that walks score: packed behind the 8-bit ones, or those.
            let isPacked = block.payload > block.rows * (block.stride + 8)
            let place =
              isPacked ? block.rows * block.stride + row * block.stride / 2 : row * block.stride
            blocks.bytes[block.first + place + 5] ^= 0x20
          }
        },
        { blocks in
          // The entry point and the lists of the layers above.
          for block in blocks.links where block.firstRow == 0 { blocks.bytes[block.first] ^= 1 }
        },
      ]
      for damage in damages {
        try await made.damaged(damage) {
          try await made.reading { (store) async throws in
            #expect(try await made.rows(store, made.queries[0]) == made.exact[0])
            #expect(try !made.walks(store))
            #expect(try await made.rows(store) == made.exact)
          }
          // All queries of a batch, of which the first ones may have been walked before the damage.
          try await made.reading { (store) async throws in
            let numbers = made.queries.reversed().flatMap(\.self)
            let batch = VectorRows(.float32(numbers), dimension: made.dimension)
            let found = try await store.nearestRows(batch, in: "c", threads: 1)
            #expect(Array(found.map { $0.map(\.row) }.reversed()) == made.exact)
          }
        }
      }
    }
  }

  @Test(arguments: Shape.allCases)
  fileprivate func `gives right answers wherever a bit is flipped`(_ shape: Shape) async throws {
    try await shape.with { made in
      var random = SeededGenerator(seed: 77)
      for flip in 0..<60 {
        try await made.damaged { blocks in
          guard let block = blocks.blocks.randomElement(using: &random) else { return }
          // Every third one in the header or in the checksums behind the rows.
          var place = Int.random(in: 0..<block.byteCount, using: &random)
          if flip % 6 == 0 { place = Int.random(in: 0..<48, using: &random) }
          if flip % 6 == 3, 48 + block.payload < block.byteCount {
            place = Int.random(in: (48 + block.payload)..<block.byteCount, using: &random)
          }
          blocks.bytes[block.offset + place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        } _: {
          try await made.reading { (store) async throws in
            for (number, query) in made.queries.enumerated() {
              let found = try await made.rows(store, query)
              #expect(found == made.walked[number] || found == made.exact[number], "flip \(flip)")
            }
            store.waitForIndexChecks()
            let isSound = try store.verify(.deep).problems.isEmpty
            // A block that no commit needs any more may have any bytes.
            #expect(try made.walks(store) == isSound, "flip \(flip)")
          }
        }
      }
    }
  }

  @Test(arguments: Shape.allCases)
  fileprivate func `is built again when the damage is met late`(_ shape: Shape) async throws {
    try await shape.with { made in
      try await made.damaged { blocks in
        for block in blocks.codes { blocks.bytes[block.offset + 40] ^= 4 }
      } _: {
        try await made.opened(.readWrite) { (store) async throws in
          _ = try await made.rows(store, made.queries[0])
          store.waitForIndexChecks()
          #expect(try await made.rows(store) == made.exact)
          // The first part of the new graph takes the place of the damaged one, which counts as linked.
          while try !made.walks(store) { try await Task.sleep(for: .milliseconds(1)) }
          try await store.index("c")
          #expect(try store.verify(.deep).problems == [])
        }
        try await made.reading { (store) async throws in
          #expect(try store.verify(.deep).problems == [])
          #expect(try made.walks(store))
        }
      }
    }
  }

  /// Queries report a damaged version as long as they hold it, and the indexer may be given up while the
  /// new graph is published already: what is on disk is written again all the same.
  @Test(arguments: Shape.allCases, [false, true])
  fileprivate func `is written again however late it is reported`(
    _ shape: Shape,
    isOfNewOne: Bool
  ) async throws {
    try await shape.with { made in
      try await made.damaged { blocks in
        for block in blocks.codes { blocks.bytes[block.offset + 40] ^= 4 }
      } _: {
        try await made.opened(.readWrite) { (store) async throws in
          let collection = try store.snapshot().collection("c")
          let damaged = try #require(collection.index)
          _ = try await made.rows(store, made.queries[0])
          store.waitForIndexChecks()
          #expect(try await made.rows(store) == made.exact)
          while try !made.walks(store) { try await Task.sleep(for: .milliseconds(1)) }
          try await store.index("c")
          let rebuilt = try #require(try store.snapshot().collection("c").index)
          store.indexIsDamaged(isOfNewOne ? rebuilt : damaged, of: collection.record.id)
          let more = Numbered.records(
            IndexedStore.rows..<(IndexedStore.rows + 40),
            dimension: made.dimension
          )
          if isOfNewOne { _ = try await store.insertBatch(more, into: "c") }
          try await store.index("c")
        }
        try await made.reading { (store) async throws in
          #expect(try store.verify(.deep).problems == [])
          #expect(try made.walks(store))
        }
      }
    }
  }

  @Test(arguments: Shape.allCases)
  fileprivate func `is found in blocks without checksums of runs, which are read as before`(
    _ shape: Shape
  ) async throws {
    try await shape.with { made in
      try await made.damaged { blocks in
        let count = blocks.removeRuns()
        #expect(count == blocks.blocks.count)
      } _: {
        try await made.reading { (store) async throws in
          #expect(try await made.rows(store) == made.walked)
          store.waitForIndexChecks()
          #expect(try await made.rows(store) == made.walked)
          #expect(try made.walks(store))
          #expect(try store.verify(.deep).problems == [])
        }
        try await made.damaged { blocks in
          for block in blocks.codes where block.firstRow == 0 {
            blocks.bytes[block.first + block.payload - 3] ^= 2
          }
        } _: {
          try await made.reading { (store) async throws in
            let first = try await made.rows(store, made.queries[0])
            #expect(first == made.walked[0] || first == made.exact[0])
            store.waitForIndexChecks()
            #expect(try await made.rows(store) == made.exact)
          }
        }
      }
    }
  }

  @Test func `is asked for by many threads at once`() async throws {
    try await Shape.nibblesAndLog.with { made in
      for isDamaged in [false, true] {
        try await made.damaged { blocks in
          if isDamaged { for block in blocks.codes { blocks.bytes[block.offset + 40] ^= 4 } }
        } _: {
          try await made.reading { (store) async throws in
            try await withThrowingTaskGroup(of: Void.self) { group in
              for task in 0..<6 {
                group.addTask {
                  for turn in 0..<8 {
                    let number = (task + turn) % made.queries.count
                    let found = try await made.rows(store, made.queries[number])
                    #expect(found == made.walked[number] || found == made.exact[number])
                  }
                }
              }
              try await group.waitForAll()
            }
            store.waitForIndexChecks()
            #expect(try made.walks(store) == !isDamaged)
          }
          // Closing ends a check that is under way, and whoever opens next meets nobody.
          for _ in 0..<20 {
            try await made.reading { store in _ = try await made.rows(store, made.queries[0]) }
          }
        }
      }
    }
  }
}
