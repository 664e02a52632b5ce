import LMDB

/// Where blocks are in the map, found by their keys alone.
extension Loader {
  /// Visits blocks that follow each other, with their headers, in one pass over their keys.
  ///
  /// Neither headers nor rows are touched here; the checksum is compared when the first row is needed.
  func forEachBlock(
    _ numbers: Range<Int>,
    of collection: CollectionID,
    in table: Table,
    payload: Int,
    place: String,
    _ body: (UnsafeRawBufferPointer) -> Void
  ) throws(VectorStoreError) {
    if numbers.isEmpty { return }
    var next = numbers.lowerBound
    unsafe try reading.forEach(
      from: Key.item(collection, UInt32(next)),
      prefix: Key.prefix(collection),
      in: table
    ) { (key, value) throws(VectorStoreError) in
      guard key.count == 8, unsafe Key.trailingNumber(key) == UInt32(next) else { return false }
      guard value.count >= BlockHeader.byteCount + payload else {
        throw .corrupted(place: "\(place), block \(next)", detail: "the block is too short")
      }
      unsafe body(value)
      next += 1
      return next < numbers.upperBound
    }
    if next < numbers.upperBound {
      throw .corrupted(place: "\(place), block \(next)", detail: "the block is missing")
    }
  }

  /// Where a block's rows begin.
  ///
  /// Neither its header nor its rows are touched here; the checksum is compared when the first of
  /// them is needed.
  func blockAddress(
    _ key: [UInt8],
    in table: Table,
    payload: Int,
    place: String
  ) throws(VectorStoreError) -> UInt64 {
    let value: UnsafeRawBufferPointer?
    do throws(LMDBError) {
      unsafe value = try key.withRawBytes { (raw) throws(LMDBError) in
        unsafe try reading.transaction.address(forKey: raw, in: table)
      }
    } catch {
      throw VectorStoreError(error, during: "look up a block")
    }
    guard let value = unsafe value, let base = value.baseAddress else {
      throw .corrupted(place: place, detail: "the block is missing")
    }
    guard value.count >= BlockHeader.byteCount + payload else {
      throw .corrupted(place: place, detail: "the block is too short")
    }
    return unsafe UInt64(UInt(bitPattern: base + BlockHeader.byteCount))
  }
}
