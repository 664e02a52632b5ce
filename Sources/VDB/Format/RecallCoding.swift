import LMDB

/// The bytes of a collection's recall figures, as docs/file-format.md describes them.
extension RecallCalibration {
  private static let curveLimit = 16
  private static let pointLimit = 64

  func encoded() -> [UInt8] {
    var writer = ByteWriter(capacity: 1024)
    writer.put(UInt8(source == .queries ? 2 : 1))
    writer.put(contentsOf: [0, 0, 0])
    writer.put(UInt32(samples))
    writer.put(rows)
    writer.put(deleted)
    writer.put(seconds)
    writer.put(UInt32(curves.count))
    for curve in curves {
      writer.put(UInt32(curve.limit))
      writer.put(UInt32(curve.points.count))
      for point in curve.points {
        writer.put(UInt32(point.ef))
        writer.put(point.recall)
        writer.put(point.lower)
      }
    }
    return writer.bytes
  }

  init(decoding body: UnsafeRawBufferPointer) throws(MalformedBytes) {
    var reader = unsafe ByteReader(body)
    switch try reader.take(UInt8.self) {
    case 1: source = .storedRows
    case 2: source = .queries
    case let other: throw MalformedBytes("source \(other)")
    }
    _ = unsafe try reader.take(count: 3)
    samples = Int(try reader.take(UInt32.self))
    rows = try reader.take()
    deleted = try reader.take()
    seconds = try reader.take()
    let count = Int(try reader.take(UInt32.self))
    guard count <= Self.curveLimit else { throw MalformedBytes("\(count) curves") }
    var curves: [Curve] = []
    for _ in 0..<count { curves.append(try Self.curve(from: &reader)) }
    try reader.expectEnd()
    let limits = curves.map(\.limit)
    guard zip(limits, limits.dropFirst()).allSatisfy(<) else {
      throw MalformedBytes("its limits do not ascend")
    }
    self.curves = curves
  }

  private static func curve(from reader: inout ByteReader) throws(MalformedBytes) -> Curve {
    let limit = Int(try reader.take(UInt32.self))
    let count = Int(try reader.take(UInt32.self))
    guard limit >= 1, count <= pointLimit else { throw MalformedBytes("\(count) points") }
    var points: [Point] = []
    for _ in 0..<count {
      let ef = Int(try reader.take(UInt32.self))
      let (recall, lower) = (try reader.takeDouble(), try reader.takeDouble())
      let before = points.last ?? Point(ef: 0, recall: 0, lower: 0)
      // Comparisons with a NaN are false.
      guard ef > before.ef, recall >= before.recall, lower >= before.lower, recall <= 1,
        lower <= recall
      else { throw MalformedBytes("its points do not ascend") }
      points.append(Point(ef: ef, recall: recall, lower: lower))
    }
    return Curve(limit: limit, points: points)
  }
}

extension WriterStep {
  /// Stores a collection's recall figures; the next snapshot has them.
  ///
  /// With `keepingGiven`, figures of the application's queries, which may have come while these were
  /// measured, stay.
  mutating func putRecall(
    _ calibration: RecallCalibration,
    of id: CollectionID,
    keepingGiven: Bool = false
  ) throws(VectorStoreError) {
    // It may have been dropped meanwhile.
    guard let collection = state.collections[id] else { return }
    if keepingGiven, collection.recall?.source == .queries { return }
    let key = Key.recall(id)
    do throws(LMDBError) {
      try transaction.put(
        SealedValue.seal(calibration.encoded(), key: key),
        forKey: key,
        in: tables.meta
      )
    } catch {
      throw VectorStoreError(error, during: "store recall figures")
    }
    state.collections[id]?.recall = calibration
  }
}

extension Loader {
  /// A collection's recall figures, if there are any.
  ///
  /// - Throws: `.corrupted` for bytes that are not what was written.
  func storedRecall(
    of id: CollectionID,
    _ name: String
  ) throws(VectorStoreError) -> RecallCalibration? {
    unsafe try read(Key.recall(id), from: reading.tables.meta, "recall figures of '\(name)'") {
      (value) throws(MalformedBytes) in
      unsafe try RecallCalibration(decoding: value)
    }
  }

  /// The same for searching: damaged figures count as none, and are measured again.
  func recall(of id: CollectionID, _ name: String) -> RecallCalibration? {
    do throws(VectorStoreError) {
      return try storedRecall(of: id, name)
    } catch {
      return nil
    }
  }
}
