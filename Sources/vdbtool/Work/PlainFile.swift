import Foundation
import VDBIngest

/// A file that batches are appended to with one fdatasync each: what the disk gives without a store.
final class PlainFile {
  private let descriptor: CInt
  private let batch: [UInt8]
  /// How long all appends took.
  private(set) var seconds = 0.0
  /// What the process wrote meanwhile, as far as the system says.
  private(set) var written = ProcessIO()

  /// Makes the file at `path`, for batches of so many bytes.
  init(at path: String, batchBytes: Int) throws {
    descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL, 0o600)
    guard descriptor >= 0 else {
      throw Failure(status: .cannotCreate, message: "'\(path)' could not be made.")
    }
    batch = [UInt8](repeating: 0xA5, count: batchBytes)
  }

  deinit { close(descriptor) }

  func append(batches: Int) throws {
    let before = ProcessIO.now()
    let start = ContinuousClock.now
    for _ in 0..<batches {
      try Descriptor.write(batch, to: descriptor)
      #if canImport(Darwin)
        _ = fcntl(descriptor, F_FULLFSYNC)
      #else
        fdatasync(descriptor)
      #endif
    }
    seconds += (ContinuousClock.now - start) / .seconds(1)
    if let before, let after = ProcessIO.now() { written.add(after.since(before)) }
  }
}
