internal import Foundation
public import VDBIngest

/// The secret that a service knows its users by.
///
/// It leaves this type as a header of a request and in no other way: printing, dumping or reflecting a
/// key, or whatever holds one, shows a placeholder, and it cannot be encoded.
public struct APIKey: Sendable {
  /// What is shown instead of a key.
  static let placeholder = "(API key)"
  /// The most bytes that a key has.
  static let maxBytes = 8 * 1024

  private let value: String

  /// A key from elsewhere, such as a keychain.
  ///
  /// - Parameter value: the key; white space around it is dropped.
  /// - Throws: `.invalidSetting` for what no key can be, without showing it.
  public init(_ value: String) throws(EmbeddingError) {
    self.value = try Self.checked(value, from: "the key given")
  }

  /// The key in an environment variable.
  ///
  /// - Parameters:
  ///   - name: the variable, such as `OPENAI_API_KEY`.
  ///   - environment: where to look instead of the process's own.
  /// - Returns: `nil` if there is no such variable, or nothing in it.
  /// - Throws: `.invalidSetting` for what no key can be, without showing it.
  public static func environment(
    _ name: String,
    in environment: [String: String]? = nil
  ) throws(EmbeddingError) -> APIKey? {
    let variables = environment ?? ProcessInfo.processInfo.environment
    guard let value = variables[name], !value.isEmpty else { return nil }
    return APIKey(unchecked: try checked(value, from: "the variable \(name)"))
  }

  /// The key that a file holds, in one line.
  ///
  /// - Parameter path: the file, which may be a pipe.
  /// - Returns: the key, without the end of its line.
  /// - Throws: `.invalidSetting` if the file cannot be read or holds no key.
  public static func file(_ path: String) throws(EmbeddingError) -> APIKey {
    let data: Data
    do {
      let file = try FileHandle(forReadingFrom: URL(filePath: path))
      data = try file.read(upToCount: maxBytes + 1) ?? Data()
      try file.close()
    } catch {
      throw invalid("'\(path)' cannot be read; check the path and its permissions")
    }
    return APIKey(unchecked: try checked(String(decoding: data, as: UTF8.self), from: "'\(path)'"))
  }

  private init(unchecked value: String) { self.value = value }

  /// The value of the header `Authorization`.
  var header: String { "Bearer " + value }

  /// `text` with a placeholder for each occurrence of the key, for services that repeat it.
  func redact(_ text: String) -> String { text.replacing(value, with: Self.placeholder) }

  private static func checked(_ value: String, from place: String) throws(EmbeddingError) -> String
  {
    let key = value.trimmingCharacters(in: .whitespacesAndNewlines)
    guard !key.isEmpty else { throw invalid("\(place) holds no key") }
    guard key.utf8.count <= maxBytes else { throw invalid("\(place) is too long for a key") }
    // Anything else would end the header, or be sent as something else than it looks like.
    guard key.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
      throw invalid("\(place) holds more than one word of plain ASCII characters")
    }
    return key
  }

  private static func invalid(_ reason: String) -> EmbeddingError {
    .invalidSetting(name: "apiKey", reason: reason)
  }
}

extension APIKey: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  /// A placeholder.
  public var description: String { Self.placeholder }
  /// A placeholder.
  public var debugDescription: String { Self.placeholder }
  /// A mirror without children.
  public var customMirror: Mirror { Mirror(self, children: []) }
}
