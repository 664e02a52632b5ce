import Foundation
import TestSupport
import Testing

@testable import VDB

@Suite struct `Ids in the table` {
  /// Ids that share beginnings, and some that are the beginning of others.
  static func ids(_ count: Int, _ generator: inout SeededGenerator) -> [RecordID] {
    var ids: Set<RecordID> = []
    while ids.count < count {
      switch Int.random(in: 0..<6, using: &generator) {
      case 0: ids.insert(.integer(Int64.random(in: -5000...5000, using: &generator)))
      case 1: ids.insert(.string("page-\(Int.random(in: 0..<5000, using: &generator))"))
      case 2:
        ids.insert(
          .string(String(repeating: "a", count: Int.random(in: 1...200, using: &generator)))
        )
      case 3:
        ids.insert(
          .string("a" + String(repeating: "\0", count: Int.random(in: 1...20, using: &generator)))
        )
      case 4:
        ids.insert(
          .string("the same beginning/\(UInt64.random(in: 0...UInt64.max, using: &generator))")
        )
      default: ids.insert(.uuid(UUID()))
      }
    }
    return Array(ids)
  }

  static func records(_ ids: some Sequence<RecordID>, _ text: String) -> [Record] {
    ids.map { Record(id: $0, vector: [], document: text) }
  }

  static func awaitMerge(of count: Int, in store: VectorStore) async throws {
    func merged() throws -> Int {
      try store.statistics().tables.first { $0.name == "ids" }?.entries ?? -1
    }
    let start = ContinuousClock.now
    while try merged() < count, ContinuousClock.now - start < .seconds(120) {
      try await Task.sleep(for: .milliseconds(20))
    }
    #expect(try merged() == count)
  }

  @Test func `are found again by batches that replace some and add others`() async throws {
    try await TemporaryFolder.with { folder in
      let path = folder + "/s"
      let seed = UInt64.random(in: 0...UInt64.max)
      var generator = SeededGenerator(seed: seed)
      let ids = Self.ids(4_000, &generator)
      var known = 1_000
      var store = try VectorStore.open(at: path)
      try await store.createCollection("c", CollectionOptions(dimension: 0))
      try await store.insertBatch(Self.records(ids[..<known], "first"), into: "c")
      for round in 0..<3 {
        // Merged while the store stays open, then by closing it.
        if round == 1 {
          try await Self.awaitMerge(of: known, in: store)
        } else {
          try await store.close()
          store = try VectorStore.open(at: path)
        }
        let old = Set(ids[..<known].shuffled(using: &generator).prefix(300))
        let new = ids[known..<(known + 700)]
        known += 700
        let mixed = (Array(old) + Array(new)).shuffled(using: &generator)
        let batch = Self.records(mixed, "round \(round)")
        let receipt = try await store.insertBatch(batch, into: "c", mode: .upsert)
        #expect(receipt.replaced == 300 && receipt.inserted == 700, "seed \(seed)")
        let found = try store.get(ids, from: "c")
        for (id, record) in zip(ids, found) where old.contains(id) || new.contains(id) {
          #expect(record?.document == "round \(round)", "seed \(seed), \(id)")
        }
        #expect(found.count { $0 != nil } == known, "seed \(seed)")
        #expect(try store.verify(.deep).problems == [], "seed \(seed)")
      }
      try await store.close()
    }
  }

  @Test func `are known to a filter, which takes few others for them`() {
    let seed = UInt64.random(in: 0...UInt64.max)
    var generator = SeededGenerator(seed: seed)
    let hashes = (0..<300_000).map { _ in generator.next() }
    var filter = IDFilter()
    #expect(!filter.mayContain(hashes[0]))
    // Some before and some after what was found in a table.
    for hash in hashes[..<100_000] { filter.insert(hash) }
    var found = IDFilter.Part(capacity: 100_000)
    for hash in hashes[100_000..<200_000] { found.insert(hash) }
    filter.add(found)
    for hash in hashes[200_000...] { filter.insert(hash) }
    #expect(hashes.allSatisfy { filter.mayContain($0) }, "seed \(seed)")
    let others = (0..<100_000).count { _ in filter.mayContain(generator.next()) }
    #expect(others < 10_000, "seed \(seed)")
  }

  @Test func `are in no filter where they are too many, or not all seen`() {
    let integrity = IDsIntegrity(isNew: true, filterLimit: 5_000)
    let hashes = (0..<5_001).map { UInt64($0) << 40 }
    integrity.add(hashes: Array(hashes[..<2_500]))
    #expect(integrity.mayContain(hashes)?.prefix(2_500).allSatisfy { $0 } == true)
    #expect(integrity.mayContain(hashes)?.suffix(2_500).contains(false) == true)
    integrity.add(hashes: Array(hashes[2_500...]))
    #expect(integrity.mayContain(hashes) == nil)

    let unchecked = IDsIntegrity(isNew: false)
    unchecked.add(hashes: hashes)
    #expect(unchecked.mayContain(hashes) == nil)
    #expect(unchecked.isIntact { true })
    #expect(unchecked.mayContain(hashes)?.allSatisfy { $0 } == true)
  }

  @Test func `of one batch are told apart, and equal ones found wherever they are`() async throws {
    let seed = UInt64.random(in: 0...UInt64.max)
    var generator = SeededGenerator(seed: seed)
    var ids = Self.ids(1_000, &generator)
    let options = CollectionOptions(dimension: 0)
    _ = try PreparedBatch(RecordBatch(Self.records(ids, ""), dimension: 0), for: options)
    let (first, second) = (Int.random(in: 0..<999, using: &generator), 999)
    ids[second] = ids[first]
    await expectError(.duplicateIDInBatch(id: ids[first], first: first, second: second)) {
      _ = try PreparedBatch(RecordBatch(Self.records(ids, ""), dimension: 0), for: options)
    }
  }
}
