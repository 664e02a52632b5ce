/// One committed operation as the indexer and a reopening see it: which rows came and went, and the
/// vectors that are in no block yet.
@safe
struct WALEntry {
  enum Operation: UInt8 {
    case insert = 1
    case delete = 2
  }

  let operation: Operation
  let firstRow: Row
  let rows: UInt32
  /// The first row whose vector is in `vectors`; the rows before it went into blocks.
  let firstVectorRow: Row
  let stride: UInt32
  /// Valid as long as the value it was decoded from, or the memory it was made of.
  let vectors: UnsafeRawBufferPointer
  let deleted: [Row]

  fileprivate static let headerBytes = 24
}

extension WALEntry {
  /// Takes a value without its checksum.
  init(decoding body: UnsafeRawBufferPointer) throws(MalformedBytes) {
    var reader = unsafe ByteReader(body)
    guard let operation = Operation(rawValue: try reader.take(UInt8.self)) else {
      throw MalformedBytes("unknown operation")
    }
    _ = unsafe try reader.take(count: 3)
    self.operation = operation
    firstRow = try reader.take()
    rows = try reader.take()
    firstVectorRow = try reader.take()
    let deletedCount = Int(try reader.take(UInt32.self))
    stride = try reader.take()
    let end = UInt64(firstRow) + UInt64(rows)
    guard firstVectorRow >= firstRow, UInt64(firstVectorRow) <= end, end <= UInt64(VDBLimits.rows)
    else { throw MalformedBytes("rows \(firstRow) to \(end), vectors from \(firstVectorRow)") }
    let vectorRows = Int(end) - Int(firstVectorRow)
    guard deletedCount * 4 <= reader.remaining, vectorRows * Int(stride) <= reader.remaining else {
      throw MalformedBytes("shorter than its counts say")
    }
    unsafe vectors = try reader.take(count: vectorRows * Int(stride))
    var deleted: [Row] = []
    deleted.reserveCapacity(deletedCount)
    for _ in 0..<deletedCount { deleted.append(try reader.take(UInt32.self)) }
    self.deleted = deleted
    try reader.expectEnd()
  }

  /// The size of its value, checksum included.
  var sealedByteCount: Int {
    unsafe Self.headerBytes + vectors.count + 4 * deleted.count + SealedValue.checksumBytes
  }

  /// Writes its value, of `sealedByteCount` bytes, with the checksum at the end.
  func writeSealed(to target: UnsafeMutableRawBufferPointer, key: [UInt8]) {
    var header = ByteWriter(capacity: Self.headerBytes)
    header.put(operation.rawValue)
    header.put(contentsOf: [0, 0, 0])
    header.put(firstRow)
    header.put(rows)
    header.put(firstVectorRow)
    header.put(UInt32(deleted.count))
    header.put(stride)
    unsafe header.bytes.withRawBytes { unsafe target.copyMemory(from: $0) }
    unsafe UnsafeMutableRawBufferPointer(rebasing: target.dropFirst(Self.headerBytes))
      .copyMemory(from: vectors)
    let firstDeleted = unsafe Self.headerBytes + vectors.count
    for (index, row) in deleted.enumerated() {
      let offset = firstDeleted + 4 * index
      unsafe target.storeBytes(of: row.littleEndian, toByteOffset: offset, as: UInt32.self)
    }
    unsafe SealedValue.seal(inPlace: target, key: key)
  }
}
