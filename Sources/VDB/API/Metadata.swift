public import Foundation

/// What is known of a record besides its vector: named values, for display and filters.
public typealias Metadata = [String: MetadataValue]

/// One value of a record's metadata.
public enum MetadataValue: Sendable, Hashable {
  case null
  case bool(Bool)
  case int(Int64)
  /// A finite number.
  case double(Double)
  case string(String)
  /// A moment; stored as seconds since 1970 in double precision.
  case date(Date)
  case array([MetadataValue])
}

extension MetadataValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral,
  ExpressibleByFloatLiteral, ExpressibleByBooleanLiteral, ExpressibleByArrayLiteral,
  ExpressibleByNilLiteral
{
  /// From a literal.
  public init(stringLiteral value: String) { self = .string(value) }
  /// From a literal.
  public init(integerLiteral value: Int64) { self = .int(value) }
  /// From a literal.
  public init(floatLiteral value: Double) { self = .double(value) }
  /// From a literal.
  public init(booleanLiteral value: Bool) { self = .bool(value) }
  /// From a literal.
  public init(arrayLiteral elements: MetadataValue...) { self = .array(elements) }
  /// From a literal.
  public init(nilLiteral: ()) { self = .null }
}

extension MetadataValue: Codable {
  /// JSON's own kinds; a date is written as ISO 8601 text and reads back as a string.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if container.decodeNil() {
      self = .null
    } else if let value = Self.attempt({ try container.decode(Bool.self) }) {
      self = .bool(value)
    } else if let value = Self.attempt({ try container.decode(Int64.self) }) {
      self = .int(value)
    } else if let value = Self.attempt({ try container.decode(Double.self) }) {
      self = .double(value)
    } else if let value = Self.attempt({ try container.decode(String.self) }) {
      self = .string(value)
    } else {
      self = .array(try container.decode([MetadataValue].self))
    }
  }

  private static func attempt<Value>(_ decode: () throws -> Value) -> Value? {
    do { return try decode() } catch { return nil }
  }

  /// As its plain value.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .null: try container.encodeNil()
    case .bool(let value): try container.encode(value)
    case .int(let value): try container.encode(value)
    case .double(let value): try container.encode(value)
    case .string(let value): try container.encode(value)
    case .date(let value): try container.encode(value.formatted(.iso8601))
    case .array(let values): try container.encode(values)
    }
  }
}
