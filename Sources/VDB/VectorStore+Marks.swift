import LMDB

extension VectorStore {
  /// The marks of a collection whose names begin with `prefix`, by name.
  ///
  /// - Throws: `.unknownCollection`, `.corrupted`.
  public func marks(
    of collection: String,
    prefix: String = ""
  ) throws(VectorStoreError) -> [Mark] {
    let snapshot = try snapshot()
    let found = try snapshot.collection(collection)
    return try Loader(reading: snapshot.reading).marks(of: found, prefix: prefix)
  }

  /// Sets marks without records; durable when it returns.
  ///
  /// - Throws: `.invalidArgument` for a name or value outside its limits, `.unknownCollection`.
  public func setMarks(_ marks: [Mark], of collection: String) async throws(VectorStoreError) {
    try Mark.check(marks)
    if marks.isEmpty { return }
    let known = try snapshot().collection(collection)
    let id = known.record.id
    let byteCount = marks.reduce(0) { $0 + ($1.value?.count ?? 0) }
    _ = try await submit("set marks", byteCount: byteCount) { (step) throws(VectorStoreError) in
      guard step.state.collections[id] != nil else { throw .unknownCollection(collection) }
      try step.put(marks, of: id)
      return Receipt.nothing
    }
  }
}

extension Mark {
  static func check(_ marks: [Mark]) throws(VectorStoreError) {
    for mark in marks {
      guard (1...VDBLimits.markNameBytes).contains(mark.name.utf8.count) else {
        throw .invalidArgument(
          name: "mark",
          reason: "must have a name of 1 to \(VDBLimits.markNameBytes) bytes"
        )
      }
      guard (mark.value?.count ?? 0) <= VDBLimits.markBytes else {
        throw .invalidArgument(
          name: "mark '\(mark.name)'",
          reason: "must have at most \(VDBLimits.markBytes) bytes"
        )
      }
    }
  }
}

extension Loader {
  func marks(
    of collection: CollectionSnapshot,
    prefix: String
  ) throws(VectorStoreError) -> [Mark] {
    var marks: [Mark] = []
    let start = Key.markPrefix(collection.record.id)
    unsafe try forEach(prefix: start + prefix.utf8, in: reading.tables.meta) {
      (key, value) throws(VectorStoreError) in
      let name = unsafe String(decoding: key.dropFirst(start.count), as: UTF8.self)
      do throws(MalformedBytes) {
        marks.append(Mark(name: name, value: unsafe Array(try SealedValue.open(value, key: key))))
      } catch {
        throw .corrupted(place: "mark '\(name)' of '\(collection.name)'", detail: error.reason)
      }
    }
    return marks
  }
}

extension WriterStep {
  mutating func put(_ marks: [Mark], of collection: CollectionID) throws(VectorStoreError) {
    do throws(LMDBError) {
      for mark in marks {
        let key = Key.mark(collection, mark.name)
        if let value = mark.value {
          try transaction.put(SealedValue.seal(value, key: key), forKey: key, in: tables.meta)
        } else {
          try transaction.delete(key, in: tables.meta)
        }
      }
    } catch {
      throw VectorStoreError(error, during: "set marks")
    }
  }
}
