import CLMDB

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// The right to write to an environment, held by one process at a time; its file names the holder.
///
/// LMDB's own lock makes a second writer wait for ever; this one refuses it at once.
package final class WriterLock: Sendable {
  private let folder: String
  /// The locked files; none once released.
  private let held = Guarded<[Int32]>([])

  /// Takes the lock of a folder, or says who holds it.
  package init(folder: String) throws(LMDBError) {
    self.folder = folder
    let descriptor = try FileGuard.openRegular(folder + "/writer.lock", flags: O_RDWR | O_CREAT)
    try take(descriptor) { Self.holder(descriptor) }
    try Self.writeHolder(descriptor)
  }

  deinit { release() }

  /// Locks the data file too, which may have another name in another folder (a hard link), whose lock file
  /// knows nothing of this one's.
  package func takeDataFile() throws(LMDBError) {
    let path = folder + "/" + Environment.dataFile
    let descriptor = try FileGuard.openRegular(path, flags: O_RDWR)
    try take(descriptor) { "one that opened the same data file in another folder" }
  }

  /// Lets another process write; twice is no error.
  package func release() {
    held.withLock { descriptors in
      for descriptor in descriptors { close(descriptor) }
      descriptors = []
    }
  }

  /// Locks an open file and keeps it until the release, or closes it and says who has it.
  private func take(_ descriptor: Int32, holder: () -> String) throws(LMDBError) {
    var isLocked = false
    #if canImport(Darwin)
      isLocked = flock(descriptor, LOCK_EX | LOCK_NB) == 0
    #else
      // A lock of the open file, not of the process: closing another descriptor does not drop it.
      var request = Glibc.flock()
      request.l_type = Int16(F_WRLCK)
      request.l_whence = Int16(SEEK_SET)
      isLocked = unsafe fcntl(descriptor, Int32(vdb_lock_open_file), &request) == 0
    #endif
    if isLocked {
      held.withLock { $0.append(descriptor) }
      return
    }
    let code = errno
    let holder = holder()
    close(descriptor)
    if code == EAGAIN || code == EACCES || code == EWOULDBLOCK {
      // The holder may be this process: waiting for another one would be bad advice.
      if FileGuard.isOpenHere(folder) { throw .alreadyOpen(path: folder) }
      throw .locked(holder: holder)
    }
    throw .code(code)
  }

  private static func writeHolder(_ descriptor: Int32) throws(LMDBError) {
    var host = [CChar](repeating: 0, count: 256)
    unsafe host.withUnsafeMutableBufferPointer { buffer in
      if let base = buffer.baseAddress { _ = unsafe gethostname(base, buffer.count - 1) }
    }
    let name = String(
      decoding: host.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) },
      as: UTF8.self
    )
    let text = Array("pid \(getpid()) on \(name)\n".utf8)
    guard ftruncate(descriptor, 0) == 0 else { throw .lastErrno }
    let count = unsafe text.withUnsafeBytes {
      unsafe pwrite(descriptor, $0.baseAddress, $0.count, 0)
    }
    guard count == text.count else { throw .lastErrno }
  }

  private static func holder(_ descriptor: Int32) -> String {
    var bytes = [UInt8](repeating: 0, count: 320)
    let count = unsafe bytes.withUnsafeMutableBytes {
      unsafe pread(descriptor, $0.baseAddress, $0.count, 0)
    }
    guard count > 0 else { return "an unknown process" }
    let text = String(decoding: bytes.prefix(count), as: UTF8.self)
    return text.split(separator: "\n").first.map(String.init) ?? "an unknown process"
  }
}
