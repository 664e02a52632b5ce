public import Foundation

/// The name a user gives a record: a string, an integer or a UUID, unique within its collection.
///
/// Ids of different kinds are different ids: `"7"` is not `7`. Strings are compared by their UTF-8
/// bytes, so two spellings of the same letter are two ids.
public enum RecordID: Sendable {
  /// 1 to 480 bytes of UTF-8.
  case string(String)
  /// Any 64-bit integer.
  case integer(Int64)
  /// A UUID.
  case uuid(UUID)

  /// The longest string id, in bytes of UTF-8.
  public static let maxStringBytes = 480
}

extension RecordID: Hashable {
  /// By kind and bytes.
  public static func == (left: RecordID, right: RecordID) -> Bool {
    switch (left, right) {
    case (.string(let a), .string(let b)): a.utf8.elementsEqual(b.utf8)
    case (.integer(let a), .integer(let b)): a == b
    case (.uuid(let a), .uuid(let b)): a == b
    default: false
    }
  }

  /// By kind and bytes.
  public func hash(into hasher: inout Hasher) {
    switch self {
    case .string(let text):
      var text = text
      text.withUTF8 { unsafe hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    case .integer(let number): hasher.combine(number)
    case .uuid(let uuid): hasher.combine(uuid)
    }
  }
}

extension RecordID: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral {
  /// From a literal.
  public init(stringLiteral value: String) { self = .string(value) }
  /// From a literal.
  public init(integerLiteral value: Int64) { self = .integer(value) }
}

extension RecordID: CustomStringConvertible {
  /// The id as text, without its kind.
  public var description: String {
    switch self {
    case .string(let text): text
    case .integer(let number): String(number)
    case .uuid(let uuid): uuid.uuidString
    }
  }
}

extension RecordID: Codable {
  /// Integers decode as `.integer`, everything else as `.string`; a UUID is written as its text.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    do {
      self = .integer(try container.decode(Int64.self))
    } catch {
      self = .string(try container.decode(String.self))
    }
  }

  /// As its plain value.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .integer(let number): try container.encode(number)
    case .string, .uuid: try container.encode(description)
    }
  }
}
