import LMDB

/// What a batch inserted, kept until the end of its transaction.
struct Insertion {
  let firstSequence: UInt64
  let firstRow: Row
  let rows: UInt32
  /// Rows that its ids had before.
  let replaced: [Row]
}

extension WriterStep {
  /// Writes what was inserted in this transaction into the WAL.
  ///
  /// At its end, since a later batch may fill the block that an earlier one has begun: then its vectors
  /// need not be in the WAL.
  mutating func logInsertions() throws(VectorStoreError) {
    do throws(LMDBError) {
      for (id, collection) in state.collections where !collection.unlogged.isEmpty {
        for insertion in collection.unlogged {
          try collection.log(insertion, tables: tables, in: &transaction)
        }
        state.collections[id]?.unlogged = []
      }
    } catch {
      throw VectorStoreError(error, during: "write the WAL")
    }
  }
}

extension CollectionState {
  /// Writes one batch's entry: the vectors that are in no block yet, and the rows replaced.
  fileprivate func log(
    _ insertion: Insertion,
    tables: Tables,
    in transaction: inout WriteTransaction
  ) throws(LMDBError) {
    let end = insertion.firstRow + insertion.rows
    let firstVectorRow = min(max(insertion.firstRow, record.sealed), end)
    let entry = unsafe WALEntry(
      operation: .insert,
      firstRow: insertion.firstRow,
      rows: insertion.rows,
      firstVectorRow: firstVectorRow,
      stride: UInt32(shape.stride),
      vectors: tailVectors(firstVectorRow..<end),
      deleted: insertion.replaced
    )
    let key = Key.wal(record.id, firstSequence: insertion.firstSequence)
    try transaction.put(entry, forKey: key, in: tables.wal)
  }

  /// Vectors of rows in the unfinished block.
  private func tailVectors(_ rows: Range<Row>) -> UnsafeRawBufferPointer {
    guard let tail, let first = rows.first else {
      return unsafe UnsafeRawBufferPointer(start: nil, count: 0)
    }
    let start = unsafe tail.base + Int(first & shape.mask) * shape.stride
    return unsafe UnsafeRawBufferPointer(start: start, count: rows.count * shape.stride)
  }
}
