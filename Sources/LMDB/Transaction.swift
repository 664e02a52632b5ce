import CLMDB

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// A named table (a `dbi`) of one environment.
package struct Table: Sendable, Hashable {
  let index: MDB_dbi
}

/// A table's size.
package struct TableStatistics: Sendable, Hashable {
  package let entries: Int
  package let depth: Int
  package let pages: Int
  package let bytes: Int
}

/// Owns one `MDB_txn` and aborts it unless it is committed first.
@safe
struct TransactionHandle: ~Copyable {
  let pointer: OpaquePointer
  /// Kept alive until the transaction has ended.
  ///
  /// Unmanaged, since `commit` discards the handle.
  private let environment: Unmanaged<Environment>
  /// The part of the map that the transaction's pages are in; `nil` for a writer, whose new pages are
  /// elsewhere.
  private let pages: Range<UInt>?
  /// The thread that a writer belongs to; `nil` for a reader, which belongs to none.
  private let thread: pthread_t?

  init(_ environment: Environment, flags: Int32) throws(LMDBError) {
    try environment.retainForTransaction()
    var pointer: OpaquePointer?
    let code = unsafe mdb_txn_begin(environment.pointer, nil, UInt32(flags), &pointer)
    guard code == MDB_SUCCESS, let pointer = unsafe pointer else {
      environment.releaseAfterTransaction()
      throw .code(code)
    }
    unsafe self.pointer = pointer
    unsafe self.environment = Unmanaged.passRetained(environment)
    // Taken after the begin, so that no page of the transaction lies beyond it.
    pages = flags & MDB_RDONLY != 0 ? environment.mappedPages : nil
    thread = flags & MDB_RDONLY != 0 ? nil : pthread_self()
  }

  /// LMDB would give the writer's lock back from a thread that does not hold it.
  private borrowing func checkThread() {
    guard let thread else { return }
    precondition(
      pthread_equal(thread, pthread_self()) != 0,
      "a write transaction ends, by commit or by being dropped, on the thread that began it"
    )
  }

  /// Throws when a value that LMDB found is not within the file: a damaged page number leads there, and
  /// reading it would end the process.
  private borrowing func check(_ value: MDB_val) throws(LMDBError) {
    guard let pages else { return }
    let start = unsafe UInt(bitPattern: value.mv_data)
    let (end, isBeyond) = unsafe start.addingReportingOverflow(UInt(value.mv_size))
    if isBeyond || start < pages.lowerBound || end > pages.upperBound { throw .corrupted }
  }

  deinit {
    // In a child of a fork the transaction is the parent's, whose snapshot must stay protected.
    if unsafe environment.takeUnretainedValue().isOwnProcess {
      checkThread()
      unsafe mdb_txn_abort(pointer)
    }
    unsafe environment.takeRetainedValue().releaseAfterTransaction()
  }

  consuming func commit() throws(LMDBError) {
    checkThread()
    let pointer = unsafe pointer
    let environment = unsafe environment
    discard self  // mdb_txn_commit frees the transaction even when it fails.
    let code = unsafe mdb_txn_commit(pointer)
    unsafe environment.takeRetainedValue().releaseAfterTransaction()
    try LMDBError.check(code)
  }

  borrowing func address(
    forKey key: UnsafeRawBufferPointer,
    in table: Table
  ) throws(LMDBError) -> UnsafeRawBufferPointer? {
    var key = unsafe MDB_val(key)
    var found = unsafe MDB_val()
    let code = unsafe mdb_get(pointer, table.index, &key, &found)
    if code == MDB_NOTFOUND { return nil }
    try LMDBError.check(code)
    try unsafe check(found)
    return unsafe UnsafeRawBufferPointer(start: found.mv_data, count: found.mv_size)
  }

  borrowing func table(named name: String, flags: UInt32) throws(LMDBError) -> Table? {
    var index: MDB_dbi = 0
    let code = unsafe mdb_dbi_open(pointer, name, flags, &index)
    if code == MDB_NOTFOUND { return nil }
    try LMDBError.check(code)
    return Table(index: index)
  }

  borrowing func statistics(of table: Table) throws(LMDBError) -> TableStatistics {
    var status = MDB_stat()
    try LMDBError.check(unsafe mdb_stat(pointer, table.index, &status))
    let pages =
      Int(status.ms_branch_pages) + Int(status.ms_leaf_pages) + Int(status.ms_overflow_pages)
    return TableStatistics(
      entries: Int(status.ms_entries),
      depth: Int(status.ms_depth),
      pages: pages,
      bytes: pages * Int(status.ms_psize)
    )
  }

