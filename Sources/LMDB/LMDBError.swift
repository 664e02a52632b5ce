import CLMDB

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// Why LMDB, the operating system or one of our own checks refused.
package enum LMDBError: Error, Hashable {
  /// A code that LMDB or the system returned; positive ones are `errno` values.
  case code(Int32)
  /// The data file's first pages are not what LMDB writes.
  case badMetaPages(String)
  /// A value that must be there in a certain form is not.
  case corrupted
  /// The path is a symbolic link, a folder or a device where a plain file must be.
  case notARegularFile(path: String)
  /// There is no data file.
  case notFound(path: String)
  /// There is a data file already.
  case exists(path: String)
  /// This process has the file open already.
  case alreadyOpen(path: String)
  /// Another process holds the writer's lock.
  case locked(holder: String)
  /// The file system is remote, where memory-mapped locks do not work.
  case remoteFileSystem(kind: String)
  /// The environment was opened before a fork.
  case forked
  /// The environment was closed.
  case closed

  /// Throws unless `code` says success.
  static func check(_ code: Int32) throws(LMDBError) {
    if code != MDB_SUCCESS { throw .code(code) }
  }

  /// The last system call's error.
  static var lastErrno: LMDBError { .code(errno) }

  package var isMapFull: Bool { self == .code(MDB_MAP_FULL) }
  package var isDiskFull: Bool { self == .code(ENOSPC) || self == .code(EDQUOT) }
  package var isKeyExists: Bool { self == .code(MDB_KEYEXIST) }
  package var isReadersFull: Bool { self == .code(MDB_READERS_FULL) }
  package var isPermission: Bool {
    self == .code(EACCES) || self == .code(EPERM) || self == .code(EROFS)
  }
  /// LMDB met bytes that it cannot make sense of.
  package var isDamage: Bool {
    switch self {
    case .corrupted, .badMetaPages: true
    case .code(let code):
      code == MDB_CORRUPTED || code == MDB_PAGE_NOTFOUND || code == MDB_INVALID
        || code == MDB_VERSION_MISMATCH || code == MDB_INCOMPATIBLE
    default: false
    }
  }
  /// The raw code where there is one.
  package var rawCode: Int32 {
    if case .code(let code) = self { code } else { 0 }
  }
}

extension LMDBError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .code(let code): unsafe String(cString: mdb_strerror(code))
    case .badMetaPages(let reason): "the data file's first pages are damaged: \(reason)"
    case .corrupted: "a stored value is damaged"
    case .notARegularFile(let path): "'\(path)' is not a regular file"
    case .notFound(let path): "'\(path)' does not exist"
    case .exists(let path): "'\(path)' exists already"
    case .alreadyOpen(let path): "'\(path)' is open in this process already"
    case .locked(let holder): "locked by \(holder)"
    case .remoteFileSystem(let kind): "the file system is remote (\(kind))"
    case .forked: "opened before a fork"
    case .closed: "closed"
    }
  }
}
