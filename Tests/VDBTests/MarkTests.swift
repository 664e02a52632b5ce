import TestSupport
import Testing

@testable import VDB

@Suite struct `A mark` {
  static let options = CollectionOptions(dimension: 1)
  static let batch = RecordBatch(ids: [1], vectors: VectorRows(.float32([1]), dimension: 1))

  @Test func `is committed with the records, or not at all`() async throws {
    try await TemporaryFolder.with { folder in
      let path = folder + "/s"
      var store = try VectorStore.open(at: path)
      try await store.createCollection("c", Self.options)
      let marks = [Mark(name: "at/1", value: [1, 2]), Mark(name: "at", value: [])]
      try await store.insertBatch(Self.batch, into: "c", marks: marks)
      let sorted = [marks[1], marks[0]]
      #expect(try store.marks(of: "c") == sorted)
      #expect(try store.marks(of: "c", prefix: "at/") == [marks[0]])
      // Refused with the batch.
      try await expectRefusal(of: store, .idExists(id: 1, row: 0)) {
        try await store.insertBatch(Self.batch, into: "c", marks: [Mark(name: "at", value: [9])])
      }
      #expect(try store.marks(of: "c") == sorted)
      try await store.close()
      store = try VectorStore.open(at: path)
      #expect(try store.marks(of: "c") == sorted)
      // Without records too; nil takes one away.
      let none = RecordBatch(ids: [], vectors: VectorRows(.float32([]), dimension: 1))
      try await store.insertBatch(none, into: "c", marks: [Mark(name: "at/1", value: nil)])
      #expect(try store.marks(of: "c") == [marks[1]])
      try await store.delete(ids: [1], from: "c")
      try await store.close()
      #expect(try await VectorStore.compact(at: path).rowsReclaimed == 1)
      store = try VectorStore.open(at: path)
      #expect(try store.marks(of: "c") == [marks[1]])
      #expect(try store.verify(.deep).problems == [])
      try await store.close()
    }
  }

  @Test func `goes with its collection`() async throws {
    try await withStore { store in
      try await store.createCollection("c", Self.options)
      try await store.setMarks([Mark(name: "m", value: [1])], of: "c")
      try await store.dropCollection("c")
      try await store.createCollection("c", Self.options)
      #expect(try store.marks(of: "c") == [])
      await expectError(.unknownCollection("d")) { _ = try store.marks(of: "d") }
      await expectError(.unknownCollection("d")) {
        try await store.setMarks([Mark(name: "m", value: [1])], of: "d")
      }
    }
  }

  @Test func `has limits`() async throws {
    try await withStore { store in
      try await store.createCollection("c", Self.options)
      let fit = Mark(
        name: String(repeating: "n", count: VDBLimits.markNameBytes),
        value: [UInt8](repeating: 1, count: VDBLimits.markBytes)
      )
      try await store.setMarks([fit], of: "c")
      #expect(try store.marks(of: "c") == [fit])
      var long = fit
      long.name += "n"
      var large = fit
      large.value?.append(1)
      for bad in [long, large, Mark(name: "", value: [])] {
        await #expect(throws: VectorStoreError.self) {
          try await store.insertBatch(Self.batch, into: "c", marks: [bad])
        }
      }
      #expect(try store.count(in: "c") == 0)
    }
  }
}
