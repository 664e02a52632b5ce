import Foundation
import LMDB
import Logging

/// The steps from a path to a store, in the order that keeps its promises: lock, superblock, meta pages,
/// LMDB, and only then the store's own state.
struct StoreOpening {
  let path: String
  let options: StoreOptions

  /// Everything that an open store consists of.
  struct Opened {
    let path: String
    let environment: Environment
    let tables: Tables
    let publisher: Publisher
    let logger: Logger
    let engine: VectorStore.Engine?
  }

  func open() throws(VectorStoreError) -> VectorStore {
    guard !path.isEmpty, !path.utf8.contains(0) else {
      throw .invalidArgument(name: "path", reason: "is empty or holds a NUL")
    }
    switch try contents() {
    case .nothing:
      guard options.mode == .readWrite else { throw .notFound(path: path) }
      return try create()
    case .store: return try openExisting()
    case .something(let reason): throw .notAStore(path: path, reason: reason)
    }
  }

  private enum Contents {
    case nothing
    case store
    case something(String)
  }

  /// What is at the path, without changing it.
  private func contents() throws(VectorStoreError) -> Contents {
    var isFolder: ObjCBool = false
    guard unsafe FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
      return .nothing
    }
    guard isFolder.boolValue else { return .something("it is a file; a store is a folder") }
    let names: [String]
    do {
      names = try FileManager.default.contentsOfDirectory(atPath: path)
    } catch {
      throw .permissionDenied(path: path)
    }
    if names.contains(Superblock.fileName) { return .store }
    if names.isEmpty { return .nothing }
    // A creation that a crash ended leaves the lock and LMDB's files, and no superblock.
    let remains: Set = ["data.mdb", "lock.mdb", "writer.lock", Self.newSuperblock]
    if Set(names).isSubset(of: remains), names.contains("writer.lock") { return .nothing }
    return .something("the folder has other files and no superblock")
  }

  private static let newSuperblock = "superblock.new"

  // MARK: Creating

  private func create() throws(VectorStoreError) -> VectorStore {
    try makeFolder()
    let lock = try storage("create the store") { () throws(LMDBError) -> WriterLock in
      let lock = try WriterLock(folder: path)
      for name in ["data.mdb", "lock.mdb", Self.newSuperblock] {
        try FileSync.remove(path + "/" + name)
      }
      return lock
    }
    let storeID = unsafe withUnsafeBytes(of: UUID().uuid) { unsafe Array($0) }
    let environment = try storage("create the store") { () throws(LMDBError) -> Environment in
      let environment = try Environment.create(
        at: path,
        options: EnvironmentOptions(mapSizeBytes: options.mapSizeBytes)
      )
      try lock.takeDataFile()
      var transaction = try WriteTransaction(environment)
      let tables = try Tables(creatingIn: &transaction)
      var identity = ByteWriter(capacity: 20)
      identity.put(contentsOf: storeID)
      identity.put(Superblock.currentVersion)
      try transaction.put(
        SealedValue.seal(identity.bytes, key: Key.store),
        forKey: Key.store,
        in: tables.meta
      )
      try transaction.commit()
      // The superblock comes last: with it the folder is a store, without it nothing.
      let superblock = Superblock(
        storeID: storeID,
        pageSize: UInt32(environment.pageSize),
        createdSeconds: UInt64(max(0, Date().timeIntervalSince1970))
      )
      try FileSync.write(superblock.encoded(), to: path + "/" + Self.newSuperblock)
      try FileSync.rename(path + "/" + Self.newSuperblock, to: path + "/" + Superblock.fileName)
      return environment
    }
    return try finish(environment, lock: lock, storeID: storeID)
  }

  /// Makes the store's own folder, but none above it: these would hide a mistyped path.
  private func makeFolder() throws(VectorStoreError) {
    if FileManager.default.fileExists(atPath: path) { return }
    let parent = FileSync.parent(of: path)
    guard FileManager.default.fileExists(atPath: parent) else {
      throw .folderNotFound(path: parent)
    }
    try storage("create the store") { () throws(LMDBError) in try FileSync.makeFolder(path) }
  }

  // MARK: Opening

  private func openExisting() throws(VectorStoreError) -> VectorStore {
    let bytes = try storage("open the store") { () throws(LMDBError) in
      try FileSync.read(path + "/" + Superblock.fileName, limit: 4096)
    }
    let superblock = try Superblock(decoding: bytes, path: path)
    let isReadOnly = options.mode == .readOnly
    var lock: WriterLock?
    if !isReadOnly {
      lock = try storage("open the store") { () throws(LMDBError) in
        let lock = try WriterLock(folder: path)
        try lock.takeDataFile()
        return lock
      }
      try Compaction.removeRemains(in: path)
    }
    let environment = try storage("open the store") { () throws(LMDBError) in
      try Environment(
        opening: path,
        options: EnvironmentOptions(mapSizeBytes: options.mapSizeBytes, isReadOnly: isReadOnly)
      )
    }
    KillPoint.reach("recovery.opened")
    return try finish(environment, lock: lock, storeID: superblock.storeID)
  }

  /// Reads the state, checks that the data file is this store's, and starts what writes.
  private func finish(
    _ environment: Environment,
    lock: WriterLock?,
    storeID: [UInt8]
  ) throws(VectorStoreError) -> VectorStore {
    var reading = try Self.beginReading(environment, path: path)
    try Self.learnMap(environment, from: reading)
    reading = try Self.beginReading(environment, tables: reading.tables)
    let loader = Loader(reading: reading)
    guard let identity = try loader.metaValue(Key.store), identity.prefix(16).elementsEqual(storeID)
    else {
      throw .notAStore(path: path, reason: "data.mdb belongs to another store than its superblock")
    }
    let features = try loader.features()
    let loaded = try loader.collections()
    let aliases = try loader.aliases()
    let sequence = try loader.sequence()
    let publisher = Publisher(
      environment: environment,
      tables: reading.tables,
      reading: reading,
      sequence: sequence,
      aliases: aliases,
      collections: Dictionary(uniqueKeysWithValues: loaded.map { ($0.record.id, $0.snapshot) })
    )
    var engine: VectorStore.Engine?
    if let lock {
      engine = try startEngine(
        environment,
        publisher,
        lock,
        StoreState(
          sequence: sequence,
          nextCollection: try loader.nextCollection(),
          collections: Dictionary(uniqueKeysWithValues: loaded.map { ($0.record.id, $0.state) }),
          names: Dictionary(uniqueKeysWithValues: loaded.map { ($0.name, $0.record.id) }),
          dropping: try loader.dropping(),
          aliases: aliases,
          features: features
        )
      )
    }
    KillPoint.reach("recovery.replayed")
    return VectorStore(
      Opened(
        path: path,
        environment: environment,
        tables: reading.tables,
        publisher: publisher,
        logger: options.logger,
        engine: engine
      )
    )
  }

  static func beginReading(
    _ environment: Environment,
    path: String
  ) throws(VectorStoreError) -> SharedReadTransaction {
    try beginReading(environment, tables: openTables(environment, path: path))
  }

  /// A value in its key's own page tells LMDB's layer where the map is; transactions begun after that hold
  /// every value against the file's size.
  private static func learnMap(
    _ environment: Environment,
    from reading: SharedReadTransaction
  ) throws(VectorStoreError) {
    do throws(LMDBError) {
      let value = unsafe try Key.store.withRawBytes { (key) throws(LMDBError) in
        try unsafe reading.transaction.address(forKey: key, in: reading.tables.meta)
      }
      if let base = unsafe value?.baseAddress { unsafe environment.learnMap(from: base) }
    } catch {
      throw VectorStoreError(error, during: "read the store's identity")
    }
  }

  private static func beginReading(
    _ environment: Environment,
    tables: Tables
  ) throws(VectorStoreError) -> SharedReadTransaction {
    do throws(LMDBError) {
      return try SharedReadTransaction(ReadTransaction(environment), tables: tables)
    } catch {
      throw VectorStoreError(error, during: "begin a read transaction")
    }
  }

  private static func openTables(
    _ environment: Environment,
    path: String
  ) throws(VectorStoreError) -> Tables {
    let transaction: ReadTransaction
    do throws(LMDBError) {
      transaction = try ReadTransaction(environment)
    } catch {
      throw VectorStoreError(error, during: "begin a read transaction")
    }
    let tables = try Tables(in: transaction, path: path)
    do throws(LMDBError) {
      try transaction.keepTables()
    } catch {
      throw VectorStoreError(error, during: "open the tables")
    }
    return tables
  }

  private func startEngine(
    _ environment: Environment,
    _ publisher: Publisher,
    _ lock: WriterLock,
    _ state: StoreState
  ) throws(VectorStoreError) -> VectorStore.Engine {
    let queue = CommitQueue(limitBytes: options.queueBytes)
    let writer = Writer(
      environment: environment,
      tables: publisher.tables,
      state: state,
      publisher: publisher,
      queue: queue,
      path: path,
      logger: options.logger
    )
    let indexer = Indexer(
      publisher: publisher,
      writer: writer,
      threads: options.indexingThreads ?? ProcessInfo.processInfo.activeProcessorCount,
      dropping: state.dropping,
      logger: options.logger
    )
    publisher.observe { indexer.observe($0) }
    indexer.observe(try publisher.snapshot())
    return VectorStore.Engine(writer: writer, queue: queue, indexer: indexer, lock: lock)
  }

  /// Runs steps of the LMDB layer with errors for the caller.
  private func storage<Result>(
    _ operation: String,
    _ body: () throws(LMDBError) -> Result
  ) throws(VectorStoreError) -> Result {
    do throws(LMDBError) {
      return try body()
    } catch {
      let translated = VectorStoreError(error, during: operation)
      switch translated {
      case .permissionDenied: throw .permissionDenied(path: path)
      case .diskFull: throw .diskFull(path: path)
      case .unsupportedFileSystem(_, let kind): throw .unsupportedFileSystem(path: path, kind: kind)
      case .notFound(let missing) where missing.hasSuffix(Environment.dataFile):
        throw .notAStore(path: path, reason: "its data file is missing")
      default: throw translated
      }
    }
  }
}

extension LoadedCollection {
  /// The collection in the writer's hands.
  var state: CollectionState {
    CollectionState(
      name: name,
      kernels: kernels,
      record: record,
      tail: vectors.tail,
      live: live,
      pendingIDs: pendingIDs,
      idsIntegrity: idsIntegrity,
      recall: recall,
      vectors: vectors
    )
  }
}
