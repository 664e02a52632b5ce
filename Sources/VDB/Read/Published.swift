import HNSW
import Synchronization

/// A reference that one thread at a time replaces and any number of threads read without a lock.
///
/// A reader announces the object it is about to retain in a slot of its own (a hazard pointer, Michael
/// 2004) and looks again whether it is still the current one; whoever replaces it gives up its own
/// reference only when no slot names the old object. Readers never wait; a replacement waits for the
/// few instructions between a reader's announcement and its retain.
@safe
final class Published<Object: AnyObject & Sendable>: @unchecked Sendable {
  private let slots: UnsafeMutablePointer<Slot>
  private let current: Atomic<UInt>
  private static var slotCount: Int { 64 }

  /// One reader's announcement, alone on its cache line.
  private struct Slot: ~Copyable {
    let object = Atomic<UInt>(0)
    let padding: (UInt, UInt, UInt, UInt, UInt, UInt, UInt) = (0, 0, 0, 0, 0, 0, 0)
  }

  init(_ object: Object) {
    unsafe slots = .allocate(capacity: Self.slotCount)
    for index in 0..<Self.slotCount { unsafe (slots + index).initialize(to: Slot()) }
    current = unsafe Atomic(UInt(bitPattern: Unmanaged.passRetained(object).toOpaque()))
  }

  deinit {
    Self.release(current.load(ordering: .acquiring))
    unsafe slots.deinitialize(count: Self.slotCount)
    unsafe slots.deallocate()
  }

  /// The current object, or `nil` after `clear`.
  func load() -> Object? {
    var index = Self.firstSlot()
    var seen = current.load(ordering: .sequentiallyConsistent)
    if seen == 0 { return nil }
    // A free slot is claimed by writing the announcement into it.
    while true {
      let claim = unsafe slots[index].object.compareExchange(
        expected: 0,
        desired: seen,
        ordering: .sequentiallyConsistent
      )
      if claim.exchanged { break }
      index = (index + 1) & (Self.slotCount - 1)
    }
    while seen != 0 {
      let now = current.load(ordering: .sequentiallyConsistent)
      if now == seen { break }
      seen = now
      unsafe slots[index].object.store(seen, ordering: .sequentiallyConsistent)
    }
    guard seen != 0 else { return nil }
    // Retained explicitly before the announcement is withdrawn. An exchange, since the optimizer holds that
    // a plain store, atomic or not, cannot release an object, and moves the retain behind it (Swift 6.3.1).
    let object = unsafe Self.unmanaged(seen).retain()
    _ = unsafe slots[index].object.exchange(0, ordering: .sequentiallyConsistent)
    return unsafe object.takeRetainedValue()
  }

  /// Puts `object` in the current one's place.
  ///
  /// One caller at a time.
  func store(_ object: Object) {
    replace(by: unsafe UInt(bitPattern: Unmanaged.passRetained(object).toOpaque()))
  }

  /// Gives the current object up; nothing is published any more.
  ///
  /// One caller at a time.
  func clear() { replace(by: 0) }

  private func replace(by new: UInt) {
    let old = current.exchange(new, ordering: .sequentiallyConsistent)
    if old == 0 { return }
    for index in 0..<Self.slotCount {
      while unsafe slots[index].object.load(ordering: .sequentiallyConsistent) == old {
        // The reader is between two instructions, or the scheduler took its core away meanwhile.
        yieldThread()
      }
    }
    Self.release(old)
  }

  private static func unmanaged(_ bits: UInt) -> Unmanaged<Object> {
    guard let pointer = unsafe UnsafeRawPointer(bitPattern: bits) else {
      preconditionFailure("a published reference is never null")
    }
    return unsafe Unmanaged<Object>.fromOpaque(pointer)
  }

  private static func release(_ bits: UInt) {
    if bits != 0 { unsafe unmanaged(bits).release() }
  }

  /// Where this thread begins to look for a free slot: by its stack's address, so that threads spread.
  private static func firstSlot() -> Int {
    var local: UInt8 = 0
    return unsafe withUnsafePointer(to: &local) { pointer in
      Int((UInt(bitPattern: pointer) >> 14) % UInt(slotCount))
    }
  }
}
