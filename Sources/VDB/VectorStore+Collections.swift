import Foundation
import LMDB
import VectorKernels

extension VectorStore {
  /// All collections, by name.
  public func collections() throws(VectorStoreError) -> [CollectionInfo] {
    let snapshot = try snapshot()
    return snapshot.collections.values.map(snapshot.info).sorted { $0.name < $1.name }
  }

  /// What a collection is and how far it has come; by its name or an alias.
  ///
  /// - Throws: `.unknownCollection`.
  public func collection(_ name: String) throws(VectorStoreError) -> CollectionInfo {
    let snapshot = try snapshot()
    return snapshot.info(of: try snapshot.collection(name))
  }

  /// What a collection is, by its name or an alias; `nil` when there is none.
  package func findCollection(_ name: String) throws(VectorStoreError) -> CollectionInfo? {
    let snapshot = try snapshot()
    return snapshot.find(name).map(snapshot.info)
  }

  /// Creates a collection; durable when it returns.
  ///
  /// - Throws: `.collectionExists`, `.nameIsAlias`, `.invalidCollectionName`, `.invalidArgument`.
  @discardableResult
  public func createCollection(
    _ name: String,
    _ options: CollectionOptions
  ) async throws(VectorStoreError) -> CollectionInfo {
    try options.check()
    guard CollectionOptions.isValidName(name) else { throw .invalidCollectionName(name) }
    _ = try await submit("create a collection", byteCount: 1024) {
      (step) throws(VectorStoreError) in
      try step.createCollection(name, options)
      return Receipt.nothing
    }
    return try collection(name)
  }

  /// Creates the collection, or checks that the one there has the same options.
  ///
  /// Index parameters and indexing mode of one that is there are left as they are.
  /// - Throws: `.collectionMismatch`, `.modelMismatch`, and what `createCollection` throws.
  @discardableResult
  public func ensureCollection(
    _ name: String,
    _ options: CollectionOptions
  ) async throws(VectorStoreError) -> CollectionInfo {
    if let known = try snapshot().find(name) {
      try known.checkCompatible(with: options)
      return known.info
    }
    do throws(VectorStoreError) {
      return try await createCollection(name, options)
    } catch .collectionExists {
      // Another task was quicker.
      let known = try snapshot().collection(name)
      try known.checkCompatible(with: options)
      return known.info
    }
  }

  /// Removes a collection with all its records.
  ///
  /// It is gone when this returns; its space is reclaimed in the background, rows that wait for the
  /// index included.
  ///
  /// - Throws: `.unknownCollection`; `.collectionHasAliases` while a name stands for it.
  public func dropCollection(_ name: String) async throws(VectorStoreError) {
    _ = try await submit("drop a collection", byteCount: 64) { (step) throws(VectorStoreError) in
      try step.dropCollection(name)
      return Receipt.nothing
    }
    KillPoint.reach("drop.marked")
  }

  /// Hands work to the writer and waits for its commit.
  func submit(
    _ operation: String,
    byteCount: Int,
    _ apply: @escaping @Sendable (inout WriterStep) throws(VectorStoreError) -> Receipt
  ) async throws(VectorStoreError) -> Receipt {
    let engine = try writing(operation)
    if Task.isCancelled { throw .cancelled }
    let result = await Answer.wait { answer in
      engine.queue.submit(CommitQueue.Job(byteCount: byteCount, apply: apply) { answer.give($0) })
    }
    return try result.get()
  }
}

extension Receipt {
  /// Of an operation that changed no record.
  static var nothing: Receipt { Receipt(sequences: nil, inserted: 0, replaced: 0, deleted: 0) }
}

extension CollectionOptions {
  static func isValidName(_ name: String) -> Bool {
    VDBLimits.collectionNameLength.contains(name.utf8.count) && !name.hasPrefix(".")
      && name.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
          UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"),
          UInt8(ascii: "."):
          true
        default: false
        }
      }
  }

  func check() throws(VectorStoreError) {
    guard VDBLimits.dimension.contains(dimension) else {
      throw .invalidArgument(name: "dimension", reason: "must be 0 to 65536, not \(dimension)")
    }
    guard (4...64).contains(index.m) else {
      throw .invalidArgument(name: "m", reason: "must be 4 to 64, not \(index.m)")
    }
    guard (1...4096).contains(index.efConstruction) else {
      throw .invalidArgument(
        name: "efConstruction",
        reason: "must be 1 to 4096, not \(index.efConstruction)"
      )
    }
    if let model, !(1...1024).contains(model.utf8.count) {
      throw .invalidArgument(name: "model", reason: "must have 1 to 1024 bytes")
    }
  }
}

