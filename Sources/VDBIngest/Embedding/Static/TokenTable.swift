internal import VDB
internal import VectorKernels

/// One row of numbers a token, and the sum of rows that a text's embedding is.
struct TokenTable: Sendable {
  private enum Rows: Sendable {
    case int8([Int8])
    case float32([Float])
  }

  private let rows: Rows
  let dimension: Int
  let count: Int

  /// Numbers larger than this could make a sum infinite.
  private static let largest: Float = 1e30

  /// The table in a `.safetensors` file, which is one tensor `embeddings` of two axes.
  init(_ file: ModelFiles.File) throws(VectorFileError) {
    func error(_ reason: String) -> VectorFileError {
      VectorFileError(
        path: file.path,
        reason: reason,
        remedy: "Use a model that is one table \"embeddings\" of I8, F16 or F32, a row a token"
      )
    }
    let tensors: [String: SafeTensors.Tensor]
    do throws(JSONFault) {
      tensors = try SafeTensors(file.bytes.span).tensors
    } catch {
      throw ModelFiles.invalid(file.path, at: error)
    }
    guard let tensor = tensors["embeddings"] else {
      throw error("there is no tensor \"embeddings\"")
    }
    if let other = tensors.keys.filter({ $0 != "embeddings" }).min() {
      throw error("the tensor \"\(other)\" would change the embeddings in a way not known here")
    }
    guard let element = SafeTensors.Element(rawValue: tensor.type) else {
      throw error("\"embeddings\" is of type \(tensor.type)")
    }
    guard tensor.shape.count == 2, tensor.shape[0] > 0,
      tensor.shape[1] > 0, VDBLimits.dimension.contains(tensor.shape[1])
    else { throw error("\"embeddings\" has the shape \(tensor.shape)") }
    count = tensor.shape[0]
    dimension = tensor.shape[1]
    rows = Self.rows(file.bytes, tensor.range, element)
    if case .float32(let values) = rows {
      guard let bad = values.firstIndex(where: { !($0.magnitude <= Self.largest) }) else { return }
      throw error("row \(bad / dimension) has a number that is NaN, infinite or over 1e30")
    }
  }

  private static func rows(
    _ bytes: [UInt8],
    _ range: Range<Int>,
    _ element: SafeTensors.Element
  ) -> Rows {
    let count = range.count / element.byteCount
    return unsafe bytes.withUnsafeBytes { file -> Rows in
      let source = unsafe UnsafeRawBufferPointer(rebasing: file[range])
      guard let base = source.baseAddress else { return .float32([]) }
      switch element {
      case .int8:
        return unsafe .int8(Array(source.bindMemory(to: Int8.self)))
      case .float16, .float32:
        let type: VectorKernels.ElementType = element == .float16 ? .float16 : .float32
        return unsafe .float32(
          [Float](unsafeUninitializedCapacity: count) { target, initialized in
            if let target = target.baseAddress {
              unsafe Conversion.toFloat32(base, element: type, count: count, into: target)
            }
            initialized = count
          }
        )
      }
    }
  }

  /// Sums that are kept between texts, one number a column.
  struct Sums {
    fileprivate var whole: [Int32]
    fileprivate var floats: [Float]

    init(dimension: Int) {
      whole = [Int32](repeating: 0, count: dimension)
      floats = [Float](repeating: 0, count: dimension)
    }
  }

  /// The sum of the tokens' rows, scaled to unit length; `nil` for no tokens or a sum of zero.
  ///
  /// Rows are added in the tokens' order, so that the result is the same on every machine.
  func embedding(of tokens: [Int32], _ sums: inout Sums) -> [Float]? {
    if tokens.isEmpty { return nil }
    var squares = 0.0
    switch rows {
    case .int8(let values):
      Self.add(values, tokens, &sums.whole)
      // Exact up to 2^53: whole numbers below 2^27 squared, of which there are few.
      for sum in sums.whole { squares += Double(sum) * Double(sum) }
      return Self.scaled(sums.whole, squares) { Double($0) }
    case .float32(let values):
      Self.add(values, tokens, &sums.floats)
      for sum in sums.floats { squares += Double(sum) * Double(sum) }
      return Self.scaled(sums.floats, squares) { Double($0) }
    }
  }

  @inline(__always)
  private static func scaled<Number>(
    _ sums: [Number],
    _ squares: Double,
    _ double: (Number) -> Double
  ) -> [Float]? {
    guard squares > 0, squares.isFinite else { return nil }
    let scale = 1 / squares.squareRoot()
    return unsafe [Float](unsafeUninitializedCapacity: sums.count) { target, initialized in
      for column in sums.indices { unsafe target[column] = Float(double(sums[column]) * scale) }
      initialized = sums.count
    }
  }

  /// At most 2^20 tokens, so that 127 times their number fits 32 bits.
  private static func add(_ values: [Int8], _ tokens: [Int32], _ sums: inout [Int32]) {
    let dimension = sums.count
    unsafe values.withUnsafeBufferPointer { values in
      unsafe sums.withUnsafeMutableBufferPointer { sums in
        unsafe sums.update(repeating: 0)
        for token in tokens {
          let row = unsafe UnsafeBufferPointer(
            rebasing: values[Int(token) * dimension..<(Int(token) + 1) * dimension]
          )
          for column in 0..<dimension { unsafe sums[column] &+= Int32(row[column]) }
        }
      }
    }
  }

  private static func add(_ values: [Float], _ tokens: [Int32], _ sums: inout [Float]) {
    let dimension = sums.count
    unsafe values.withUnsafeBufferPointer { values in
      unsafe sums.withUnsafeMutableBufferPointer { sums in
        unsafe sums.update(repeating: 0)
        for token in tokens {
          let row = unsafe UnsafeBufferPointer(
            rebasing: values[Int(token) * dimension..<(Int(token) + 1) * dimension]
          )
          for column in 0..<dimension { unsafe sums[column] += row[column] }
        }
      }
    }
  }
}
