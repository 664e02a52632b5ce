#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A file, or standard input, read from front to back.
///
/// It is read and never mapped: a mapped file that shrinks would end the process by a signal.
final class InputFile {
  /// What may be at the path.
  enum Form {
    /// A regular file, whose size is known before it is read.
    case regular
    /// Anything that can be read as a stream; `-` is standard input.
    case stream
  }

  let path: String
  /// Bytes of a regular file; `nil` for streams.
  let size: Int?
  private let descriptor: Int32
  /// Bytes read so far.
  private(set) var offset = 0
  /// How much of a regular file has been read, 0 to 1.
  var share: Double? {
    guard let size, size > 0 else { return nil }
    return min(1, Double(offset) / Double(size))
  }

  init(_ path: String, as form: Form) throws(VectorFileError) {
    self.path = path
    if path == "-" {
      guard form == .stream else {
        throw VectorFileError(
          path: path,
          reason: "this format cannot be read from standard input",
          remedy: "Give the path of a file"
        )
      }
      descriptor = dup(STDIN_FILENO)
      size = nil
      if descriptor < 0 { throw Self.failure(errno, path) }
      return
    }
    // Opening a FIFO waits for a writer; a format that refuses FIFOs must not.
    let flags = O_RDONLY | O_CLOEXEC | (form == .regular ? O_NONBLOCK : 0)
    descriptor = unsafe open(path, flags)
    if descriptor < 0 { throw Self.failure(errno, path) }
    do {
      size = try Self.regularSize(descriptor, path: path, form: form)
    } catch {
      close(descriptor)
      throw error
    }
  }

  deinit { close(descriptor) }

  private static func regularSize(
    _ descriptor: Int32,
    path: String,
    form: Form
  ) throws(VectorFileError) -> Int? {
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else { throw failure(errno, path) }
    switch status.st_mode & S_IFMT {
    case S_IFREG: return Int(status.st_size)
    case S_IFDIR:
      throw VectorFileError(
        path: path,
        reason: "this is a directory",
        remedy: "Give the path of a file in it"
      )
    default:
      if form == .stream { return nil }
      throw VectorFileError(
        path: path,
        reason: "this is not a regular file, so its size cannot be checked against its header",
        remedy: "Write it to a file first; only JSON Lines can be streamed"
      )
    }
  }

  private static func failure(_ code: Int32, _ path: String) -> VectorFileError {
    switch code {
    case ENOENT, ENOTDIR:
      return VectorFileError(
        path: path,
        kind: .missing,
        reason: "there is no such file",
        remedy: "Check the path"
      )
    case EACCES, EPERM:
      return VectorFileError(
        path: path,
        kind: .permissionDenied,
        reason: "no permission to read this file",
        remedy: "Change its permissions, or read it as another user"
      )
    default:
      let message = unsafe String(cString: strerror(code))
      return VectorFileError(
        path: path,
        kind: .unreadable,
        reason: "it could not be read: \(message)",
        remedy: "Check the file and its disk"
      )
    }
  }

  /// Which file it is and in which state: its path, size, time of change and first bytes.
  ///
  /// - Parameter form: How it is read, since another form gives other entries.
  /// - Returns: `nil` for a stream, and for a file that cannot be looked at again.
  func identity(as form: String) -> SourceIdentity? {
    guard let size, let real = unsafe realpath(path, nil) else { return nil }
    defer { unsafe free(real) }
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else { return nil }
    #if canImport(Darwin)
      let changed = status.st_mtimespec
    #else
      let changed = status.st_mtim
    #endif
    var head = [UInt8](repeating: 0, count: 1 << 16)
    let count = unsafe head.withUnsafeMutableBytes { bytes in
      unsafe pread(descriptor, bytes.baseAddress, bytes.count, 0)
    }
    guard count >= 0 else { return nil }
    let hash = unsafe head.withUnsafeBytes { bytes in
      unsafe ContentHash(UnsafeRawBufferPointer(rebasing: bytes.prefix(count)), seed: 0)
    }
    return SourceIdentity(
      name: unsafe String(cString: real),
      state: "\(form), \(size) bytes, \(changed.tv_sec).\(changed.tv_nsec), \(hash.low)"
    )
  }

  /// Reads at least one byte unless the end is reached, which returns 0.
  @unsafe
  func read(into buffer: UnsafeMutableRawBufferPointer) throws(VectorFileError) -> Int {
    while true {
      #if canImport(Glibc)
        let count = unsafe Glibc.read(descriptor, buffer.baseAddress, buffer.count)
      #elseif canImport(Musl)
        let count = unsafe Musl.read(descriptor, buffer.baseAddress, buffer.count)
      #else
        let count = unsafe Darwin.read(descriptor, buffer.baseAddress, buffer.count)
      #endif
      if count >= 0 {
        offset += count
        return count
      }
      if errno != EINTR { throw Self.failure(errno, path) }
    }
  }

  /// Whether a stream has nothing to be read within `time`, neither bytes nor its end.
  ///
  /// A regular file never makes anybody wait.
  func isIdle(for time: Duration) -> Bool {
    guard size == nil else { return false }
    let (seconds, attoseconds) = time.components
    let milliseconds = min(seconds, 3600) * 1000 + attoseconds / 1_000_000_000_000_000
    var request = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    // What cannot be asked is found out by reading, a signal included.
    return unsafe poll(&request, 1, Int32(milliseconds)) == 0
  }

  /// Fills the buffer, or throws where the file ends too early.
  @unsafe
  func readExactly(into buffer: UnsafeMutableRawBufferPointer) throws(VectorFileError) {
    var done = 0
    while done < buffer.count {
      let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: buffer[done...])
      let count = unsafe try read(into: rest)
      if count == 0 {
        throw VectorFileError(
          path: path,
          place: .offset(offset),
          reason: "the file ends here, \(buffer.count - done) bytes too early",
          remedy: "It is cut off or being written; fetch it again"
        )
      }
      done += count
    }
  }

  /// Reads `count` values of a plain number type, little-endian like the machine.
  func readValues<Value: BitwiseCopyable>(
    _ count: Int,
    as type: Value.Type
  ) throws(VectorFileError) -> [Value] {
    if count == 0 { return [] }
    var failure: VectorFileError?
    let values = unsafe [Value](unsafeUninitializedCapacity: count) { buffer, initialized in
      do throws(VectorFileError) {
        unsafe try readExactly(into: UnsafeMutableRawBufferPointer(buffer))
        initialized = count
      } catch {
        failure = error
      }
    }
    if let failure { throw failure }
    return values
  }

  /// Goes to a byte of a regular file.
  func seek(to position: Int) throws(VectorFileError) {
    guard lseek(descriptor, off_t(position), SEEK_SET) == off_t(position) else {
      throw Self.failure(errno, path)
    }
    offset = position
  }
}
