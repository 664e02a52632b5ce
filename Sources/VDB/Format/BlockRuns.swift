import HNSW
import VectorKernels

/// How a block of codes or links is cut into runs, each with a checksum behind the payload, so that a walk
/// which comes to a few rows reads a few kilobytes to know that they are whole; see docs/file-format.md.
///
/// A run's checksum covers what walks read of its rows. That of the block covers all, the others too.
struct BlockRuns: Equatable, Sendable {
  /// Bytes that walks read: `stride` of each row, from `offset` in the payload on.
  struct Area: Equatable, Sendable {
    let offset: Int
    let stride: Int
  }

  let areas: [Area]
  /// Rows of a run: 1 << shift.
  let shift: UInt32

  static let sumBytes = 4

  /// Of blocks of codes: those by which the graph is searched.
  init(_ layout: CodeLayout) {
    if layout.secondStride > 0 {
      areas = [Area(offset: layout.secondOffset, stride: layout.secondStride)]
    } else {
      areas = [
        Area(offset: 0, stride: layout.shape.stride),
        Area(offset: layout.auxOffset, stride: layout.auxBytes),
      ]
    }
    let rowBytes = areas.reduce(0) { $0 + $1.stride }
    var shift: UInt32 = 0
    while shift < layout.shape.shift, rowBytes << Int(shift + 1) <= LayerShape.runBytes {
      shift += 1
    }
    self.shift = shift
  }

  /// Of blocks of a layer's records.
  init(_ shape: LayerShape) {
    areas = [Area(offset: 0, stride: shape.strideBytes)]
    shift = shape.runShift
  }

  var rows: Int { 1 << Int(shift) }
  /// Runs of a block of `rows` rows.
  func count(rows: Int) -> Int { (rows + self.rows - 1) >> Int(shift) }

  /// The checksums of all runs, as they stand behind the payload.
  func sums(of payload: UnsafeRawBufferPointer, rows: Int, key: [UInt8]) -> [UInt8] {
    var writer = ByteWriter(capacity: count(rows: rows) * Self.sumBytes)
    for run in 0..<count(rows: rows) {
      unsafe writer.put(sum(of: run, in: payload, rows: rows, key: key))
    }
    return writer.bytes
  }

  /// What was found out about a run.
  enum Finding { case runIsWhole, blockIsWhole, damaged }

  /// Compares a run of a stored block; all of the block where there are no such runs in it.
  ///
  /// `value` is the block with its header, of which `payload` bytes belong to its `rows` rows.
  func compare(
    _ run: Int,
    of value: UnsafeRawBufferPointer,
    payload: Int,
    rows: Int,
    key: [UInt8]
  ) -> Finding {
    let table = BlockHeader.byteCount + payload
    let end = table + count(rows: rows) * Self.sumBytes
    guard unsafe BlockHeader.runRows(of: value) == self.rows, end <= value.count else {
      return unsafe BlockHeader.isIntact(value, key: key) ? .blockIsWhole : .damaged
    }
    // Where a log added nodes to the block there are runs that it does not have.
    guard run < count(rows: rows) else { return .runIsWhole }
    let stored = unsafe UInt32(
      littleEndian: value.loadUnaligned(
        fromByteOffset: table + run * Self.sumBytes,
        as: UInt32.self
      )
    )
    let bytes = unsafe UnsafeRawBufferPointer(rebasing: value[BlockHeader.byteCount..<table])
    return unsafe sum(of: run, in: bytes, rows: rows, key: key) == stored ? .runIsWhole : .damaged
  }

  private func sum(
    of run: Int,
    in payload: UnsafeRawBufferPointer,
    rows: Int,
    key: [UInt8]
  ) -> UInt32 {
    var sum = unsafe key.withRawBytes { unsafe Checksum.crc32c($0) }
    unsafe withUnsafeBytes(of: UInt32(run).littleEndian) {
      sum = unsafe Checksum.crc32c($0, seed: sum)
    }
    let range = (run << Int(shift))..<min(rows, (run + 1) << Int(shift))
    for area in areas {
      let first = area.offset + range.lowerBound * area.stride
      let bytes = unsafe UnsafeRawBufferPointer(
        rebasing: payload[first..<(first + range.count * area.stride)]
      )
      sum = unsafe Checksum.crc32c(bytes, seed: sum)
    }
    return sum
  }
}
