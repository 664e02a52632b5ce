/// One run of records in memory, 64-byte aligned: its own, or borrowed from an owner kept alive.
///
/// Safe to hold: the address is valid as long as the block is. Who may write to it is settled by
/// `MutableLayer`: only a builder, and only to blocks that no published graph shares.
@safe package final class GraphBlock: @unchecked Sendable {
  /// The first record.
  let address: UnsafeMutableRawPointer
  /// Bytes that may be read.
  let byteCount: Int
  private let owner: AnyObject?

  /// An own block whose bytes are yet to be written.
  init(uninitialized byteCount: Int) {
    unsafe address = .allocate(byteCount: byteCount, alignment: 64)
    self.byteCount = byteCount
    owner = nil
  }

  /// An own block with every word `LayerShape.none`.
  convenience init(byteCount: Int) {
    self.init(uninitialized: byteCount)
    clear(from: 0)
  }

  /// A view of memory that `owner` keeps valid and unchanged; never written to.
  init(borrowing address: UnsafeRawPointer, byteCount: Int, owner: AnyObject) {
    unsafe self.address = UnsafeMutableRawPointer(mutating: address)
    self.byteCount = byteCount
    self.owner = owner
  }

  /// An own block of `byteCount` bytes that starts with a copy of `other`.
  convenience init(copying other: GraphBlock, byteCount: Int) {
    self.init(uninitialized: byteCount)
    copy(from: other)
  }

  /// Takes over the bytes of `other`; what it does not have becomes `LayerShape.none`.
  func copy(from other: GraphBlock) {
    let common = min(byteCount, other.byteCount)
    unsafe address.copyMemory(from: other.address, byteCount: common)
    clear(from: common)
  }

  private func clear(from start: Int) {
    unsafe (address + start)
      .initializeMemory(as: UInt8.self, repeating: 0xFF, count: byteCount - start)
  }

  deinit {
    if owner == nil { unsafe address.deallocate() }
  }
}