  /// Visits entries from the first key at or after `start` on, until `body` returns false.
  borrowing func forEach<Failure: Error>(
    from start: UnsafeRawBufferPointer,
    in table: Table,
    failure: (LMDBError) -> Failure,
    _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) throws(Failure) -> Bool
  ) throws(Failure) {
    var cursor: OpaquePointer?
    var code = unsafe mdb_cursor_open(pointer, table.index, &cursor)
    guard code == MDB_SUCCESS, let cursor = unsafe cursor else { throw failure(.code(code)) }
    defer { unsafe mdb_cursor_close(cursor) }
    var key = unsafe MDB_val(start)
    var value = unsafe MDB_val()
    // An empty key is none to LMDB: begin at the first one.
    code = unsafe mdb_cursor_get(cursor, &key, &value, start.isEmpty ? MDB_FIRST : MDB_SET_RANGE)
    while code == MDB_SUCCESS {
      do throws(LMDBError) {
        try unsafe check(key)
        try unsafe check(value)
      } catch {
        throw failure(error)
      }
      let goesOn = try unsafe body(
        UnsafeRawBufferPointer(start: key.mv_data, count: key.mv_size),
        UnsafeRawBufferPointer(start: value.mv_data, count: value.mv_size)
      )
      guard goesOn else { return }
      code = unsafe mdb_cursor_get(cursor, &key, &value, MDB_NEXT)
    }
    if code != MDB_NOTFOUND { throw failure(.code(code)) }
  }
}

/// A snapshot of the environment as of its last commit when it was begun.
///
/// Several threads may read through one at once: with MDB_NOTLS it belongs to no thread, and a lookup
/// changes nothing of it as long as every table was opened before it was shared.
@safe
package struct ReadTransaction: ~Copyable, @unchecked Sendable {
  private let environment: Environment  // Keeps the map open for as long as the snapshot lives.
  private let handle: TransactionHandle

  package init(_ environment: Environment) throws(LMDBError) {
    self.handle = try TransactionHandle(environment, flags: MDB_RDONLY)
    self.environment = environment
  }

  /// The number of the commit that it shows.
  package var id: Int { unsafe mdb_txn_id(handle.pointer) }

  /// Where a value is in the map, or `nil`; valid as long as the transaction.
  package borrowing func address(
    forKey key: UnsafeRawBufferPointer,
    in table: Table
  ) throws(LMDBError) -> UnsafeRawBufferPointer? {
    unsafe try handle.address(forKey: key, in: table)
  }

  /// A table, or `nil` if there is none of that name.
  ///
  /// Not for a transaction that is shared already.
  package borrowing func openTable(named name: String) throws(LMDBError) -> Table? {
    try handle.table(named: name, flags: 0)
  }

  /// Ends the transaction and keeps the tables that it opened: LMDB forgets them otherwise, and shows
  /// them to no other transaction before.
  package consuming func keepTables() throws(LMDBError) { try handle.commit() }

  package borrowing func statistics(of table: Table) throws(LMDBError) -> TableStatistics {
    try handle.statistics(of: table)
  }

  /// Visits entries from the first key at or after `start` on, until `body` returns false.
  package borrowing func forEach<Failure: Error>(
    from start: UnsafeRawBufferPointer,
    in table: Table,
    failure: (LMDBError) -> Failure,
    _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) throws(Failure) -> Bool
  ) throws(Failure) {
    unsafe try handle.forEach(from: start, in: table, failure: failure, body)
  }

  /// Pages that were freed and wait to be used again.
  package borrowing func freePageCount() throws(LMDBError) -> Int {
    var count = 0
    // Table 0 is LMDB's own list: each value begins with how many page numbers follow.
    unsafe try handle.forEach(
      from: UnsafeRawBufferPointer(start: nil, count: 0),
      in: Table(index: 0),
      failure: { $0 }
    ) { (_, value) throws(LMDBError) in
      if value.count >= 8 { unsafe count += Int(value.loadUnaligned(as: UInt.self)) }
      return true
    }
    return count
  }
}

extension Environment {
  /// Whether writers may go on after a commit that failed: LMDB refuses them once a meta page could not
  /// be written, and until then a commit has had no effect.
  @available(*, noasync)
  package var takesWrites: Bool {
    do throws(LMDBError) {
      _ = try WriteTransaction(self)
      return true
    } catch {
      return false
    }
  }
}

