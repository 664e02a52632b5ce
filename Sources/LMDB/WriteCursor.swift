import CLMDB

/// Puts many values into one table, one after the other: it remembers the leaf of the last one, so that
/// a key near it is found without a walk from the root.
///
/// Lent by a write transaction and closed before that does anything else with the table.
@safe
package struct WriteCursor: ~Copyable {
  private let pointer: OpaquePointer

  fileprivate init(_ transaction: OpaquePointer, _ table: Table) throws(LMDBError) {
    var cursor: OpaquePointer?
    try LMDBError.check(unsafe mdb_cursor_open(transaction, table.index, &cursor))
    guard let cursor = unsafe cursor else { throw .code(MDB_NOTFOUND) }
    unsafe pointer = cursor
  }

  deinit { unsafe mdb_cursor_close(pointer) }

  /// Makes room for a value and lets `fill` write all of it.
  ///
  /// With `append` the key must be greater than all others, and its leaf is filled to the end;
  /// `MDB_KEYEXIST` says that it is not.
  package mutating func put(
    byteCount: Int,
    forKey key: UnsafeRawBufferPointer,
    append: Bool,
    fill: (UnsafeMutableRawBufferPointer) -> Void
  ) throws(LMDBError) {
    var key = unsafe MDB_val(key)
    var value = unsafe MDB_val(mv_size: byteCount, mv_data: nil)
    let flags = UInt32(MDB_RESERVE) | (append ? UInt32(MDB_APPEND) : 0)
    try LMDBError.check(unsafe mdb_cursor_put(pointer, &key, &value, flags))
    unsafe fill(UnsafeMutableRawBufferPointer(start: value.mv_data, count: byteCount))
  }

  /// Stores a value of 8 bytes, and tells which bytes it takes the place of, if there were any.
  package mutating func exchange(
    _ new: UInt64,
    forKey key: UnsafeRawBufferPointer
  ) throws(LMDBError) -> [UInt8]? {
    var key = unsafe MDB_val(key)
    return unsafe try withUnsafeBytes(of: new) { (bytes) throws(LMDBError) in
      var value = unsafe MDB_val(bytes)
      let code = unsafe mdb_cursor_put(pointer, &key, &value, UInt32(MDB_NOOVERWRITE))
      if code != MDB_KEYEXIST {
        try LMDBError.check(code)
        return nil
      }
      let old = unsafe UnsafeRawBufferPointer(start: value.mv_data, count: value.mv_size)
      let copy = unsafe Array(old)
      unsafe value = MDB_val(bytes)
      try LMDBError.check(unsafe mdb_cursor_put(pointer, &key, &value, 0))
      return copy
    }
  }
}

extension WriteTransaction {
  /// Lends a cursor over a table for as long as `body` runs, which changes the table only through it.
  package mutating func withCursor<Result, Failure: Error>(
    in table: Table,
    failure: (LMDBError) -> Failure,
    _ body: (inout WriteCursor) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    var cursor: WriteCursor
    do throws(LMDBError) {
      cursor = try unsafe WriteCursor(pointer, table)
    } catch {
      throw failure(error)
    }
    return try body(&cursor)
  }
}
