import CLMDB
import Synchronization

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// How an environment is opened.
package struct EnvironmentOptions: Sendable {
  /// Address space to reserve; halved until the system grants it, and never resized after that.
  ///
  /// `nil`: 1 TiB, and 64 GiB once many environments are open, since a process has 128 TiB in all.
  package var mapSizeBytes: Int?
  package var maxTables: UInt32
  package var maxReaders: UInt32
  package var isReadOnly: Bool

  package init(
    mapSizeBytes: Int? = nil,
    maxTables: UInt32 = 16,
    maxReaders: UInt32 = 1024,
    isReadOnly: Bool = false
  ) {
    self.mapSizeBytes = mapSizeBytes
    self.maxTables = maxTables
    self.maxReaders = maxReaders
    self.isReadOnly = isReadOnly
  }
}

/// One open LMDB environment: a memory-mapped file and its lock file.
///
/// Opened once per process and inode, never used after a fork, its flags the defaults plus MDB_NOTLS
/// (and MDB_RDONLY), so that LMDB keeps its promises. Closed when its last transaction is gone.
// @unchecked: LMDB serialises writers itself, and MDB_NOTLS frees readers from their thread.
@safe
package final class Environment: @unchecked Sendable {
  let pointer: OpaquePointer
  private let file: OpenRegistry.FileID
  private let life = Guarded(Life())
  private let mapBase = Atomic<UInt>(0)
  private let owner = getpid()
  /// Address space that the system granted.
  package let mapSizeBytes: Int
  package let isReadOnly: Bool
  package let folder: String
  package let pageSize: Int

  /// Who still uses the map.
  private struct Life {
    var transactions = 0
    var isClosed = false
  }

  package static let dataFile = "data.mdb"

  /// Creates an environment in a folder, which is made if it is missing, and syncs it before returning.
  package static func create(
    at folder: String,
    options: EnvironmentOptions
  ) throws(LMDBError) -> Environment {
    if unsafe mkdir(folder, 0o700) == 0 {
      // Whatever the umask took away.
      guard unsafe chmod(folder, 0o700) == 0 else { throw .lastErrno }
    } else if errno != EEXIST {
      throw .lastErrno
    }
    try FileGuard.refuseRemote(folder)
    let path = folder + "/" + dataFile
    let descriptor = unsafe open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else {
      if errno == EEXIST { throw .exists(path: path) }
      throw .lastErrno
    }
    // Whatever the umask took away or a default added.
    fchmod(descriptor, 0o600)
    close(descriptor)
    let environment = try Environment(folder: folder, options: options, isNew: true)
    try LMDBError.check(unsafe mdb_env_sync(environment.pointer, 1))
    try FileSync.sync(path: path)
    try FileSync.sync(path: folder)
    try FileSync.sync(path: FileSync.parent(of: folder))
    return environment
  }

  /// Opens an environment that exists; a file of 0 bytes or of another program is never taken for one.
  package convenience init(
    opening folder: String,
    options: EnvironmentOptions
  ) throws(LMDBError) {
    try FileGuard.refuseRemote(folder)
    try self.init(folder: folder, options: options, isNew: false)
  }

  private init(folder: String, options: EnvironmentOptions, isNew: Bool) throws(LMDBError) {
    let path = folder + "/" + Self.dataFile
    let flags = options.isReadOnly ? O_RDONLY : O_RDWR
    let descriptor = try FileGuard.openRegular(path, flags: flags)
    defer { close(descriptor) }
    let file = try FileGuard.identity(of: descriptor)
    if !isNew { _ = try MetaPages(descriptor: descriptor) }
    try OpenRegistry.insert(file, path: folder)
    do throws(LMDBError) {
      try Self.prepareLockFile(folder, options)
      unsafe (pointer, mapSizeBytes) = unsafe try Self.openMapped(folder, options)
    } catch {
      OpenRegistry.remove(file)
      throw error
    }
    self.file = file
    self.folder = folder
    isReadOnly = options.isReadOnly
    var status = MDB_stat()
    _ = unsafe mdb_env_stat(pointer, &status)
    pageSize = Int(status.ms_psize)
    try finishOpening()
  }

  deinit { shutDown() }

  /// Refuses new transactions, and closes the file when the last one is gone.
  ///
  /// Twice is no error.
  package func shutDown() {
    let isLast = life.withLock { life in
      guard !life.isClosed else { return false }
      life.isClosed = true
      return life.transactions == 0
    }
    if isLast { release() }
  }

  private func release() {
    // A child of a fork must not touch the parent's lock table.
    if getpid() == owner { unsafe mdb_env_close(pointer) }
    OpenRegistry.remove(file)
  }

  /// Whether this is not a child of the process that opened the environment.
  var isOwnProcess: Bool { getpid() == owner }

  /// Called before each transaction begins.
  func retainForTransaction() throws(LMDBError) {
    if !isOwnProcess { throw .forked }
    let isOpen = life.withLock { life in
      if life.isClosed { return false }
      life.transactions += 1
      return true
    }
    if !isOpen { throw .closed }
  }

  /// Called after each transaction has ended.
  func releaseAfterTransaction() {
    let isLast = life.withLock { life in
      life.transactions -= 1
      return life.isClosed && life.transactions == 0
    }
    if isLast { release() }
  }

  private static func openMapped(
    _ folder: String,
    _ options: EnvironmentOptions
  ) throws(LMDBError) -> (OpaquePointer, Int) {
    var size = options.mapSizeBytes ?? (OpenRegistry.count > 32 ? 1 << 36 : 1 << 40)
    while true {
      var created: OpaquePointer?
      try LMDBError.check(unsafe mdb_env_create(&created))
      guard let environment = unsafe created else { throw .code(ENOMEM) }
      do throws(LMDBError) {
        try LMDBError.check(unsafe mdb_env_set_mapsize(environment, size))
        try LMDBError.check(unsafe mdb_env_set_maxdbs(environment, options.maxTables))
        try LMDBError.check(unsafe mdb_env_set_maxreaders(environment, options.maxReaders))
        var flags = UInt32(MDB_NOTLS)
        if options.isReadOnly {
          flags |= UInt32(MDB_RDONLY)
          if isOnReadOnlyMedia(folder) { flags |= UInt32(MDB_NOLOCK) }
        }
        try LMDBError.check(unsafe mdb_env_open(environment, folder, flags, 0o600))
        return unsafe (environment, size)
      } catch {
        unsafe mdb_env_close(environment)
        // A small address space (a limit, a small device) takes a smaller map.
        guard error == .code(ENOMEM), size > 1 << 30 else { throw error }
        size /= 2
      }
    }
  }

  /// Makes LMDB's lock file, or checks it: LMDB would follow a link and overwrite what it names, and
  /// leave the mode to the umask.
  ///
  /// Only behind the registry: closing a descriptor of the file drops the locks that this process has
  /// on it.
  private static func prepareLockFile(
    _ folder: String,
    _ options: EnvironmentOptions
  ) throws(LMDBError) {
    if options.isReadOnly, isOnReadOnlyMedia(folder) { return }
    close(try FileGuard.openRegular(folder + "/lock.mdb", flags: O_RDWR | O_CREAT))
  }

  /// Nobody can write there, so there is nothing to lock, and no lock file to make.
  private static func isOnReadOnlyMedia(_ folder: String) -> Bool {
    var status = statvfs()
    guard unsafe statvfs(folder, &status) == 0 else { return false }
    return UInt(status.f_flag) & UInt(ST_RDONLY) != 0
  }

  /// Has the system begin to write the data file's pages that it holds in its cache, and returns.
  ///
  /// Promises nothing; on systems without such a call it does nothing. Not after the environment was shut
  /// down.
  /// - Returns: whether the system does that.
  package func startWriteback() -> Bool {
    #if os(Linux)
      var descriptor: Int32 = -1
      guard unsafe mdb_env_get_fd(pointer, &descriptor) == 0 else { return false }
      return vdb_start_writeback(descriptor) == 0
    #else
      return false
    #endif
  }

  private func finishOpening() throws(LMDBError) {
    var descriptor: Int32 = -1
    try LMDBError.check(unsafe mdb_env_get_fd(pointer, &descriptor))
    guard try FileGuard.identity(of: descriptor) == file else {
      throw .notARegularFile(path: folder + "/" + Self.dataFile)
    }
    // LMDB 0.9 leaves the descriptor open in programs that this process starts.
    _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    _ = try clearStaleReaders()
  }
}

