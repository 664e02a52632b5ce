import HNSW
import LMDB
import VectorKernels

extension VectorStore {
  /// Holds the store against its invariants, within one committed state.
  ///
  /// - Parameters:
  ///   - depth: `.deep` compares every checksum, looks every id up, and checks every link.
  ///   - progress: Told about each collection's rows, from the calling thread.
  /// - Returns: What was found; a damaged store is a report, not an error.
  /// - Throws: `.closed`.
  public func verify(
    _ depth: VerifyDepth = .deep,
    progress: (@Sendable (OperationProgress) -> Void)? = nil
  ) throws(VectorStoreError) -> VerifyReport {
    let snapshot = try snapshot()
    var verification = Verification(snapshot: snapshot, depth: depth, progress: progress)
    for collection in snapshot.collections.values.sorted(by: { $0.name < $1.name }) {
      verification.check(collection)
    }
    verification.checkAliases()
    verification.checkTables()
    return verification.report
  }
}

/// The state of one verification.
struct Verification {
  let snapshot: Snapshot
  let depth: VerifyDepth
  let progress: (@Sendable (OperationProgress) -> Void)?
  private var problems: [VerifyReport.Problem] = []
  private var values = 0
  private var rows = 0

  static let problemLimit = 100

  init(
    snapshot: Snapshot,
    depth: VerifyDepth,
    progress: (@Sendable (OperationProgress) -> Void)?
  ) {
    self.snapshot = snapshot
    self.depth = depth
    self.progress = progress
  }

  var report: VerifyReport {
    VerifyReport(depth: depth, checkedValues: values, checkedRows: rows, problems: problems)
  }

  private mutating func note(_ invariant: String, _ place: String, _ detail: String) {
    guard problems.count < Self.problemLimit else { return }
    problems.append(VerifyReport.Problem(invariant: invariant, place: place, detail: detail))
  }

  /// Runs a check whose errors are findings.
  private mutating func attempt(
    _ invariant: String,
    _ place: String,
    _ check: (inout Verification) throws(VectorStoreError) -> Void
  ) {
    do throws(VectorStoreError) {
      try check(&self)
    } catch {
      note(invariant, place, error.description)
    }
  }

  mutating func check(_ collection: CollectionSnapshot) {
    let place = "collection '\(collection.name)'"
    do throws(MalformedBytes) {
      try collection.record.checkWatermarks()
    } catch {
      note("I7", place, error.reason)
    }
    if collection.live.deletedCount + Int(collection.record.live) != Int(collection.rows) {
      note("I1", place, "live and deleted rows are not all rows")
    }
    attempt("I7", "WAL of '\(collection.name)'") { (own) throws(VectorStoreError) in
      try own.checkWAL(collection)
    }
    attempt("I8", "recall figures of '\(collection.name)'") { (own) throws(VectorStoreError) in
      let loader = Loader(reading: own.snapshot.reading)
      if try loader.storedRecall(of: collection.record.id, collection.name) != nil {
        own.values += 1
      }
    }
    guard depth == .deep else { return }
    attempt("I9", "vectors of '\(collection.name)'") { (own) throws(VectorStoreError) in
      try own.checkVectors(collection)
    }
    attempt("I1", "records of '\(collection.name)'") { (own) throws(VectorStoreError) in
      try own.checkRecords(collection)
    }
    attempt("I9", "ids of '\(collection.name)'") { (own) throws(VectorStoreError) in
      try own.checkIDs(collection)
    }
    checkIndex(collection)
    attempt("I9", "marks of '\(collection.name)'") { (own) throws(VectorStoreError) in
      let loader = Loader(reading: own.snapshot.reading)
      own.values += try loader.marks(of: collection, prefix: "").count
    }
  }