/// The one writer of an environment; dropping it without `commit()` aborts.
///
/// LMDB's write transactions belong to the thread that began them: ended on another, by commit or by being
/// dropped, the next one waits for ever. This one traps instead.
@safe
package struct WriteTransaction: ~Copyable {
  private let environment: Environment
  private let handle: TransactionHandle

  @available(*, noasync)
  package init(_ environment: Environment) throws(LMDBError) {
    self.handle = try TransactionHandle(environment, flags: 0)
    self.environment = environment
  }

  /// Bytes of a page; a value over about half of it gets pages of its own.
  package var pageSize: Int { environment.pageSize }

  /// A table, created if there is none of that name.
  package mutating func openTable(named name: String) throws(LMDBError) -> Table {
    guard let table = try handle.table(named: name, flags: UInt32(MDB_CREATE)) else {
      throw .code(MDB_NOTFOUND)
    }
    return table
  }

  /// Where a value is, uncommitted ones included; valid until the next change.
  package borrowing func address(
    forKey key: UnsafeRawBufferPointer,
    in table: Table
  ) throws(LMDBError) -> UnsafeRawBufferPointer? {
    unsafe try handle.address(forKey: key, in: table)
  }

  package borrowing func statistics(of table: Table) throws(LMDBError) -> TableStatistics {
    try handle.statistics(of: table)
  }

  /// Visits entries from the first key at or after `start` on, until `body` returns false.
  package borrowing func forEach<Failure: Error>(
    from start: UnsafeRawBufferPointer,
    in table: Table,
    failure: (LMDBError) -> Failure,
    _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) throws(Failure) -> Bool
  ) throws(Failure) {
    unsafe try handle.forEach(from: start, in: table, failure: failure, body)
  }

  // `mutating`, so that the compiler ends every borrowed value before LMDB may move its page.
  package mutating func put(
    _ value: [UInt8],
    forKey key: [UInt8],
    in table: Table
  ) throws(LMDBError) {
    unsafe try key.withRawBytes { (key) throws(LMDBError) in
      unsafe try value.withRawBytes { (value) throws(LMDBError) in
        unsafe try put(value, forKey: key, in: table, append: false)
      }
    }
  }

  /// Stores a value.
  ///
  /// With `append` the key must be greater than all others, and its leaf is filled to the end;
  /// `MDB_KEYEXIST` says that it is not.
  package mutating func put(
    _ value: UnsafeRawBufferPointer,
    forKey key: UnsafeRawBufferPointer,
    in table: Table,
    append: Bool
  ) throws(LMDBError) {
    var key = unsafe MDB_val(key)
    var value = unsafe MDB_val(value)
    let flags = append ? UInt32(MDB_APPEND) : 0
    try LMDBError.check(unsafe mdb_put(handle.pointer, table.index, &key, &value, flags))
  }

  /// Makes room for a value and lets `fill` write all of it, which saves a copy of large ones.
  package mutating func put(
    byteCount: Int,
    forKey key: [UInt8],
    in table: Table,
    fill: (UnsafeMutableRawBufferPointer) -> Void
  ) throws(LMDBError) {
    var value = unsafe MDB_val(mv_size: byteCount, mv_data: nil)
    unsafe try key.withRawBytes { (key) throws(LMDBError) in
      var key = unsafe MDB_val(key)
      try LMDBError.check(
        unsafe mdb_put(handle.pointer, table.index, &key, &value, UInt32(MDB_RESERVE))
      )
    }
    unsafe fill(UnsafeMutableRawBufferPointer(start: value.mv_data, count: byteCount))
  }

  /// - Returns: whether there was such a key.
  @discardableResult
  package mutating func delete(_ key: [UInt8], in table: Table) throws(LMDBError) -> Bool {
    let code = unsafe key.withRawBytes { key in
      var key = unsafe MDB_val(key)
      return unsafe mdb_del(handle.pointer, table.index, &key, nil)
    }
    if code == MDB_NOTFOUND { return false }
    try LMDBError.check(code)
    return true
  }

  /// Removes keys with a prefix, at most `limit` of them.
  ///
  /// - Returns: how many were removed.
  package mutating func deletePrefix(
    _ prefix: [UInt8],
    in table: Table,
    limit: Int
  ) throws(LMDBError) -> Int {
    var keys: [[UInt8]] = []
    unsafe try prefix.withRawBytes { (start) throws(LMDBError) in
      try unsafe handle.forEach(from: start, in: table, failure: { $0 }) {
        (key, _) throws(LMDBError) in
        guard unsafe key.starts(with: start), keys.count < limit else { return false }
        unsafe keys.append(Array(key))
        return true
      }
    }
    for key in keys { try delete(key, in: table) }
    return keys.count
  }

  /// Makes everything durable: returns when it survives a loss of power.
  ///
  /// - Throws: any error means that the outcome is unknown, unless it came before the first write.
  package consuming func commit() throws(LMDBError) {
    try handle.commit()
  }
}

extension MDB_val {
  // LMDB reads keys and values through this and never writes, so dropping `const` is sound.
  @unsafe init(_ bytes: UnsafeRawBufferPointer) {
    let start = unsafe UnsafeMutableRawPointer(mutating: bytes.baseAddress)
    unsafe self.init(mv_size: bytes.count, mv_data: start)
  }
}
