/// A collection's number in keys; never reused within a store.
struct CollectionID: Hashable, Sendable, Comparable {
  let number: UInt32
  static func < (left: Self, right: Self) -> Bool { left.number < right.number }
}

/// A record version's number within its collection: 0, 1, 2, … in the order of commits (I5).
package typealias Row = UInt32