  /// Rows that are not sealed or not in the graph on disk are in the WAL, without a gap.
  private mutating func checkWAL(_ collection: CollectionSnapshot) throws(VectorStoreError) {
    let record = collection.record
    var next: Row?
    var count = 0
    unsafe try Loader(reading: snapshot.reading).forEach(
      prefix: Key.prefix(record.id),
      in: snapshot.reading.tables.wal
    ) { (key, value) throws(VectorStoreError) in
      do throws(MalformedBytes) {
        let entry = try unsafe WALEntry(decoding: SealedValue.open(value, key: key))
        if let next, entry.firstRow != next {
          throw MalformedBytes("row \(next) is followed by row \(entry.firstRow)")
        }
        if next == nil, entry.firstRow > min(record.sealed, record.linked) {
          throw MalformedBytes("it begins with row \(entry.firstRow)")
        }
        next = entry.firstRow + entry.rows
        count += 1
      } catch {
        throw .corrupted(place: "WAL of '\(collection.name)'", detail: error.reason)
      }
    }
    values += count
    let end =
      next ?? (record.options.hasVectors ? min(record.sealed, record.linked) : record.nextRow)
    if end != record.nextRow {
      note("I7", "WAL of '\(collection.name)'", "it ends at row \(end) of \(record.nextRow)")
    }
  }

  private mutating func checkVectors(_ collection: CollectionSnapshot) throws(VectorStoreError) {
    var blocks = 0
    let shape = collection.vectors.shape
    unsafe try Loader(reading: snapshot.reading).forEach(
      prefix: Key.prefix(collection.record.id),
      in: snapshot.reading.tables.vectors
    ) { (key, value) throws(VectorStoreError) in
      let number = unsafe Key.trailingNumber(key)
      let place = "vectors of '\(collection.name)', block \(number)"
      do throws(MalformedBytes) {
        let header = try unsafe BlockHeader(decoding: value, kind: .vectors)
        guard unsafe BlockHeader.isIntact(value, key: Array(key)) else {
          throw MalformedBytes("checksum differs")
        }
        guard number == blocks, header.firstRow == UInt64(shape.firstRow(of: number)),
          Int(header.stride) == shape.stride
        else { throw MalformedBytes("its header does not fit") }
      } catch {
        throw .corrupted(place: place, detail: error.reason)
      }
      blocks += 1
    }
    values += blocks
    if blocks != shape.blocks(for: collection.record.sealed) {
      note(
        "I1",
        "vectors of '\(collection.name)'",
        "\(blocks) blocks for \(collection.record.sealed) sealed rows"
      )
    }
  }

  /// Every row has its record; count and digest are the collection's.
  private mutating func checkRecords(_ collection: CollectionSnapshot) throws(VectorStoreError) {
    var next: Row = 0
    var digest: UInt64 = 0
    let report = progress
    unsafe try Loader(reading: snapshot.reading).forEach(
      prefix: Key.prefix(collection.record.id),
      in: snapshot.reading.tables.records
    ) { (key, value) throws(VectorStoreError) in
      let row = unsafe Key.trailingNumber(key)
      do throws(MalformedBytes) {
        guard row == next else { throw MalformedBytes("row \(next) is missing") }
        let body = try unsafe SealedValue.open(value, key: key)
        let parts = try unsafe RecordCoding.parts(body)
        _ = try unsafe MetadataCoding.decode(parts.metadata)
        _ = try parts.text()
        _ = try parts.originalText()
        _ = try parts.id()
        let sum = unsafe UInt32(
          littleEndian: value.loadUnaligned(fromByteOffset: body.count, as: UInt32.self)
        )
        digest &+= CollectionRecord.digestTerm(row: row, checksum: sum)
      } catch {
        throw .corrupted(place: "records of '\(collection.name)', row \(row)", detail: error.reason)
      }
      next += 1
      if next % 65_536 == 0 {
        report?(OperationProgress(stage: "records", done: Int(next), total: Int(collection.rows)))
      }
    }
    values += Int(next)
    rows += Int(next)
    if next != collection.rows {
      note("I1", "records of '\(collection.name)'", "\(next) records for \(collection.rows) rows")
    } else if digest != collection.record.digest {
      note(
        "I1",
        "records of '\(collection.name)'",
        "the digest differs: a record is not what was committed"
      )
    }
  }

