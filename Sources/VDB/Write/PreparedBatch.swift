/// A batch that was validated and turned into bytes on its caller's thread, so that the writer only
/// copies.
struct PreparedBatch: Sendable {
  let count: Int
  /// `count` rows of the collection's element type.
  let vectors: EncodedRows
  /// Kind and bytes of each id, one after the other.
  let idKeys: [UInt8]
  /// Where each id ends in `idKeys`.
  let idEnds: [Int]
  let hashes: [UInt64]
  /// The records' values without checksums, one after the other.
  let records: [UInt8]
  /// Where each record ends in `records`.
  let recordEnds: [Int]
  /// Whether a record has an original beside its document.
  let hasOriginals: Bool
  /// What the table of merged ids says, looked up before the batch was queued.
  var merged: MergedRows?

  /// Rows that ids lead to in `ids`; right as long as nothing is merged into it, see `mark`.
  struct MergedRows: Sendable {
    /// The collection's `merged` when it was asked.
    let mark: Row
    /// One a row of the batch; `nil`: the id is not there.
    let rows: [Row?]
  }

  /// Bytes that wait for the writer with it.
  var byteCount: Int { vectors.count + idKeys.count + records.count + 24 * count }

  func idRange(_ row: Int) -> Range<Int> { (row == 0 ? 0 : idEnds[row - 1])..<idEnds[row] }
  func recordRange(_ row: Int) -> Range<Int> {
    (row == 0 ? 0 : recordEnds[row - 1])..<recordEnds[row]
  }

  /// Checks everything about the batch that can be checked without the store's state.
  init(_ batch: RecordBatch, for options: CollectionOptions) throws(VectorStoreError) {
    try Self.checkShape(batch, options)
    count = batch.count
    vectors = try ElementEncoding.encode(batch.vectors, as: options)
    var idKeys = ByteWriter(capacity: 24 * batch.count)
    var idEnds: [Int] = []
    var hashes: [UInt64] = []
    var records = ByteWriter(capacity: 128 * batch.count)
    var recordEnds: [Int] = []
    var hasOriginals = false
    idEnds.reserveCapacity(batch.count)
    hashes.reserveCapacity(batch.count)
    recordEnds.reserveCapacity(batch.count)
    for row in 0..<batch.count {
      let start = idKeys.bytes.count
      try Self.check(batch.ids[row], row: row)
      RecordCoding.encode(id: batch.ids[row], into: &idKeys)
      idEnds.append(idKeys.bytes.count)
      unsafe hashes.append(
        idKeys.bytes.withRawBytes { bytes in
          unsafe PendingIDs.hash(UnsafeRawBufferPointer(rebasing: bytes[start...]))
        }
      )
      let document = batch.documents.isEmpty ? nil : batch.documents[row]
      let original = batch.originals.isEmpty ? nil : batch.originals[row]
      for case let text? in [document, original] where text.utf8.count > VDBLimits.documentBytes {
        throw .documentTooLarge(row: row, byteCount: text.utf8.count)
      }
      do throws(MalformedBytes) {
        let hasOriginal = try RecordCoding.encode(
          idKey: idKeys.bytes[start...],
          metadata: batch.metadata.isEmpty ? [:] : batch.metadata[row],
          document: document,
          original: original,
          into: &records
        )
        hasOriginals = hasOriginals || hasOriginal
      } catch {
        throw .invalidMetadata(row: row, reason: error.reason)
      }
      recordEnds.append(records.bytes.count)
    }
    self.idKeys = idKeys.bytes
    self.idEnds = idEnds
    self.hashes = hashes
    self.records = records.bytes
    self.recordEnds = recordEnds
    self.hasOriginals = hasOriginals
    guard byteCount <= VDBLimits.batchBytes else {
      throw .invalidBatch(
        reason: "it has \(byteCount) bytes, the limit is \(VDBLimits.batchBytes); split it"
      )
    }
    try checkDuplicates(batch.ids)
  }

  private static func checkShape(
    _ batch: RecordBatch,
    _ options: CollectionOptions
  ) throws(VectorStoreError) {
    guard batch.vectors.count == batch.ids.count || options.dimension == 0 else {
      throw .invalidBatch(reason: "\(batch.ids.count) ids for \(batch.vectors.count) vectors")
    }
    guard batch.metadata.isEmpty || batch.metadata.count == batch.ids.count else {
      throw .invalidBatch(reason: "\(batch.ids.count) ids for \(batch.metadata.count) metadata")
    }
    guard batch.documents.isEmpty || batch.documents.count == batch.ids.count else {
      throw .invalidBatch(reason: "\(batch.ids.count) ids for \(batch.documents.count) documents")
    }
    guard batch.originals.isEmpty || batch.originals.count == batch.ids.count else {
      throw .invalidBatch(reason: "\(batch.ids.count) ids for \(batch.originals.count) originals")
    }
    guard batch.ids.isEmpty || batch.vectors.dimension == options.dimension else {
      throw .dimensionMismatch(
        expected: options.dimension,
        actual: batch.vectors.dimension,
        row: nil
      )
    }
  }

  static func check(_ id: RecordID, row: Int) throws(VectorStoreError) {
    guard case .string(let text) = id else { return }
    guard (1...RecordID.maxStringBytes).contains(text.utf8.count) else {
      throw .invalidID(row: row, byteCount: text.utf8.count)
    }
  }

  /// Sorting hashes finds equal ids in O(n log n) without a set of keys.
  private func checkDuplicates(_ ids: [RecordID]) throws(VectorStoreError) {
    // The lower bits of each hash give way to its row, so that numbers are sorted.
    let rowBits = UInt64(UInt64.bitWidth - UInt64(max(count, 1)).leadingZeroBitCount)
    let sorted = hashes.indices.map { (hashes[$0] >> rowBits) << rowBits | UInt64($0) }.sorted()
    func row(_ word: UInt64) -> Int { Int(word & (1 << rowBits - 1)) }
    // Of equal hashes any two may be of equal ids.
    var run = 0
    for index in sorted.indices.dropFirst() {
      if sorted[index] >> rowBits != sorted[run] >> rowBits { run = index }
      for earlier in run..<index {
        let (first, second) = (row(sorted[earlier]), row(sorted[index]))
        if idKeys[idRange(first)].elementsEqual(idKeys[idRange(second)]) {
          throw .duplicateIDInBatch(id: ids[first], first: first, second: second)
        }
      }
    }
  }
}

extension RecordBatch {
  /// Records row by row as columns.
  ///
  /// - Throws: `.dimensionMismatch` for the first record of another length.
  init(_ records: [Record], dimension: Int) throws(VectorStoreError) {
    if dimension == 0, records.allSatisfy(\.vector.isEmpty) {
      self.init(
        ids: records.map(\.id),
        metadata: records.map(\.metadata),
        documents: records.map(\.document)
      )
      return
    }
    var values: [Float] = []
    values.reserveCapacity(records.count * dimension)
    for (row, record) in records.enumerated() {
      guard record.vector.count == dimension else {
        throw .dimensionMismatch(expected: dimension, actual: record.vector.count, row: row)
      }
      values.append(contentsOf: record.vector)
    }
    self.init(
      ids: records.map(\.id),
      vectors: VectorRows(.float32(values), dimension: dimension),
      metadata: records.map(\.metadata),
      documents: records.map(\.document),
      originals: records.contains { $0.original != nil } ? records.map(\.original) : []
    )
  }
}
