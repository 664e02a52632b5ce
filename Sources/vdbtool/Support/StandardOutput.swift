import Foundation
import VDBIngest

/// Bytes to a file descriptor, all of them or an error.
enum Descriptor {
  static func write(_ bytes: [UInt8], to descriptor: Int32) throws(Failure) {
    var done = 0
    while done < bytes.count {
      let count = unsafe bytes.withUnsafeBytes { buffer in
        let rest = unsafe UnsafeRawBufferPointer(rebasing: buffer[done...])
        #if canImport(Glibc)
          return unsafe Glibc.write(descriptor, rest.baseAddress, rest.count)
        #elseif canImport(Musl)
          return unsafe Musl.write(descriptor, rest.baseAddress, rest.count)
        #else
          return unsafe Darwin.write(descriptor, rest.baseAddress, rest.count)
        #endif
      }
      if count >= 0 {
        done += count
      } else if errno == EPIPE {
        throw Failure(status: .done, message: nil)
      } else if errno != EINTR {
        let reason = unsafe String(cString: strerror(errno))
        throw Failure(status: .io, message: "The output could not be written: \(reason).")
      }
    }
  }
}

/// Where a command puts what it is asked for; a reader that goes away ends it quietly.
enum StandardOutput {
  static func write(_ text: String) throws(Failure) { try write(Array(text.utf8)) }
  static func write(_ bytes: [UInt8]) throws(Failure) {
    try Descriptor.write(bytes, to: STDOUT_FILENO)
  }

  /// One line of JSON.
  static func writeJSON(_ body: (inout JSONWriter) throws -> Void) throws {
    var writer = JSONWriter()
    try writer.object(body)
    writer.newline()
    try write(writer.bytes)
  }

  /// A report as one line of JSON with keys in snake case.
  static func writeJSON(_ value: some Encodable) throws {
    let encoder = JSONEncoder()
    encoder.keyEncodingStrategy = .convertToSnakeCase
    encoder.dateEncodingStrategy = .iso8601
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    try write(Array(try encoder.encode(value)) + [0x0A])
  }
}

/// Where progress and errors go; nobody reading them is no reason to stop.
enum StandardError {
  static func write(_ text: String) {
    do throws(Failure) { try Descriptor.write(Array(text.utf8), to: STDERR_FILENO) } catch {
      return
    }
  }

  static var isTerminal: Bool { isatty(STDERR_FILENO) == 1 }
}