  /// Every live row is found by its own id, so no two live rows share one.
  private mutating func checkIDs(_ collection: CollectionSnapshot) throws(VectorStoreError) {
    if collection.record.merged > 0, try !collection.areIDsIntact(in: snapshot.reading) {
      note("I8", "ids of '\(collection.name)'", "the table is not whole; it will be made again")
    }
    for row in 0..<collection.rows where !collection.live.isDeleted(row) {
      let id = try collection.withRecord(row, in: snapshot.reading) { $0.idKey }
      let found = try collection.row(ofID: id, in: snapshot.reading)
      if found != row {
        let where_ = found.map { "row \($0)" } ?? "nothing"
        note("I4", "ids of '\(collection.name)', row \(row)", "its id leads to \(where_)")
      }
    }
  }

  /// A damaged index costs time, not answers; it is a finding all the same.
  private mutating func checkIndex(_ collection: CollectionSnapshot) {
    let place = "index of '\(collection.name)'"
    guard collection.index != nil else {
      if collection.record.graphGeneration != 0 {
        note("I8", place, "the graph on disk cannot be read; it will be built again")
      }
      return
    }
    guard let index = collection.intactIndex(in: snapshot.reading) else {
      note("I8", place, "a checksum differs; it will be built again")
      return
    }
    if index.linked > collection.rows {
      note("I7", place, "\(index.linked) rows in the graph of \(collection.rows)")
      return
    }
    for problem in unsafe index.graph.verify(codes: index.codes.view).problems {
      note("I6", place, "\(problem)")
    }
    checkCodes(collection, index)
  }

  /// Codes are what the vectors give.
  private mutating func checkCodes(_ collection: CollectionSnapshot, _ index: IndexVersion) {
    let again = CodeStore(coding: collection.kernels.coding)
    again.encode(
      upTo: index.linked,
      vectors: collection.vectors,
      element: collection.record.options.element.kernel,
      workers: 1
    )
    let layout = again.layout
    let shape = layout.shape
    let made = again.version()
    for block in 0..<shape.blocks(for: index.linked) {
      let rows = min(shape.rows, Int(index.linked) - block * shape.rows)
      let expected = unsafe made.bytes(of: block, layout)
      let actual = unsafe index.codes.bytes(of: block, layout)
      let parts = [
        0..<(rows * shape.stride),
        layout.auxOffset..<(layout.auxOffset + rows * layout.auxBytes),
        layout.secondOffset..<(layout.secondOffset + rows * layout.secondStride),
      ]
      let fits = parts.allSatisfy { unsafe actual[$0].elementsEqual(expected[$0]) }
      if !fits {
        note("I8", "codes of '\(collection.name)', block \(block)", "they do not fit the vectors")
      }
    }
  }

  /// An alias stands for a collection that exists, under a name that none has.
  ///
  /// That its bytes are intact was checked when the state was read.
  fileprivate mutating func checkAliases() {
    let known = Set(snapshot.collections.values.map(\.record.id))
    for (name, id) in snapshot.aliases.sorted(by: { $0.key < $1.key }) {
      if !known.contains(id) {
        note("I11", "alias '\(name)'", "there is no collection of number \(id.number)")
      }
      if snapshot.collections[name] != nil {
        note("I11", "alias '\(name)'", "a collection has the same name")
      }
    }
    values += snapshot.aliases.count
  }

  /// Nothing in the tables belongs to a collection that does not exist.
  mutating func checkTables() {
    let known = Set(snapshot.collections.values.map(\.record.id))
    let snapshot = snapshot
    attempt("I9", "tables") { (own) throws(VectorStoreError) in
      let loader = Loader(reading: snapshot.reading)
      let dropping = Set(try loader.dropping())
      var strangers: Set<CollectionID> = []
      let tables = snapshot.reading.tables
      for table in [tables.wal, tables.vectors, tables.records, tables.tombstones, tables.graph] {
        unsafe try loader.forEach(prefix: [], in: table) { key, _ in
          guard key.count >= 4 else { return }
          let number = unsafe UInt32(bigEndian: key.loadUnaligned(as: UInt32.self))
          let id = CollectionID(number: number)
          if !known.contains(id), !dropping.contains(id) { strangers.insert(id) }
        }
      }
      for id in strangers {
        own.note("I9", "tables", "values of an unknown collection \(id.number)")
      }
    }
  }
}
