import VDB

/// Rows that look like real ones in size: vectors from a pattern, string ids in no order, four metadata
/// fields.
struct MadeUpRows: Sendable {
  let dimension: Int
  let element: ElementType
  private let values: [Float]

  init(dimension: Int, element: ElementType) {
    self.dimension = dimension
    self.element = element
    var state: UInt64 = 0x5EED
    values = (0..<(dimension + 65_536)).map { _ in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Float(Int32(truncatingIfNeeded: state >> 32)) / Float(Int32.max)
    }
  }

  /// Bytes of a row's id and metadata, these as JSON.
  static let recordBytes = 90

  /// Bytes of a row's vector, id and metadata.
  var bytesPerRow: Int {
    let number =
      switch element {
      case .float32: 4
      case .float16: 2
      case .int8: 1
      }
    return dimension * number + Self.recordBytes
  }

  static func id(of row: Int) -> RecordID {
    .string("row-\(row &* 2_654_435_761 % 4_294_967_291)")
  }

  func batch(first: Int, count: Int) -> RecordBatch {
    RecordBatch(
      ids: (first..<(first + count)).map(Self.id),
      vectors: VectorRows(numbers(first: first, count: count), dimension: dimension),
      metadata: (first..<(first + count)).map { row in
        [
          "kind": .string(row % 3 == 0 ? "noun" : "verb"), "words": .int(Int64(row % 40)),
          "score": .double(Double(row) / 7), "tags": .array(["a", "b"]),
        ]
      }
    )
  }

  /// In the form in which they are kept, as a file of vectors gives them.
  private func numbers(first: Int, count: Int) -> VectorRows.Storage {
    var numbers: [Float] = []
    numbers.reserveCapacity(count * dimension)
    for row in first..<(first + count) {
      let start = row &* 7919 & 0xFFFF
      numbers.append(contentsOf: values[start..<(start + dimension)])
    }
    switch element {
    case .float32: return .float32(numbers)
    case .float16: return .float16(numbers.map { Self.half($0) })
    case .int8: return .int8(numbers.map { Int8($0 * 127) })
    }
  }

  /// The half-precision bits of a number from -1 to 1, its fraction cut off.
  private static func half(_ number: Float) -> UInt16 {
    let bits = number.bitPattern
    let sign = UInt16(bits >> 16) & 0x8000
    let exponent = Int(bits >> 23 & 0xFF) - 127 + 15
    if exponent <= 0 { return sign }
    return sign | UInt16(exponent << 10) | UInt16(bits >> 13 & 0x3FF)
  }
}
