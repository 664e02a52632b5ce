import VectorKernels

extension VectorStore {
  /// Records by id.
  ///
  /// - Returns: One element an id, in the order of `ids`; `nil` where there is no such record.
  public func get(
    _ ids: [RecordID],
    from collection: String,
    including fields: ResultFields = .all
  ) throws(VectorStoreError) -> [Record?] {
    let snapshot = try snapshot()
    let found = try snapshot.collection(collection)
    var records: [Record?] = []
    records.reserveCapacity(ids.count)
    for id in ids {
      let row = try found.row(ofID: RecordCoding.idKey(id), in: snapshot.reading)
      guard let row else {
        records.append(nil)
        continue
      }
      records.append(try found.readRecord(row, in: snapshot.reading, including: fields))
    }
    return records
  }

  /// Number of records.
  public func count(in collection: String) throws(VectorStoreError) -> Int {
    Int(try snapshot().collection(collection).record.live)
  }

  /// One page of records, in the order in which they were committed.
  ///
  /// - Parameters:
  ///   - collection: The collection's name.
  ///   - position: 0, or `next` of the page before. Compaction makes positions of earlier pages void.
  ///   - limit: Records at most, 1 to 100 000.
  ///   - fields: What each record brings along.
  /// - Returns: The records, and where the next page starts.
  /// - Throws: `.unknownCollection`, `.invalidArgument`, `.corrupted`.
  public func scroll(
    _ collection: String,
    from position: Int = 0,
    limit: Int = 1000,
    including fields: ResultFields = .all
  ) throws(VectorStoreError) -> ScrollPage {
    try view(of: collection).scroll(from: position, limit: limit, including: fields)
  }

  /// A collection as it is now, for reading all of it while others go on writing.
  ///
  /// - Throws: `.unknownCollection`.
  public func view(of collection: String) throws(VectorStoreError) -> CollectionView {
    let snapshot = try snapshot()
    return CollectionView(snapshot, try snapshot.collection(collection))
  }
}

extension CollectionSnapshot {
  /// A row's record with what was asked for.
  func readRecord(
    _ row: Row,
    in reading: SharedReadTransaction,
    including fields: ResultFields
  ) throws(VectorStoreError) -> Record {
    let vector = fields.contains(.vector) ? try readVector(row, in: reading) : []
    return try withRecord(row, in: reading) { (parts) throws(MalformedBytes) in
      unsafe Record(
        id: try parts.id(),
        vector: vector,
        metadata: fields.contains(.metadata) ? try MetadataCoding.decode(parts.metadata) : [:],
        document: fields.contains(.document) ? try parts.text() : nil,
        original: fields.contains(.original) ? try parts.originalText() : nil
      )
    }
  }

  /// A row's vector in single precision.
  func readVector(
    _ row: Row,
    in reading: SharedReadTransaction
  ) throws(VectorStoreError) -> [Float] {
    let dimension = record.options.dimension
    if dimension == 0 { return [] }
    let address = unsafe try checkedAddress(of: row, in: reading)
    return unsafe [Float](unsafeUninitializedCapacity: dimension) { target, count in
      if let base = target.baseAddress {
        unsafe Conversion.toFloat32(
          address,
          element: record.options.element.kernel,
          count: dimension,
          into: base
        )
      }
      count = dimension
    }
  }
}
