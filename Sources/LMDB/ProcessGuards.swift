import CLMDB

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// Files that this process has open as environments, by device and inode: LMDB's file locks do not
/// survive a second opening in one process.
enum OpenRegistry {
  struct FileID: Hashable, Sendable {
    let device: UInt64
    let inode: UInt64
  }

  private static let open = Guarded<Set<FileID>>([])

  static func insert(_ file: FileID, path: String) throws(LMDBError) {
    let isNew = open.withLock { $0.insert(file).inserted }
    if !isNew { throw .alreadyOpen(path: path) }
  }

  static var count: Int { open.withLock { $0.count } }

  static func remove(_ file: FileID) { open.withLock { _ = $0.remove(file) } }

  static func contains(_ file: FileID) -> Bool { open.withLock { $0.contains(file) } }
}

/// Opens and checks the files of an environment by hand, as strictly as LMDB does not.
enum FileGuard {
  /// Opens a plain file without following a link; the caller closes it.
  ///
  /// One that it makes has mode 0600.
  static func openRegular(_ path: String, flags: Int32) throws(LMDBError) -> Int32 {
    if flags & O_CREAT != 0 {
      let new = unsafe open(path, flags | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
      if new >= 0 {
        // Whatever the umask took away.
        fchmod(new, 0o600)
        return new
      }
      if errno != EEXIST { throw .lastErrno }
    }
    // A pipe without a writer would block.
    let descriptor = unsafe open(path, flags & ~O_CREAT | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC)
    guard descriptor >= 0 else {
      if errno == ENOENT { throw .notFound(path: path) }
      if errno == ELOOP || errno == EISDIR || errno == ENXIO { throw .notARegularFile(path: path) }
      throw .lastErrno
    }
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else {
      close(descriptor)
      throw .lastErrno
    }
    guard status.st_mode & S_IFMT == S_IFREG else {
      close(descriptor)
      throw .notARegularFile(path: path)
    }
    return descriptor
  }

  static func identity(of descriptor: Int32) throws(LMDBError) -> OpenRegistry.FileID {
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else { throw .lastErrno }
    return OpenRegistry.FileID(
      device: UInt64(truncatingIfNeeded: status.st_dev),
      inode: UInt64(truncatingIfNeeded: status.st_ino)
    )
  }

  /// Whether this process has the environment of a folder open, by whatever path.
  static func isOpenHere(_ folder: String) -> Bool {
    var status = stat()
    guard unsafe stat(folder + "/" + Environment.dataFile, &status) == 0 else { return false }
    return OpenRegistry.contains(
      OpenRegistry.FileID(
        device: UInt64(truncatingIfNeeded: status.st_dev),
        inode: UInt64(truncatingIfNeeded: status.st_ino)
      )
    )
  }

  /// Refuses file systems that another machine may change underneath us.
  static func refuseRemote(_ folder: String) throws(LMDBError) {
    #if canImport(Darwin)
      var status = unsafe statfs()
      guard unsafe statfs(folder, &status) == 0 else { throw .lastErrno }
      if unsafe status.f_flags & UInt32(MNT_LOCAL) == 0 { throw .remoteFileSystem(kind: "network") }
    #else
      let kinds: [UInt32: String] = [
        0x6969: "NFS", 0x517B: "SMB", 0xFE53_4D42: "SMB", 0xFF53_4D42: "CIFS",
        0x0102_1997: "9P", 0x6573_5546: "FUSE", 0x0BD0_0BD0: "Lustre", 0x5346_414F: "AFS",
        0x00C3_6400: "Ceph", 0x4750_4653: "GPFS",
      ]
      if let kind = kinds[unsafe vdb_file_system_kind(folder)] {
        throw .remoteFileSystem(kind: kind)
      }
    #endif
  }
}

/// Waits until what was written is on stable storage.
package enum FileSync {
  /// A file's or folder's bytes and size.
  package static func sync(path: String) throws(LMDBError) {
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .lastErrno }
    defer { close(descriptor) }
    try sync(descriptor)
  }

  package static func sync(_ descriptor: Int32) throws(LMDBError) {
    #if canImport(Darwin)
      // fsync leaves the bytes in the drive's cache on Apple platforms.
      if fcntl(descriptor, F_FULLFSYNC) == 0 { return }
    #endif
    guard fsync(descriptor) == 0 else { throw .lastErrno }
  }

  /// The folder that contains `path`.
  package static func parent(of path: String) -> String {
    var trimmed = path[...]
    while trimmed.count > 1, trimmed.last == "/" { trimmed.removeLast() }
    guard let slash = trimmed.lastIndex(of: "/") else { return "." }
    return slash == trimmed.startIndex ? "/" : String(trimmed[..<slash])
  }

  /// Renames within one file system and makes the new name durable.
  package static func rename(_ from: String, to: String) throws(LMDBError) {
    #if canImport(Darwin)
      guard unsafe Darwin.rename(from, to) == 0 else { throw .lastErrno }
    #else
      guard unsafe Glibc.rename(from, to) == 0 else { throw .lastErrno }
    #endif
    try sync(path: parent(of: to))
  }
}

extension FileSync {
  /// Writes a new file of mode 0600 and makes its bytes durable; the name is not yet.
  package static func write(_ bytes: [UInt8], to path: String) throws(LMDBError) {
    let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw .lastErrno }
    defer { close(descriptor) }
    fchmod(descriptor, 0o600)
    let count = unsafe bytes.withRawBytes { raw in
      unsafe pwrite(descriptor, raw.baseAddress, raw.count, 0)
    }
    guard count == bytes.count else { throw count < 0 ? .lastErrno : .code(ENOSPC) }
    try sync(descriptor)
  }

  /// The bytes of a small plain file, at most `limit` of them.
  package static func read(_ path: String, limit: Int) throws(LMDBError) -> [UInt8] {
    let descriptor = try FileGuard.openRegular(path, flags: O_RDONLY)
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: limit)
    let count = unsafe bytes.withUnsafeMutableBytes { raw in
      unsafe pread(descriptor, raw.baseAddress, raw.count, 0)
    }
    guard count >= 0 else { throw .lastErrno }
    return Array(bytes.prefix(count))
  }

  /// Removes a file if it is there.
  package static func remove(_ path: String) throws(LMDBError) {
    if unsafe unlink(path) != 0, errno != ENOENT { throw .lastErrno }
  }

  /// Makes a folder of mode 0700, whatever the umask.
  package static func makeFolder(_ path: String) throws(LMDBError) {
    guard unsafe mkdir(path, 0o700) == 0 else {
      if errno == ENOENT { throw .notFound(path: parent(of: path)) }
      throw .lastErrno
    }
    guard unsafe chmod(path, 0o700) == 0 else { throw .lastErrno }
  }

  /// Whether next to nothing can be written to the disk of a folder.
  ///
  /// LMDB calls a write that was cut short an input/output error, whatever cut it.
  package static func isDiskFull(_ folder: String) -> Bool {
    var status = statvfs()
    guard unsafe statvfs(folder, &status) == 0 else { return false }
    return UInt64(status.f_bavail) * UInt64(status.f_frsize) < 64 << 10
  }
}