/// What an environment says of itself.
package struct EnvironmentInfo: Sendable, Hashable {
  package let pageSize: Int
  package let lastPage: Int
  package let lastTransactionID: Int
  package let maxReaders: Int
}

/// A read transaction in LMDB's table, of this process or another.
package struct ReaderInfo: Sendable, Hashable {
  package let processID: Int
  /// `nil` for a slot that holds no snapshot at the moment.
  package let transactionID: Int?
}

extension Environment {
  /// The number of the last commit, by any process; no transaction needed.
  package var lastTransactionID: Int {
    var info = unsafe MDB_envinfo()
    _ = unsafe mdb_env_info(pointer, &info)
    return unsafe Int(info.me_last_txnid)
  }

  /// Where the pages of the last commit are in memory; `nil` until `learnMap` was called.
  var mappedPages: Range<UInt>? {
    let base = mapBase.load(ordering: .relaxed)
    if base == 0 { return nil }
    var info = unsafe MDB_envinfo()
    _ = unsafe mdb_env_info(pointer, &info)
    return unsafe base..<(base + UInt(info.me_last_pgno + 1) * UInt(pageSize))
  }

  /// Tells where the map begins, which LMDB does not, so that values can be held against the file's size.
  ///
  /// A page carries its own number, so a small value, which lies in the page of its key, tells the base.
  /// If that number is damaged every value looks wrong afterwards: an error, not a crash.
  package func learnMap(from value: UnsafeRawPointer) {
    let page = UInt(bitPattern: value) & ~UInt(pageSize - 1)
    guard let start = unsafe UnsafeRawPointer(bitPattern: page) else { return }
    let number = unsafe start.load(as: UInt.self)
    mapBase.store(page &- number &* UInt(pageSize), ordering: .relaxed)
  }

