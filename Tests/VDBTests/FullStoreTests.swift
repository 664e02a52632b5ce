import Foundation
import TestSupport
import Testing
import VDB

@Suite struct `A store without room` {
  /// Fills a store batch by batch until one is refused, and returns the error and the rows before it.
  static func fill(_ store: VectorStore) async throws -> (error: VectorStoreError, rows: Int) {
    let batch = 200
    for number in 0..<1000 {
      do throws(VectorStoreError) {
        let range = number * batch..<(number + 1) * batch
        try await store.insertBatch(Numbered.records(range, dimension: 128), into: "c")
      } catch {
        return (error, number * batch)
      }
    }
    throw CocoaError(.fileWriteOutOfSpace)
  }

  static let options = CollectionOptions(dimension: 128, metric: .l2, indexing: .manual)

  /// What a store that was filled up must still do, and goes on doing after `makeRoom`.
  static func check(
    _ store: VectorStore,
    rows: Int,
    makeRoom: (VectorStore) async throws -> VectorStore
  ) async throws {
    let before = try Contents(store)
    #expect(before.collections["c"] == Numbered.records(0..<rows, dimension: 128))
    #expect(before.sequence == SequenceNumber(UInt64(rows)))
    for number in [0, rows / 2, rows - 1] {
      let query = Numbered.vector(number, dimension: 128)
      #expect(try store.search(query, in: "c", limit: 1).first?.id == .integer(Int64(number)))
    }
    #expect(try store.verify(.deep).problems == [])
    let roomy = try await makeRoom(store)
    #expect(try Contents(roomy) == before)
    let more = Numbered.records(rows..<rows + 600, dimension: 128)
    let receipt = try await roomy.insertBatch(more, into: "c")
    #expect(receipt.sequences?.lowerBound == SequenceNumber(UInt64(rows + 1)))
    try await roomy.index("c")
    #expect(try roomy.count(in: "c") == rows + 600)
    #expect(try roomy.verify(.deep).problems == [])
    try await roomy.close()
  }

  @Test func `refuses batches when its map is full, and takes them in a larger one`() async throws {
    try await TemporaryFolder.with { folder in
      let size = 6 << 20
      let small = StoreOptions(mapSizeBytes: size)
      let store = try VectorStore.open(at: folder + "/s", options: small)
      try await store.createCollection("c", Self.options)
      let (error, rows) = try await Self.fill(store)
      #expect(error == .mapFull(limitBytes: size))
      #expect(error.description.contains("\(size)"))
      #expect(rows > 1000)
      // A smaller batch may still fit, and the next one that does not is refused like the first.
      try await expectRefusal(of: store, .mapFull(limitBytes: size)) {
        let records = Numbered.records(rows..<rows + 4000, dimension: 128)
        try await store.insertBatch(records, into: "c")
      }
      try await Self.check(store, rows: rows) { full in
        try await full.close()
        return try VectorStore.open(at: folder + "/s")
      }
    }
  }

  @Test func `refuses batches when the disk is full, and takes them later`() async throws {
    try await TemporaryFolder.with { folder in
      guard let disk = SmallDisk(at: folder + "/disk", megabytes: 8) else {
        print("no small disk can be mounted here: the full disk is not tested")
        return
      }
      defer { disk.remove() }
      let ballast = URL(filePath: disk.path + "/ballast")
      try Data(count: 3 << 20).write(to: ballast)
      let store = try VectorStore.open(at: disk.path + "/s")
      try await store.createCollection("c", Self.options)
      let (error, rows) = try await Self.fill(store)
      #expect(error == .diskFull(path: store.path))
      #expect(rows > 1000)
      try await Self.check(store, rows: rows) { full in
        try FileManager.default.removeItem(at: ballast)
        return full
      }
    }
  }

  @Test func `is not created on a full disk`() async throws {
    try await TemporaryFolder.with { folder in
      guard let disk = SmallDisk(at: folder + "/disk", megabytes: 1) else {
        print("no small disk can be mounted here: the full disk is not tested")
        return
      }
      defer { disk.remove() }
      let ballast = URL(filePath: disk.path + "/ballast")
      try Data(count: (1 << 20) - 16_384).write(to: ballast)
      let path = disk.path + "/s"
      await expectError(.diskFull(path: path), saying: [path]) {
        _ = try VectorStore.open(at: path)
      }
      // What is left over is not taken for a store, and not in the way of one.
      try FileManager.default.removeItem(at: ballast)
      await expectError(.notFound(path: path)) {
        _ = try VectorStore.open(at: path, options: StoreOptions(mode: .readOnly))
      }
      let store = try VectorStore.open(at: path)
      try await store.createCollection("c", CollectionOptions(dimension: 2))
      try await store.insertBatch(Numbered.records(0..<10, dimension: 2), into: "c")
      try await store.close()
    }
  }

  @Test func `is read from a disk that cannot be written, and not written`() async throws {
    try await TemporaryFolder.with { folder in
      guard let disk = SmallDisk(at: folder + "/disk", megabytes: 16) else {
        print("no small disk can be mounted here: the read-only disk is not tested")
        return
      }
      defer { disk.remove() }
      let path = disk.path + "/s"
      let writer = try VectorStore.open(at: path)
      try await writer.createCollection("c", CollectionOptions(dimension: 4))
      try await writer.insertBatch(Numbered.records(0..<1500, dimension: 4), into: "c")
      try await writer.index("c")
      try await writer.close()
      try #require(disk.makeReadOnly())
      let error = #expect(throws: VectorStoreError.self) { _ = try VectorStore.open(at: path) }
      guard case .permissionDenied(path: path) = error else {
        Issue.record("\(String(describing: error))")
        return
      }
      let reader = try VectorStore.open(at: path, options: StoreOptions(mode: .readOnly))
      let query = Numbered.vector(1234, dimension: 4)
      #expect(try reader.search(query, in: "c", limit: 1).first?.id == 1234)
      #expect(try reader.verify(.deep).problems == [])
      try await reader.close()
    }
  }
}
