import HNSW
import Synchronization

/// Whether an index that was read from disk is intact: looked at as a whole once, and until then run by run
/// by the walks that come there.
///
/// The index is derived: a damaged one is set aside and queries scan exactly until it is rebuilt (I8).
final class IndexIntegrity: Sendable {
  enum State: UInt8 {
    case unchecked = 0
    case intact = 1
    case damaged = 2
  }

  /// The blocks as they are stored; `nil` for an index that was built in this process.
  let stored: StoredIndex?
  /// What walks ask until all is known to be intact.
  let runs: RunChecks?
  private let value: Atomic<UInt8>
  private let isClaimed = Atomic<Bool>(false)

  /// Of an index that was built in this process and needs no check.
  init() {
    stored = nil
    runs = nil
    value = Atomic(State.intact.rawValue)
  }

  /// Of an index of which nothing was looked at.
  init(_ stored: StoredIndex) {
    self.stored = stored
    runs = stored.makeChecks()
    value = Atomic(State.unchecked.rawValue)
  }

  var state: State { State(rawValue: value.load(ordering: .acquiring)) ?? .damaged }

  /// Something damaged was met; that stays so.
  func noteDamage() { value.store(State.damaged.rawValue, ordering: .releasing) }

  /// Whether all of it is intact; the first caller pays for the check, which runs more than once only
  /// when threads race for it.
  ///
  /// - Returns: `nil` when `stop` was raised before it was known.
  func isIntact(in reading: SharedReadTransaction, stop: StopFlag? = nil) -> Bool? {
    switch state {
    case .intact: return true
    case .damaged: return false
    case .unchecked:
      guard let isIntact = stored?.isIntact(in: reading, stop: stop) else { return nil }
      if isIntact {
        _ = value.compareExchange(
          expected: State.unchecked.rawValue,
          desired: State.intact.rawValue,
          ordering: .acquiringAndReleasing
        )
      } else {
        noteDamage()
      }
      return state == .intact
    }
  }

  /// Whether nobody has asked before: one thread looks at the whole in the background.
  func claim() -> Bool { !isClaimed.exchange(true, ordering: .relaxed) }
}

extension CollectionSnapshot {
  /// The index if there is one and all of it is intact; compares all checksums unless that was done.
  func intactIndex(in reading: SharedReadTransaction) -> IndexVersion? {
    guard let index, index.integrity.isIntact(in: reading) == true else { return nil }
    return index
  }
}