extension CollectionSnapshot {
  func checkCompatible(with options: CollectionOptions) throws(VectorStoreError) {
    let own = record.options
    func differ(
      _ property: String,
      _ existing: String,
      _ requested: String
    ) throws(VectorStoreError) {
      guard existing != requested else { return }
      throw .collectionMismatch(
        name: name,
        property: property,
        existing: existing,
        requested: requested
      )
    }
    try differ("dimension", String(own.dimension), String(options.dimension))
    try differ("metric", own.metric.rawValue, options.metric.rawValue)
    try differ("element type", own.element.rawValue, options.element.rawValue)
    try checkModel(options.model)
  }

  /// A model named again must be the one the collection was created with.
  func checkModel(_ model: String?) throws(VectorStoreError) {
    guard let model, let own = record.options.model, own != model else { return }
    throw .modelMismatch(collection: name, existing: own, requested: model)
  }
}

extension WriterStep {
  // Another rounding and other widths than the usual make what earlier versions made.
  mutating func createCollection(
    _ name: String,
    _ options: CollectionOptions,
    rounding: Coding.Rounding = .keepingLength,
    widths: Coding.Widths? = nil
  ) throws(VectorStoreError) {
    guard state.names[name] == nil else { throw .collectionExists(name) }
    if let id = state.aliases[name] {
      throw .nameIsAlias(name, collection: state.collections[id]?.name ?? "")
    }
    let id = CollectionID(number: state.nextCollection)
    state.nextCollection += 1
    var next = ByteWriter(capacity: 4)
    next.put(state.nextCollection)
    do throws(LMDBError) {
      try transaction.put(
        SealedValue.seal(next.bytes, key: Key.nextCollection),
        forKey: Key.nextCollection,
        in: tables.meta
      )
    } catch {
      throw VectorStoreError(error, during: "create a collection")
    }
    let record = CollectionRecord(
      id: id,
      options: options,
      rounding: rounding,
      widths: widths,
      createdSeconds: UInt64(max(0, Date().timeIntervalSince1970))
    )
    if options.hasVectors {
      if rounding == .keepingLength { try use(.lengthKeepingCodes) }
      if record.widths == .nibbles {
        try use(options.metric == .cosine ? .nibblesAlone : .nibblesWithLengths)
      }
    }
    let shape = BlockShape(stride: options.dimension * options.element.byteCount)
    state.names[name] = id
    state.collections[id] = CollectionState(
      name: name,
      kernels: CollectionKernels(record),
      record: record,
      tail: nil,
      live: LiveRows(),
      pendingIDs: PendingIDs(capacity: 0),
      idsIntegrity: IDsIntegrity(isNew: true),
      vectors: VectorBlocks(
        shape: shape,
        addresses: [],
        tail: nil,
        checked: CheckedBlocks(capacity: 0)
      ),
      recordChanged: true
    )
  }

  fileprivate mutating func dropCollection(_ name: String) throws(VectorStoreError) {
    guard let id = state.names[name] ?? state.aliases[name] else { throw .unknownCollection(name) }
    let aliases = state.aliases.filter { $0.value == id }.map(\.key).sorted()
    guard aliases.isEmpty else {
      throw .collectionHasAliases(name: state.collections[id]?.name ?? name, aliases: aliases)
    }
    let key = Key.drop(id)
    do throws(LMDBError) {
      try transaction.delete(Array(name.utf8), in: tables.collections)
      _ = try transaction.delete(Key.recall(id), in: tables.meta)
      try transaction.put(SealedValue.seal([], key: key), forKey: key, in: tables.meta)
    } catch {
      throw VectorStoreError(error, during: "drop a collection")
    }
    state.collections[id] = nil
    state.names[name] = nil
    state.dropping.append(id)
  }
}
