internal import Foundation
internal import VDB
internal import VDBIngest

/// Reads `{"data": [{"index", "embedding"}], "model"}` in one pass, trusting nothing of it.
struct EmbeddingAnswer {
  /// Vectors in the order of the texts.
  private(set) var vectors: [[Float]]
  /// The model that the service says it used.
  private(set) var model: String?

  /// Arrays and objects within each other that are read, in parts that are of no interest.
  private static let maxDepth = 32

  private struct Item {
    var index: Int?
    var vector: [Float]?
  }

  private var scanner = JSONScanner()
  private var items: [Item]?
  /// What is wrong although it is JSON; the fault thrown with it does not matter.
  private var wrong: EmbeddingError?

  /// - Parameters:
  ///   - body: the bytes of the answer.
  ///   - texts: how many texts the call had.
  /// - Throws: `.invalidAnswer`, `.wrongCount` or `.notFinite`.
  init(_ body: [UInt8], texts: Int) throws(EmbeddingError) {
    vectors = []
    do throws(JSONFault) {
      try read(body.span)
    } catch {
      if let wrong { throw wrong }
      if error.offset >= body.count {
        throw .invalidAnswer(reason: "it ends after \(body.count) bytes, within its JSON")
      }
      let place = "byte \(error.offset), \(error.reason)"
      throw .invalidAnswer(reason: "it is not the JSON expected: \(place)")
    }
    guard let items else { throw .invalidAnswer(reason: "it has no member \"data\"") }
    guard items.count == texts else { throw .wrongCount(expected: texts, actual: items.count) }
    vectors = try Self.ordered(items)
  }

  /// The vectors by their index, which is either nowhere or each number once.
  private static func ordered(_ items: [Item]) throws(EmbeddingError) -> [[Float]] {
    var vectors = [[Float]?](repeating: nil, count: items.count)
    let isNumbered = items.contains { $0.index != nil }
    for (position, item) in items.enumerated() {
      guard let vector = item.vector else {
        throw .invalidAnswer(reason: "element \(position) of \"data\" has no embedding")
      }
      guard let index = item.index ?? (isNumbered ? nil : position) else {
        throw .invalidAnswer(reason: "element \(position) of \"data\" has no index, others have")
      }
      guard vectors.indices.contains(index), vectors[index] == nil else {
        throw .invalidAnswer(
          reason: "the index \(index) is not one of \(items.count) texts, or occurs twice"
        )
      }
      vectors[index] = vector
    }
    return vectors.compactMap { $0 }
  }

  private mutating func read(_ text: Span<UInt8>) throws(JSONFault) {
    try scanner.expect(0x7B, text, "at the start of the answer")
    if !scanner.take(0x7D, text) {
      repeat {
        switch try key(text) {
        case "data": items = try data(text)
        case "model" where scanner.next(text) == 0x22: model = try scanner.string(text)
        default: try skip(text, depth: 1)
        }
      } while scanner.take(0x2C, text)
      try scanner.expect(0x7D, text, "or ',' after a value")
    }
    try scanner.expectEnd(text)
  }

  private mutating func data(_ text: Span<UInt8>) throws(JSONFault) -> [Item] {
    var items: [Item] = []
    try scanner.expect(0x5B, text, "at the start of \"data\"")
    if scanner.take(0x5D, text) { return items }
    repeat {
      items.append(try item(text, position: items.count))
    } while scanner.take(0x2C, text)
    try scanner.expect(0x5D, text, "or ',' after an element of \"data\"")
    return items
  }

  private mutating func item(_ text: Span<UInt8>, position: Int) throws(JSONFault) -> Item {
    var item = Item()
    try scanner.expect(0x7B, text, "at the start of an element of \"data\"")
    if scanner.take(0x7D, text) { return item }
    repeat {
      switch try key(text) {
      case "index": item.index = try index(text, position)
      case "embedding": item.vector = try vector(text, position)
      default: try skip(text, depth: 3)
      }
    } while scanner.take(0x2C, text)
    try scanner.expect(0x7D, text, "or ',' after a value")
    return item
  }

  private mutating func index(_ text: Span<UInt8>, _ position: Int) throws(JSONFault) -> Int {
    _ = scanner.next(text)
    if case .int(let number) = try scanner.number(text), let index = Int(exactly: number) {
      return index
    }
    throw refuse(.invalidAnswer(reason: "the index of element \(position) is no whole number"))
  }

  private mutating func vector(_ text: Span<UInt8>, _ position: Int) throws(JSONFault) -> [Float] {
    if scanner.next(text) == 0x22 {
      guard let vector = Self.decode(base64: try scanner.string(text)) else {
        throw refuse(
          .invalidAnswer(reason: "embedding \(position) is no base64 of float32 numbers")
        )
      }
      return vector
    }
    var vector: [Float] = []
    try scanner.expect(0x5B, text, "at the start of an embedding")
    if scanner.take(0x5D, text) { return vector }
    repeat {
      // Python writes NaN and Infinity, which JSON does not have; others write null for them.
      if [0x6E, 0x4E, 0x49].contains(scanner.next(text)) {
        throw refuse(.notFinite(index: position, component: vector.count))
      }
      let most = VDBLimits.dimension.upperBound
      guard vector.count < most else {
        throw refuse(
          .invalidAnswer(reason: "embedding \(position) has more than \(most) numbers")
        )
      }
      vector.append(try scanner.float(text))
    } while scanner.take(0x2C, text)
    try scanner.expect(0x5D, text, "or ',' after a number")
    return vector
  }

  /// The float32 numbers, little-endian on every machine; `nil` if the text is something else.
  private static func decode(base64: String) -> [Float]? {
    guard let data = Data(base64Encoded: base64), data.count % 4 == 0 else { return nil }
    let bytes = [UInt8](data)
    return stride(from: 0, to: bytes.count, by: 4).map { start in
      let low = UInt32(bytes[start]) | UInt32(bytes[start + 1]) << 8
      let high = UInt32(bytes[start + 2]) << 16 | UInt32(bytes[start + 3]) << 24
      return Float(bitPattern: low | high)
    }
  }

  private mutating func key(_ text: Span<UInt8>) throws(JSONFault) -> String {
    let key = try scanner.string(text)
    try scanner.expect(0x3A, text, "after a key")
    return key
  }

  /// Steps over a value that is of no interest.
  private mutating func skip(_ text: Span<UInt8>, depth: Int) throws(JSONFault) {
    let first = scanner.next(text)
    switch first {
    case 0x22: _ = try scanner.string(text)
    case 0x74: try scanner.word("true", text)
    case 0x66: try scanner.word("false", text)
    case 0x6E: try scanner.word("null", text)
    case 0x5B, 0x7B:
      guard depth < Self.maxDepth else {
        throw refuse(.invalidAnswer(reason: "it is nested deeper than \(Self.maxDepth) levels"))
      }
      let close: UInt8 = first == 0x5B ? 0x5D : 0x7D
      scanner.offset += 1
      if scanner.take(close, text) { return }
      repeat {
        if first == 0x7B { _ = try key(text) }
        try skip(text, depth: depth + 1)
      } while scanner.take(0x2C, text)
      try scanner.expect(close, text, "or ',' after a value")
    default: _ = try scanner.number(text)
    }
  }

  private mutating func refuse(_ error: EmbeddingError) -> JSONFault {
    wrong = error
    return scanner.fault("")
  }
}
