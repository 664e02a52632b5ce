import Foundation
import LMDB

extension VectorStore {
  /// Rewrites the store at `path` without deleted rows and free pages, and puts the result in its place.
  ///
  /// The store must not be open anywhere. Whatever interrupts it, the path holds the old store or the
  /// new one: the new data file is complete, synced and checked before one rename makes it the store's.
  /// Needs as much free disk as the compacted store takes.
  ///
  /// - Throws: `.locked` while another process reads or writes it, `.alreadyOpen` while this one does,
  ///   `.diskFull` (the old store is untouched), and what `open` throws.
  public static func compact(
    at path: String,
    progress: (@Sendable (OperationProgress) -> Void)? = nil
  ) async throws(VectorStoreError) -> CompactReport {
    try await Compaction(path: path, progress: progress).run()
  }
}

/// The steps of a compaction.
struct Compaction: Sendable {
  let path: String
  let progress: (@Sendable (OperationProgress) -> Void)?

  /// Where the new store is made, inside the old one's folder and so on the same file system.
  static let folderName = "compact.tmp"
  private static let batchRows = 4_096
  /// A batch ends with the row that goes beyond; far below what a batch may have.
  private static let batchBytes = 32 << 20

  private var temporary: String { path + "/" + Self.folderName }

  /// Removes what an interrupted compaction left.
  ///
  /// The caller holds the writer's lock.
  static func removeRemains(in path: String) throws(VectorStoreError) {
    let folder = path + "/" + folderName
    guard FileManager.default.fileExists(atPath: folder) else { return }
    do {
      try FileManager.default.removeItem(atPath: folder)
    } catch {
      throw .io(operation: "remove '\(folder)'", code: 0, message: "\(error)")
    }
  }

  func run() async throws(VectorStoreError) -> CompactReport {
    let began = ContinuousClock.now
    let before = fileBytes(path)
    let source = try VectorStore.open(at: path, options: StoreOptions(mode: .readWriteExisting))
    let reclaimed: Int
    do throws(VectorStoreError) {
      try refuseOtherReaders(source)
      reclaimed = try await build(from: source)
      try await source.close()
    } catch {
      try await source.close()
      try Self.removeRemains(in: path)
      throw error
    }
    try replaceDataFile()
    return CompactReport(
      bytesBefore: before,
      bytesAfter: fileBytes(path),
      rowsReclaimed: reclaimed,
      seconds: (ContinuousClock.now - began) / .seconds(1)
    )
  }

  private func fileBytes(_ folder: String) -> Int {
    do {
      let file = folder + "/" + Environment.dataFile
      return try FileManager.default.attributesOfItem(atPath: file)[.size] as? Int ?? 0
    } catch {
      return 0
    }
  }

  /// A reader that stays would go on reading a file that is no longer the store's.
  private func refuseOtherReaders(_ source: VectorStore) throws(VectorStoreError) {
    let own = Int(ProcessInfo.processInfo.processIdentifier)
    if let other = source.environment.readers().first(where: { $0.processID != own }) {
      throw .locked(holder: "reader with pid \(other.processID)")
    }
  }

  /// Makes the new store complete and durable.
  ///
  /// - Returns: rows left out.
  private func build(from source: VectorStore) async throws(VectorStoreError) -> Int {
    let snapshot = try source.snapshot()
    let collections = snapshot.collections.values.sorted { $0.record.id < $1.record.id }
    let deleted = collections.reduce(0) { $0 + $1.live.deletedCount }
    try Self.removeRemains(in: path)
    if deleted == 0 {
      // Nothing to leave out but free pages: the index is kept as it is.
      report("copy", 0, 1)
      do throws(LMDBError) {
        try FileSync.makeFolder(temporary)
        try source.environment.copyCompacted(to: temporary + "/" + Environment.dataFile)
      } catch {
        throw VectorStoreError(error, during: "copy the store")
      }
      KillPoint.reach("compact.copied")
      return 0
    }
    let target = try VectorStore.open(at: temporary)
    do throws(VectorStoreError) {
      for collection in collections { try await copy(collection, snapshot, to: target) }
      for (alias, id) in snapshot.aliases {
        guard let named = collections.first(where: { $0.record.id == id }) else { continue }
        try await target.setAlias(alias, to: named.name)
      }
      KillPoint.reach("compact.copied")
      for collection in collections
      where collection.record.options.hasVectors
        && (collection.record.options.indexing != .manual || collection.linked > 0)
      {
        try await waitForIndex(collection.name, of: target)
        try await measureRecall(collection, of: target)
      }
      try target.adoptIdentity(of: source, sequence: snapshot.sequence)
      try await target.close()
    } catch {
      try await target.close()
      throw error
    }
    return deleted
  }

