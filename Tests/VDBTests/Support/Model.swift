import Foundation
import TestSupport
import Testing
import VDB

/// A collection as a dictionary, searched by comparing with everything.
struct Model {
  struct Entry: Equatable {
    var record: Record
    /// Its number among all rows ever committed.
    var row: Int
  }

  let reference: Reference
  private(set) var entries: [RecordID: Entry] = [:]
  private(set) var nextRow = 0
  private var nextID = 0

  init(_ options: CollectionOptions) { reference = Reference(options: options) }

  /// Records in the order of their commits.
  var ordered: [Entry] { entries.values.sorted { $0.row < $1.row } }

  /// An id that was never used, of any of the three kinds.
  mutating func freshID(_ random: inout SeededGenerator) -> RecordID {
    nextID += 1
    switch Int.random(in: 0..<4, using: &random) {
    case 0: return .integer(Int64(nextID) * (Bool.random(using: &random) ? 1 : -1))
    case 1:
      let bytes = (UInt8(nextID & 255), UInt8(nextID >> 8))
      return .uuid(
        UUID(uuid: (bytes.0, bytes.1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7))
      )
    case 2: return .string("\(nextID)")
    default: return .string(String(repeating: "ä", count: 1 + nextID % 230) + "\(nextID)")
    }
  }

  /// A record that the collection takes; now and then its vector is one that is there already.
  func record(_ id: RecordID, _ random: inout SeededGenerator) -> Record {
    var vector = reference.vector(&random)
    if Int.random(in: 0..<10, using: &random) == 0, let twin = entries.values.first {
      vector = twin.record.vector
    }
    let number = Int64.random(in: -1000...1000, using: &random)
    return Record(
      id: id,
      vector: vector,
      metadata: number < 0 ? [:] : ["n": .int(number), "list": [1.5, "x", nil]],
      document: number.isMultiple(of: 3) ? "document \(number)" : nil
    )
  }

  /// Applies a batch that the store took.
  mutating func insert(_ records: [Record]) {
    for var record in records {
      record.vector = reference.stored(record.vector)
      entries[record.id] = Entry(record: record, row: nextRow)
      nextRow += 1
    }
  }

  mutating func delete(_ ids: [RecordID]) {
    for id in ids { entries[id] = nil }
  }

  /// Compaction numbers the rows anew and keeps their order.
  mutating func compact() {
    for (row, entry) in ordered.enumerated() { entries[entry.record.id]?.row = row }
    nextRow = entries.count
  }

  /// Ids that are there, chosen at random.
  func someIDs(_ count: Int, _ random: inout SeededGenerator) -> [RecordID] {
    Array(ordered.map(\.record.id).shuffled(using: &random).prefix(count))
  }

  /// Holds an answer against all records: each distance is right, the order is kept, and where
  /// everything was compared nothing nearer is left out.
  ///
  /// - Returns: the share of the results that are as near as the nearest ones.
  @discardableResult
  func check(
    _ results: [SearchResult],
    of query: [Float],
    limit: Int,
    isExact: Bool,
    _ location: SourceLocation = #_sourceLocation
  ) -> Double {
    let all = entries.values.map { reference.distance(query, $0.record.vector) }
      .sorted { $0.value < $1.value }
    let expected = min(limit, all.count)
    #expect(results.count == expected, sourceLocation: location)
    #expect(Set(results.map(\.id)).count == results.count, "an id twice", sourceLocation: location)
    var near = 0
    for (place, result) in results.enumerated() {
      guard let entry = entries[result.id] else {
        Issue.record("\(result.id) is not there", sourceLocation: location)
        continue
      }
      let own = reference.distance(query, entry.record.vector)
      let distance = Double(result.distance)
      #expect(abs(distance - own.value) <= own.tolerance, "\(result.id)", sourceLocation: location)
      #expect(
        abs(Double(result.score) - reference.score(own.value)) <= own.tolerance,
        sourceLocation: location
      )
      if place > 0, let before = entries[results[place - 1].id] {
        let previous = results[place - 1].distance
        let isOrdered =
          previous < result.distance || (previous == result.distance && before.row < entry.row)
        #expect(isOrdered, "places \(place - 1) and \(place)", sourceLocation: location)
      }
      guard place < all.count else { continue }
      let best = all[place]
      if isExact {
        #expect(
          abs(distance - best.value) <= best.tolerance + own.tolerance,
          "place \(place)",
          sourceLocation: location
        )
      }
      let farthest = all[expected - 1]
      if distance <= farthest.value + farthest.tolerance { near += 1 }
    }
    return expected == 0 ? 1 : Double(near) / Double(expected)
  }
}
