import Synchronization

/// Rows whose ids are not in the `ids` sub-database yet, found by the hash of their id.
///
/// Open addressing over atomic words, so that the writer inserts while readers look up without a lock.
/// An entry is a hint: whoever finds a row compares the id in its record, and ignores rows that its
/// snapshot does not have.
@safe
final class PendingIDs: @unchecked Sendable {
  private let slots: UnsafeMutablePointer<Atomic<UInt64>>
  private let mask: Int
  private let used = Atomic<Int>(0)

  /// Room for `capacity` rows before a larger table is needed.
  init(capacity: Int) {
    var size = 64
    while size < capacity * 2 { size *= 2 }
    mask = size - 1
    unsafe slots = .allocate(capacity: size)
    for index in 0..<size { unsafe (slots + index).initialize(to: Atomic(0)) }
  }

  deinit {
    unsafe slots.deinitialize(count: mask + 1)
    unsafe slots.deallocate()
  }

  /// Rows in the table.
  var count: Int { used.load(ordering: .relaxed) }

  /// FNV-1a with a final mix; spreads ids that differ in one digit.
  static func hash(_ key: UnsafeRawBufferPointer) -> UInt64 {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for index in 0..<key.count {
      hash = unsafe (hash ^ UInt64(key[index])) &* 0x0000_0100_0000_01B3
    }
    hash ^= hash >> 32
    hash = hash &* 0xD6E8_FEB8_6659_FD93
    return hash ^ (hash >> 32)
  }

  /// This table, or a larger one with the same rows that has room for `more` besides.
  func reserving(_ more: Int) -> PendingIDs {
    if (count + more) * 2 <= mask + 1 { return self }
    let larger = PendingIDs(capacity: count + more)
    forEach { larger.insert(hash: $0, row: $1) }
    return larger
  }

  /// A table with only the rows from `mark` on.
  func dropping(before mark: Row) -> PendingIDs {
    let rest = PendingIDs(capacity: 64)
    var table = rest
    forEach { hash, row in
      guard row >= mark else { return }
      table = table.reserving(1)
      table.insert(hash: hash, row: row)
    }
    return table
  }

  /// Adds a row; only the writer calls it.
  func insert(hash: UInt64, row: Row) {
    let entry = hash & 0xFFFF_FFFF_0000_0000 | UInt64(row) + 1
    var index = Int(truncatingIfNeeded: hash >> 32) & mask
    while true {
      let found = unsafe slots[index].load(ordering: .relaxed)
      if found == entry { return }
      if found == 0 { break }
      index = (index + 1) & mask
    }
    unsafe slots[index].store(entry, ordering: .releasing)
    used.wrappingAdd(1, ordering: .relaxed)
  }

  /// Calls `body` with rows that may carry the id, until it returns false.
  func forEachCandidate<Failure: Error>(
    hash: UInt64,
    _ body: (Row) throws(Failure) -> Bool
  ) throws(Failure) {
    let high = hash & 0xFFFF_FFFF_0000_0000
    var index = Int(truncatingIfNeeded: hash >> 32) & mask
    while true {
      let entry = unsafe slots[index].load(ordering: .acquiring)
      if entry == 0 { return }
      if entry & 0xFFFF_FFFF_0000_0000 == high {
        guard try body(Row(truncatingIfNeeded: entry) &- 1) else { return }
      }
      index = (index + 1) & mask
    }
  }

  /// The positions of the hashes that some row here may carry, ascending.
  ///
  /// One short loop over all of them, so that the processor waits for several slots at once.
  func candidates(among hashes: [UInt64]) -> [Int] {
    var found: [Int] = []
    for position in hashes.indices {
      let high = hashes[position] & 0xFFFF_FFFF_0000_0000
      var index = Int(truncatingIfNeeded: high >> 32) & mask
      var entry = unsafe slots[index].load(ordering: .acquiring)
      while entry != 0, entry & 0xFFFF_FFFF_0000_0000 != high {
        index = (index + 1) & mask
        entry = unsafe slots[index].load(ordering: .acquiring)
      }
      if entry != 0 { found.append(position) }
    }
    return found
  }

  /// Every row with the part of its hash that the table keeps.
  private func forEach(_ body: (UInt64, Row) -> Void) {
    for index in 0...mask {
      let entry = unsafe slots[index].load(ordering: .relaxed)
      if entry != 0 { body(entry & 0xFFFF_FFFF_0000_0000, Row(truncatingIfNeeded: entry) &- 1) }
    }
  }
}
