import LMDB

extension SharedReadTransaction {
  /// Visits the entries whose keys have a prefix, ascending from `start`, until `body` returns false.
  func forEach(
    from start: [UInt8],
    prefix: [UInt8],
    in table: Table,
    _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) throws(VectorStoreError) -> Bool
  ) throws(VectorStoreError) {
    unsafe try start.withRawBytes { (start) throws(VectorStoreError) in
      try unsafe transaction.forEach(
        from: start,
        in: table,
        failure: { VectorStoreError($0, during: "read a table") }
      ) { (key, value) throws(VectorStoreError) in
        guard unsafe key.starts(with: prefix) else { return false }
        return try unsafe body(key, value)
      }
    }
  }
}

extension WriteTransaction {
  /// Visits the entries whose keys have a prefix, ascending, until `body` returns false.
  borrowing func forEach(
    prefix: [UInt8],
    in table: Table,
    _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) throws(VectorStoreError) -> Bool
  ) throws(VectorStoreError) {
    unsafe try prefix.withRawBytes { (start) throws(VectorStoreError) in
      try unsafe forEach(
        from: start,
        in: table,
        failure: { VectorStoreError($0, during: "read a table") }
      ) { (key, value) throws(VectorStoreError) in
        guard unsafe key.starts(with: start) else { return false }
        return try unsafe body(key, value)
      }
    }
  }

  /// Writes a block: header, rows, checksums of its runs, zeros up to the size that LMDB never moves.
  mutating func putBlock(
    _ header: BlockHeader,
    payload: UnsafeRawBufferPointer,
    runs: BlockRuns?,
    key: [UInt8],
    in table: Table
  ) throws(LMDBError) {
    let sums = unsafe runs?.sums(of: payload, rows: Int(header.rows), key: key) ?? []
    let used = payload.count + sums.count
    let bytes = BlockHeader.valueBytes(payload: used, pageSize: pageSize)
    unsafe try put(byteCount: bytes, forKey: key, in: table) { value in
      let rows = unsafe UnsafeMutableRawBufferPointer(
        rebasing: value.dropFirst(BlockHeader.byteCount)
      )
      unsafe rows.copyMemory(from: payload)
      let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: rows.dropFirst(payload.count))
      unsafe rest.initializeMemory(as: UInt8.self, repeating: 0)
      unsafe rest.copyBytes(from: sums)
      unsafe header.write(to: value, key: key)
    }
  }
}

extension WriteTransaction {
  mutating func put(
    _ entry: WALEntry,
    forKey key: [UInt8],
    in table: Table
  ) throws(LMDBError) {
    unsafe try put(byteCount: entry.sealedByteCount, forKey: key, in: table) { value in
      unsafe entry.writeSealed(to: value, key: key)
    }
  }
}

extension WriterStep {
  /// `WriteTransaction.putBlock` with errors for the caller.
  mutating func putBlock(
    _ header: BlockHeader,
    payload: UnsafeRawBufferPointer,
    runs: BlockRuns?,
    key: [UInt8],
    in table: Table
  ) throws(VectorStoreError) {
    do throws(LMDBError) {
      try unsafe transaction.putBlock(header, payload: payload, runs: runs, key: key, in: table)
    } catch {
      throw VectorStoreError(error, during: "store a block")
    }
  }
}

extension VectorStoreError {
  /// The only place where an LMDB code becomes a public error.
  init(_ error: LMDBError, during operation: String) {
    switch error {
    case .forked: self = .forked
    case .closed: self = .closed
    case .locked(let holder): self = .locked(holder: holder)
    case .alreadyOpen(let path): self = .alreadyOpen(path: path)
    case .notFound(let path): self = .notFound(path: path)
    case .exists(let path): self = .notAStore(path: path, reason: "there is a data file already")
    case .notARegularFile(let path):
      self = .notAStore(path: path, reason: "it is not a regular file")
    case .remoteFileSystem(let kind): self = .unsupportedFileSystem(path: operation, kind: kind)
    case .badMetaPages(let reason): self = .corrupted(place: "data.mdb", detail: reason)
    case .corrupted: self = .corrupted(place: operation, detail: "a value is damaged")
    case .code(let code):
      if error.isMapFull {
        self = .mapFull(limitBytes: 0)
      } else if error.isDiskFull {
        self = .diskFull(path: operation)
      } else if error.isReadersFull {
        self = .tooManyReaders(limit: 1024)
      } else if error.isPermission {
        self = .permissionDenied(path: operation)
      } else if error.isDamage {
        self = .corrupted(place: operation, detail: error.description)
      } else {
        self = .io(operation: operation, code: code, message: error.description)
      }
    }
  }
}