  package func info() throws(LMDBError) -> EnvironmentInfo {
    var info = unsafe MDB_envinfo()
    try LMDBError.check(unsafe mdb_env_info(pointer, &info))
    var status = MDB_stat()
    try LMDBError.check(unsafe mdb_env_stat(pointer, &status))
    return unsafe EnvironmentInfo(
      pageSize: Int(status.ms_psize),
      lastPage: Int(info.me_last_pgno),
      lastTransactionID: Int(info.me_last_txnid),
      maxReaders: Int(info.me_maxreaders)
    )
  }

  /// The flags in force.
  package func flags() throws(LMDBError) -> UInt32 {
    var flags: UInt32 = 0
    try LMDBError.check(unsafe mdb_env_get_flags(pointer, &flags))
    return flags
  }

  /// The flags that an environment must have, however LMDB's header calls them.
  package static var expectedFlags: UInt32 { UInt32(MDB_NOTLS) }

  /// Frees the slots of processes that died.
  @discardableResult
  package func clearStaleReaders() throws(LMDBError) -> Int {
    var cleared: Int32 = 0
    try LMDBError.check(unsafe mdb_reader_check(pointer, &cleared))
    return Int(cleared)
  }

  /// The slots of LMDB's reader table that are in use.
  package func readers() -> [ReaderInfo] {
    final class Lines { var text: [String] = [] }
    let lines = Lines()
    withExtendedLifetime(lines) {
      let context = unsafe Unmanaged.passUnretained(lines).toOpaque()
      _ = unsafe mdb_reader_list(
        pointer,
        { message, context in
          if let message = unsafe message, let context = unsafe context {
            let lines = unsafe Unmanaged<Lines>.fromOpaque(context).takeUnretainedValue()
            unsafe lines.text.append(String(cString: message))
          }
          return 0
        },
        context
      )
    }
    return lines.text.compactMap { line in
      // "pid thread txnid", the last a dash for an idle slot; a heading comes first.
      let fields = line.split(whereSeparator: \.isWhitespace)
      guard fields.count == 3, let pid = Int(fields[0]) else { return nil }
      return ReaderInfo(processID: pid, transactionID: Int(fields[2]))
    }
  }

  /// Writes a compacted copy of the last commit to a new file of mode 0600 and syncs it.
  package func copyCompacted(to path: String) throws(LMDBError) {
    let descriptor = unsafe open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw .lastErrno }
    defer { close(descriptor) }
    fchmod(descriptor, 0o600)
    try LMDBError.check(unsafe mdb_env_copyfd2(pointer, descriptor, UInt32(MDB_CP_COMPACT)))
    try FileSync.sync(descriptor)
  }
}
