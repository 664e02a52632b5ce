import Foundation

/// A file that gets its name only once it is complete and on disk.
final class PendingFile {
  private let path: String
  private let temporaryPath: String
  private var descriptor: Int32

  init(_ path: String) throws(Failure) {
    self.path = path
    temporaryPath = "\(path).\(getpid()).part"
    descriptor = unsafe open(temporaryPath, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    if descriptor < 0 {
      let status: ExitStatus = errno == EACCES || errno == EPERM ? .permission : .cannotCreate
      let reason = unsafe String(cString: strerror(errno))
      throw Failure(
        status: status,
        message: "'\(temporaryPath)' cannot be created: \(reason). Choose another --output."
      )
    }
  }

  deinit {
    if descriptor < 0 { return }
    close(descriptor)
    unsafe unlink(temporaryPath)
  }

  func write(_ bytes: [UInt8]) throws(Failure) { try Descriptor.write(bytes, to: descriptor) }

  /// Syncs the file and gives it its name.
  func commit() throws(Failure) {
    guard fsync(descriptor) == 0, unsafe rename(temporaryPath, path) == 0 else {
      let reason = unsafe String(cString: strerror(errno))
      throw Failure(status: .io, message: "'\(path)' could not be written: \(reason).")
    }
    close(descriptor)
    descriptor = -1
  }
}
