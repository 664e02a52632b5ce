/// Memory on a 64-byte boundary, zeroed, freed with its last reference.
///
/// Rows are copied into it before their number is published, and never changed after that, so readers
/// of published rows and the one thread that appends do not meet.
@safe
final class AlignedMemory: @unchecked Sendable {
  static let alignment = 64

  let base: UnsafeMutableRawPointer
  let byteCount: Int

  init(byteCount: Int) {
    self.byteCount = byteCount
    let base = UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: Self.alignment)
    unsafe base.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount)
    unsafe self.base = unsafe base
  }

  deinit { unsafe base.deallocate() }

  /// The same memory as a number, as block directories keep it.
  var address: UInt64 { unsafe UInt64(UInt(bitPattern: base)) }
}
