import Foundation
import TestSupport
import VDB

/// A collection of the workload.
///
/// Every record in it follows from the seed, its number and the step that wrote it, and names that step
/// in its vector, or in its metadata where it has none: so whoever finds a record knows what it must be.
enum Lane: String, CaseIterable {
  case texts
  case points
  /// Records without vectors.
  case notes
  case scratch

  var options: CollectionOptions {
    switch self {
    // Wide enough that a workload fills some blocks of rows and not only the first.
    case .texts: CollectionOptions(dimension: 96, metric: .cosine, element: .float16)
    case .points: CollectionOptions(dimension: 8, metric: .l2)
    case .notes: CollectionOptions(dimension: 0)
    case .scratch: CollectionOptions(dimension: 4, metric: .dot, element: .int8)
    }
  }

  /// The record with this number as `step` wrote it; every number in it is exact in the element type.
  func record(_ number: Int, step: Int, seed: UInt64) -> Record {
    var random = SeededGenerator(
      seed: seed &+ UInt64(number) &* 0x9E37_79B9 &+ UInt64(step) &* 0xC2B2_AE3D_27D4_EB4F
    )
    var vector = (0..<options.dimension).map { _ in component(&random) }
    var metadata = Self.metadata(number, step, &random)
    if vector.isEmpty {
      metadata["step"] = .int(Int64(step))
    } else {
      vector[0] = Float(step % stepBase)
      vector[1] = Float(step / stepBase)
    }
    return Record(
      id: Self.id(of: number),
      vector: vector,
      metadata: metadata,
      document: Self.document(number, &random)
    )
  }

  /// The step that a stored record says it was written by.
  func step(of record: Record) -> Int? {
    if !options.hasVectors {
      guard record.vector.isEmpty, case .int(let step)? = record.metadata["step"] else {
        return nil
      }
      return Int(step)
    }
    let vector = record.vector
    guard vector.count == options.dimension, let low = Int(exactly: vector[0]),
      let high = Int(exactly: vector[1]), low >= 0, high >= 0
    else { return nil }
    return high * stepBase + low
  }

  /// The distance that the store promises, for judging its answers.
  func distance(_ a: [Float], _ b: [Float]) -> Double {
    var (product, squares, aa, bb) = (0.0, 0.0, 0.0, 0.0)
    for i in a.indices {
      let (x, y) = (Double(a[i]), Double(b[i]))
      product += x * y
      squares += (x - y) * (x - y)
      aa += x * x
      bb += y * y
    }
    return switch options.metric {
    case .dot: -product
    case .l2: squares.squareRoot()
    case .cosine: 1 - product / (aa * bb).squareRoot()
    }
  }

  private var stepBase: Int { self == .scratch ? 128 : 1024 }

  private func component(_ random: inout SeededGenerator) -> Float {
    switch self {
    case .texts: Float(Int.random(in: -512...512, using: &random))
    case .points: Float.random(in: -1000...1000, using: &random)
    case .notes: 0
    case .scratch: Float(Int.random(in: -128...127, using: &random))
    }
  }
}

// Ids, metadata and documents
extension Lane {
  /// All three kinds of id occur.
  static func id(of number: Int) -> RecordID {
    switch number % 3 {
    case 0: .string("record-\(number)")
    case 1: .integer(Int64(number))
    default:
      .uuid(
        UUID(
          uuid: (
            0xC0, 0xDE, 0, 0, 0, 0, 0x40, 0, 0x80, 0, 0, 0,
            UInt8(truncatingIfNeeded: number >> 24), UInt8(truncatingIfNeeded: number >> 16),
            UInt8(truncatingIfNeeded: number >> 8), UInt8(truncatingIfNeeded: number)
          )
        )
      )
    }
  }

  /// The number in an id, or `nil` for one that the workload never made.
  static func number(of id: RecordID) -> Int? {
    let number: Int?
    switch id {
    case .string(let text):
      number = text.hasPrefix("record-") ? Int(text.dropFirst("record-".count)) : nil
    case .integer(let value): number = Int(value)
    case .uuid(let uuid):
      let bytes = uuid.uuid
      number = [bytes.12, bytes.13, bytes.14, bytes.15].reduce(0) { $0 << 8 | Int($1) }
    }
    guard let number, number >= 0, Self.id(of: number) == id else { return nil }
    return number
  }

  private static func metadata(
    _ number: Int,
    _ step: Int,
    _ random: inout SeededGenerator
  ) -> Metadata {
    guard number % 4 != 3 else { return [:] }
    var metadata: Metadata = ["step": .int(Int64(step)), "even": .bool(number % 2 == 0)]
    if number % 4 == 1 {
      metadata["weight"] = .double(Double.random(in: -1...1, using: &random))
      metadata["name"] = .string("número \(number)")
      metadata["tags"] = .array([.string("a"), .int(Int64(number)), .null])
    }
    if number % 8 == 2 {
      metadata["day"] = .date(Date(timeIntervalSince1970: Double(step) * 86_400))
    }
    return metadata
  }

  private static func document(_ number: Int, _ random: inout SeededGenerator) -> String? {
    guard number % 5 < 2 else { return nil }
    // Now and then one that does not fit into a page.
    let length = number % 97 == 0 ? 9_000 : Int.random(in: 1...200, using: &random)
    let letter = Character(Unicode.Scalar(UInt8(97 + random.next() % 26)))
    return String(repeating: letter, count: length)
  }
}
