import VectorKernels

/// The kinds of values that hold rows side by side.
enum BlockKind: UInt8 {
  case vectors = 1
  case codes = 2
  case graph = 3
}

/// The 48 bytes before the rows of a block; see docs/file-format.md.
struct BlockHeader: Equatable {
  static let byteCount = 48
  private static let magic: UInt32 = 0x4B4C_4256

  let kind: BlockKind
  let firstRow: UInt64
  let rows: UInt32
  let stride: UInt32
  let generation: UInt32
  /// Rows that share a checksum of their own behind the payload; 0: there are none.
  let runRows: UInt32
  let payloadBytes: UInt64

  /// The size of a value with so many bytes of rows: padded so that LMDB keeps it on pages of its own,
  /// where it never moves while it exists.
  static func valueBytes(payload: Int, pageSize: Int) -> Int {
    max(byteCount + payload, pageSize - 16)
  }

  /// Writes header and checksum at the front of `value`, whose rows are in place already.
  func write(to value: UnsafeMutableRawBufferPointer, key: [UInt8]) {
    var writer = ByteWriter(capacity: Self.byteCount)
    writer.put(Self.magic)
    writer.put(kind.rawValue)
    writer.put(contentsOf: [0, 0, 0])
    writer.put(firstRow)
    writer.put(rows)
    writer.put(stride)
    writer.put(generation)
    writer.put(runRows)
    writer.put(payloadBytes)
    writer.put(UInt32(0))
    let sum = unsafe Self.checksum(
      key: key,
      head: writer.bytes,
      payload: unsafe UnsafeRawBufferPointer(rebasing: value.dropFirst(Self.byteCount))
    )
    writer.put(sum)
    unsafe writer.bytes.withRawBytes { unsafe value.copyMemory(from: $0) }
  }

  /// Reads the header alone, without touching the rows.
  init(
    decoding value: UnsafeRawBufferPointer,
    kind expected: BlockKind
  ) throws(MalformedBytes) {
    var reader = unsafe ByteReader(value)
    guard try reader.take(UInt32.self) == Self.magic else {
      throw MalformedBytes("no block header")
    }
    guard try reader.take(UInt8.self) == expected.rawValue else {
      throw MalformedBytes("a block of another kind")
    }
    _ = unsafe try reader.take(count: 3)
    kind = expected
    firstRow = try reader.take()
    rows = try reader.take()
    stride = try reader.take()
    generation = try reader.take()
    runRows = try reader.take()
    payloadBytes = try reader.take()
    guard value.count >= Self.byteCount, payloadBytes <= UInt64(value.count - Self.byteCount) else {
      throw MalformedBytes("a block shorter than its header says")
    }
  }

  init(
    kind: BlockKind,
    firstRow: UInt64,
    rows: UInt32,
    stride: UInt32,
    generation: UInt32 = 0,
    runRows: UInt32 = 0,
    payloadBytes: UInt64
  ) {
    self.kind = kind
    self.firstRow = firstRow
    self.rows = rows
    self.stride = stride
    self.generation = generation
    self.runRows = runRows
    self.payloadBytes = payloadBytes
  }

  /// What a block says of its runs, without a look at the rest; 0 in one that is no block.
  static func runRows(of value: UnsafeRawBufferPointer) -> UInt32 {
    guard value.count >= byteCount else { return 0 }
    return unsafe UInt32(littleEndian: value.loadUnaligned(fromByteOffset: 28, as: UInt32.self))
  }

  /// Whether the checksum over key, header and rows is the one stored.
  static func isIntact(_ value: UnsafeRawBufferPointer, key: [UInt8]) -> Bool {
    guard value.count >= byteCount else { return false }
    let stored = unsafe UInt32(
      littleEndian: value.loadUnaligned(fromByteOffset: 44, as: UInt32.self)
    )
    let sum = unsafe checksum(
      key: key,
      head: unsafe value.prefix(44),
      payload: unsafe UnsafeRawBufferPointer(rebasing: value.dropFirst(byteCount))
    )
    return sum == stored
  }

  private static func checksum(
    key: [UInt8],
    head: some Sequence<UInt8>,
    payload: UnsafeRawBufferPointer
  ) -> UInt32 {
    let sum = unsafe (key + Array(head)).withRawBytes { unsafe Checksum.crc32c($0) }
    return unsafe Checksum.crc32c(payload, seed: sum)
  }
}

/// How a collection's rows are cut into blocks: a power of two of them, at most 256 KiB.
struct BlockShape: Equatable, Sendable {
  /// Rows of a block: `1 << shift`.
  let shift: UInt32
  /// Bytes from one row to the next.
  let stride: Int

  static let targetBytes = 256 * 1024
  static let maxShift: UInt32 = 12

  init(stride: Int) {
    var shift: UInt32 = 0
    while shift < Self.maxShift, stride << (shift + 1) <= Self.targetBytes { shift += 1 }
    self.shift = shift
    self.stride = stride
  }

  var rows: Int { 1 << Int(shift) }
  var mask: UInt32 { UInt32(rows - 1) }
  func block(of row: Row) -> UInt32 { row >> shift }
  func firstRow(of block: UInt32) -> Row { block << shift }
  /// Blocks needed for rows `0..<count`: none where rows have no bytes.
  func blocks(for count: Row) -> Int { stride == 0 ? 0 : (Int(count) + rows - 1) >> Int(shift) }
  /// Blocks that rows `0..<count` fill.
  func fullBlocks(for count: Row) -> Int { stride == 0 ? 0 : Int(count) >> Int(shift) }
}