  private func copy(
    _ collection: CollectionSnapshot,
    _ snapshot: Snapshot,
    to target: VectorStore
  ) async throws(VectorStoreError) {
    try await target.createCollection(collection.name, collection.record.options)
    var row: Row = 0
    while row < collection.rows {
      var ids: [RecordID] = []
      var metadata: [Metadata] = []
      var documents: [String?] = []
      var originals: [String?] = []
      var vectors = RowCollector(collection)
      var bytes = 0
      while row < collection.rows, ids.count < Self.batchRows, bytes < Self.batchBytes {
        if !collection.live.isDeleted(row) {
          let record = try collection.withRecord(row, in: snapshot.reading) {
            (parts) throws(MalformedBytes) in
            unsafe bytes += parts.metadata.count + (parts.document?.count ?? 0)
            bytes += parts.original?.byteCount ?? 0
            return unsafe (
              id: try parts.id(), metadata: try MetadataCoding.decode(parts.metadata),
              document: try parts.text(), original: try parts.originalText()
            )
          }
          ids.append(record.id)
          metadata.append(record.metadata)
          documents.append(record.document)
          originals.append(record.original)
          if collection.record.options.hasVectors {
            unsafe vectors.append(try collection.checkedAddress(of: row, in: snapshot.reading))
          }
          bytes += collection.vectors.shape.stride
        }
        row += 1
      }
      try await target.insertBatch(
        RecordBatch(
          ids: ids,
          vectors: vectors.rows,
          metadata: metadata,
          documents: documents,
          originals: originals
        ),
        into: collection.name
      )
      report("copy '\(collection.name)'", Int(row), Int(collection.rows))
    }
    let marks = try Loader(reading: snapshot.reading).marks(of: collection, prefix: "")
    for mark in marks { try await target.setMarks([mark], of: collection.name) }
  }

  /// Rows in the collection's own element type, so that no number changes.
  private struct RowCollector {
    private let options: CollectionOptions
    private var bytes: [UInt8] = []

    init(_ collection: CollectionSnapshot) { options = collection.record.options }

    mutating func append(_ address: UnsafeRawPointer) {
      let count = options.dimension * options.element.byteCount
      unsafe bytes.append(contentsOf: UnsafeRawBufferPointer(start: address, count: count))
    }

    var rows: VectorRows {
      if !options.hasVectors { return .none }
      let storage: VectorRows.Storage = unsafe bytes.withRawBytes { raw in
        switch options.element {
        case .float32: unsafe .float32(Array(raw.bindMemory(to: Float.self)))
        case .float16: unsafe .float16(Array(raw.bindMemory(to: UInt16.self)))
        case .int8: unsafe .int8(Array(raw.bindMemory(to: Int8.self)))
        }
      }
      return VectorRows(storage, dimension: options.dimension)
    }
  }

  private func waitForIndex(_ name: String, of target: VectorStore) async throws(VectorStoreError) {
    let updates = target.indexStatusUpdates(of: name)
    let report = progress
    let watching = Task {
      for await status in updates {
        report?(
          OperationProgress(stage: "index '\(name)'", done: status.indexed, total: status.rows)
        )
      }
    }
    defer { watching.cancel() }
    try await target.index(name)
  }

  /// The new graph is measured where the old one was; queries of the application are not kept, so figures
  /// that came of them stay.
  private func measureRecall(
    _ collection: CollectionSnapshot,
    of target: VectorStore
  ) async throws(VectorStoreError) {
    guard let recall = collection.recall else { return }
    if recall.source == .queries {
      try await target.adoptRecall(recall, for: collection.name)
    } else {
      try await target.calibrateRecall(collection.name)
    }
  }

  private func report(_ stage: String, _ done: Int, _ total: Int) {
    progress?(OperationProgress(stage: stage, done: done, total: total))
  }

  /// The commit of the compaction: one rename.
  private func replaceDataFile() throws(VectorStoreError) {
    let lock: WriterLock
    do throws(LMDBError) {
      lock = try WriterLock(folder: path)
      let new = temporary + "/" + Environment.dataFile
      try FileSync.sync(path: new)
      KillPoint.reach("compact.synced")
      try FileSync.rename(new, to: path + "/" + Environment.dataFile)
      KillPoint.reach("compact.renamed")
      // LMDB's reader table counts the old file's commits.
      try FileSync.remove(path + "/lock.mdb")
    } catch {
      throw VectorStoreError(error, during: "replace the data file")
    }
    try Self.removeRemains(in: path)
    withExtendedLifetime(lock) {}
  }
}

extension VectorStore {
  /// Makes this new store take another one's place: its id, so that the superblock fits, and its last
  /// sequence, so that receipts stay comparable.
  func adoptIdentity(of other: VectorStore, sequence: UInt64) throws(VectorStoreError) {
    let identity = try Loader(reading: other.snapshot().reading).metaValue(Key.store) ?? []
    try writing("finish a compaction").writer.maintain("adopt identity") {
      (step) throws(VectorStoreError) in
      do throws(LMDBError) {
        try step.transaction.put(
          SealedValue.seal(identity, key: Key.store),
          forKey: Key.store,
          in: step.tables.meta
        )
      } catch {
        throw VectorStoreError(error, during: "finish a compaction")
      }
      step.state.sequence = max(step.state.sequence, sequence)
    }
  }
}
