import Foundation

/// A small file of one text a line, as lists of ids are.
enum TextLines {
  /// The lines that are not blank, without their ends; `-` is standard input.
  static func read(_ path: String) throws(Failure) -> [String] {
    let handle: FileHandle
    if path == "-" {
      handle = .standardInput
    } else {
      guard FileManager.default.fileExists(atPath: path) else {
        throw Failure(status: .noInput, message: "There is no file '\(path)'. Check the path.")
      }
      guard let opened = FileHandle(forReadingAtPath: path) else {
        throw Failure(status: .permission, message: "'\(path)' cannot be read.")
      }
      handle = opened
    }
    let data: Data
    do {
      data = try handle.readToEnd() ?? Data()
    } catch {
      throw Failure(status: .io, message: "'\(path)' cannot be read: \(error).")
    }
    guard let text = String(validating: data, as: UTF8.self) else {
      throw Failure(status: .data, message: "'\(path)' is not UTF-8. Convert it first.")
    }
    return text.split(whereSeparator: \.isNewline).map(String.init)
      .filter { !$0.allSatisfy(\.isWhitespace) }
  }
}
