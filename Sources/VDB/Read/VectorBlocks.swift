import Synchronization

/// Where the rows of a collection are in full precision, as one snapshot sees them: sealed blocks in
/// the map, and the last, unfinished block in memory.
///
/// Addresses of sealed blocks come from older transactions too: a block stays where it is until its key
/// is rewritten, and its pages are not reused while a snapshot that knew it lives.
@safe
final class VectorBlocks: @unchecked Sendable {
  let shape: BlockShape
  /// Address of each block's first row.
  private let addresses: UnsafeMutablePointer<UInt64>
  let count: Int
  /// Keeps the block in memory alive.
  let tail: AlignedMemory?
  /// Which blocks' checksums were found right in this process.
  let checked: CheckedBlocks

  init(shape: BlockShape, addresses: [UInt64], tail: AlignedMemory?, checked: CheckedBlocks) {
    self.shape = shape
    self.tail = tail
    self.checked = checked
    count = addresses.count
    unsafe self.addresses = .allocate(capacity: max(1, addresses.count))
    for (index, address) in addresses.enumerated() {
      unsafe (self.addresses + index).initialize(to: address)
    }
  }

  deinit { unsafe addresses.deallocate() }

  /// The addresses of the first `prefix` blocks, for the next version.
  func addresses(prefix: Int) -> [UInt64] {
    unsafe Array(UnsafeBufferPointer(start: addresses, count: min(prefix, count)))
  }

  /// Where block `block` begins.
  func base(of block: UInt32) -> UnsafeRawPointer {
    precondition(Int(block) < count, "block \(block) of \(count)")
    guard let pointer = unsafe UnsafeRawPointer(bitPattern: UInt(addresses[Int(block)])) else {
      preconditionFailure("block \(block) has no address")
    }
    return unsafe pointer
  }

  /// Where a row begins.
  ///
  /// The row must be one of the snapshot's.
  func address(of row: Row) -> UnsafeRawPointer {
    unsafe base(of: shape.block(of: row)) + Int(row & shape.mask) * shape.stride
  }
}

/// Blocks whose checksum has been compared, so that each is compared once in a process.
@safe
final class CheckedBlocks: @unchecked Sendable {
  private let flags: UnsafeMutablePointer<Atomic<UInt8>>
  private let capacity: Int

  init(capacity: Int) {
    self.capacity = max(64, capacity)
    unsafe flags = .allocate(capacity: self.capacity)
    for index in 0..<self.capacity { unsafe (flags + index).initialize(to: Atomic(0)) }
  }

  deinit {
    unsafe flags.deinitialize(count: capacity)
    unsafe flags.deallocate()
  }

  func contains(_ block: UInt32) -> Bool {
    unsafe Int(block) < capacity && flags[Int(block)].load(ordering: .relaxed) == 1
  }

  func insert(_ block: UInt32) {
    guard Int(block) < capacity else { return }
    unsafe flags[Int(block)].store(1, ordering: .relaxed)
  }

  func remove(_ block: UInt32) {
    guard Int(block) < capacity else { return }
    unsafe flags[Int(block)].store(0, ordering: .relaxed)
  }

  /// This set, or a larger one with the same members that has room for `blocks`.
  func reserving(_ blocks: Int) -> CheckedBlocks {
    if blocks <= capacity { return self }
    let larger = CheckedBlocks(capacity: blocks * 2)
    for block in 0..<UInt32(capacity) where contains(block) { larger.insert(block) }
    return larger
  }
}
