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
  /// Valid as long as the value it was decoded from.
  let vectors: UnsafeRawBufferPointer
  let deleted: [Row]

  static let headerBytes = 24

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

  /// A value without its checksum.
  static func encode(
    _ operation: Operation,
    firstRow: Row,
    rows: UInt32,
    firstVectorRow: Row,
    stride: Int,
    vectors: UnsafeRawBufferPointer,
    deleted: [Row]
  ) -> [UInt8] {
    var writer = ByteWriter(
      capacity: headerBytes + vectors.count + 4 * deleted.count + SealedValue.checksumBytes
    )
    writer.put(operation.rawValue)
    writer.put(contentsOf: [0, 0, 0])
    writer.put(firstRow)
    writer.put(rows)
    writer.put(firstVectorRow)
    writer.put(UInt32(deleted.count))
    writer.put(UInt32(stride))
    unsafe writer.put(vectors)
    for row in deleted { writer.put(row) }
    return writer.bytes
  }
}
