import Foundation
import Synchronization
import TestSupport
import Testing
import VDB

/// Runs `body` with a fresh open store and closes it afterwards.
func withStore<Result>(
  _ options: StoreOptions = StoreOptions(),
  _ body: (VectorStore) async throws -> Result
) async throws -> Result {
  try await TemporaryFolder.with { folder in
    let store = try VectorStore.open(at: folder + "/store", options: options)
    let result = try await body(store)
    try await store.close()
    return result
  }
}

/// Vectors and records that follow from their number alone.
enum Numbered {
  static func vector(_ number: Int, dimension: Int) -> [Float] {
    var random = SeededGenerator(seed: UInt64(number) &* 0x9E37_79B9 &+ 17)
    return (0..<dimension).map { _ in Float.random(in: -1...1, using: &random) }
  }

  static func records(_ range: Range<Int>, dimension: Int) -> [Record] {
    range.map { number in
      Record(
        id: .integer(Int64(number)),
        vector: vector(number, dimension: dimension),
        metadata: ["n": .int(Int64(number))]
      )
    }
  }
}

/// All that a caller can see of a store, to be compared before and after.
struct Contents: Equatable {
  var collections: [String: [Record]] = [:]
  var options: [String: CollectionOptions] = [:]
  var rows: [String: Int] = [:]
  var sequence: SequenceNumber

  init(_ store: VectorStore) throws {
    sequence = try store.statistics().lastSequence
    for info in try store.collections() {
      collections[info.name] = try store.scroll(info.name, limit: 100_000).records
      options[info.name] = info.options
      rows[info.name] = info.rows
    }
  }
}

/// Expects `body` to be refused with an error whose text says all of `words`, and to change nothing.
func expectRefusal(
  of store: VectorStore,
  _ expected: VectorStoreError,
  saying words: [String] = [],
  of name: String = "",
  _ location: SourceLocation = #_sourceLocation,
  by body: () async throws -> Void
) async throws {
  let before = try Contents(store)
  await expectError(expected, saying: words, of: name, location, by: body)
  #expect(try Contents(store) == before, "\(name): the store has changed", sourceLocation: location)
}

/// Expects `body` to throw exactly this error, with these words in its text.
func expectError(
  _ expected: VectorStoreError,
  saying words: [String] = [],
  of name: String = "",
  _ location: SourceLocation = #_sourceLocation,
  by body: () async throws -> Void
) async {
  do {
    try await body()
    Issue.record("\(name): not refused; expected \(expected)", sourceLocation: location)
  } catch let error as VectorStoreError {
    #expect(error == expected, "\(name)", sourceLocation: location)
    for word in words {
      #expect(error.description.contains(word), "no '\(word)'", sourceLocation: location)
    }
  } catch {
    Issue.record("\(name): another kind of error: \(error)", sourceLocation: location)
  }
}

/// What a writing task tells reading ones.
final class Progress: Sendable {
  /// Rows that there are receipts for.
  let committed = Atomic<Int>(0)
  let isDone = Atomic<Bool>(false)
  /// Queries answered so far.
  let answers = Atomic<Int>(0)
}
