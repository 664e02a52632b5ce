import VectorKernels

/// Rows in a collection's element type: the caller's own numbers where they are of that type already,
/// which saves a copy.
enum EncodedRows: Sendable {
  case given(VectorRows.Storage)
  case encoded([UInt8])

  /// Bytes of all rows.
  var count: Int { unsafe withRawBytes { $0.count } }

  func withRawBytes<Result, Failure: Error>(
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    switch self {
    case .given(.float32(let numbers)): return unsafe try Self.lend(numbers, body)
    case .given(.float16(let numbers)): return unsafe try Self.lend(numbers, body)
    case .given(.int8(let numbers)): return unsafe try Self.lend(numbers, body)
    case .encoded(let bytes): return unsafe try Self.lend(bytes, body)
    }
  }

  private static func lend<Number, Result, Failure: Error>(
    _ numbers: [Number],
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    unsafe try numbers.withUnsafeBufferPointer { (buffer) throws(Failure) -> Result in
      try unsafe body(UnsafeRawBufferPointer(buffer))
    }
  }
}

/// Vectors as given into the element type of a collection, checked on the way.
enum ElementEncoding {
  /// - Returns: the rows' bytes, one after the other.
  static func encode(
    _ rows: VectorRows,
    as options: CollectionOptions
  ) throws(VectorStoreError) -> EncodedRows {
    if !options.hasVectors { return .encoded([]) }
    if let same = try passThrough(rows, options) { return same }
    var encoded: [UInt8] = []
    encoded.reserveCapacity(rows.count * rows.dimension * options.element.byteCount)
    var row = [Float](repeating: 0, count: rows.dimension)
    for index in 0..<rows.count {
      rows.copyRow(index, into: &row)
      try append(row, at: index, as: options, to: &encoded)
    }
    return .encoded(encoded)
  }

  /// The rows as they are, where the element type is the collection's already.
  private static func passThrough(
    _ rows: VectorRows,
    _ options: CollectionOptions
  ) throws(VectorStoreError) -> EncodedRows? {
    switch (rows.storage, options.element) {
    case (.float32, .float32), (.float16, .float16), (.int8, .int8): break
    default: return nil
    }
    let same = EncodedRows.given(rows.storage)
    try check(same, rows: rows.count, options)
    return same
  }

  /// Finite numbers, and under cosine a direction in every row.
  private static func check(
    _ bytes: EncodedRows,
    rows: Int,
    _ options: CollectionOptions
  ) throws(VectorStoreError) {
    let stride = options.dimension * options.element.byteCount
    let element = options.element.kernel
    var values = [Float](repeating: 0, count: options.dimension)
    for row in 0..<rows {
      if case .given(.float32(let numbers)) = bytes,
        hasSoundLength(numbers, from: row * options.dimension, count: options.dimension)
      {
        continue
      }
      let isFinite = unsafe bytes.withRawBytes { raw in
        guard let base = raw.baseAddress else { return true }
        return unsafe Conversion.isFinite(
          base + row * stride,
          element: element,
          count: options.dimension
        )
      }
      // Only single precision has numbers whose squares overflow, so that distances become infinite
      // or undefined and no search could find the row.
      let needsLength =
        options.metric == .cosine || !isFinite || options.element == .float32
      guard needsLength else { continue }
      unsafe bytes.withRawBytes { raw in
        unsafe values.withUnsafeMutableBufferPointer { target in
          guard let source = raw.baseAddress, let target = target.baseAddress else { return }
          unsafe Conversion.toFloat32(
            source + row * stride,
            element: element,
            count: options.dimension,
            into: target
          )
        }
      }
      try check(values, row: row, metric: options.metric)
    }
  }

  /// Whether the squared length alone says that all is well: finite, and large enough for any metric.
  private static func hasSoundLength(_ numbers: [Float], from start: Int, count: Int) -> Bool {
    let squared = unsafe numbers.withUnsafeBufferPointer { numbers in
      guard let base = numbers.baseAddress else { return Float(0) }
      return unsafe Conversion.squaredNorm(base + start, count: count)
    }
    return squared.isFinite && squared >= Float.leastNormalMagnitude
  }

  /// Takes a row of a batch, or a query, whose row is `nil`.
  ///
  /// - Throws: `.notFinite` with the place, or `.zeroVector`.
  static func check(_ values: [Float], row: Int?, metric: Metric) throws(VectorStoreError) {
    let squared = unsafe values.withUnsafeBufferPointer { values in
      guard let base = values.baseAddress else { return Float(0) }
      return unsafe Conversion.squaredNorm(base, count: values.count)
    }
    // An infinite or undefined sum says that a component is, or that the length overflows.
    if !squared.isFinite {
      let component =
        values.firstIndex { !$0.isFinite } ?? values.indices.max {
          abs(values[$0]) < abs(values[$1])
        } ?? 0
      throw .notFinite(row: row, component: component)
    }
    // Below the normal range the reciprocal of the length is not reliable.
    if metric == .cosine, squared < Float.leastNormalMagnitude { throw .zeroVector(row: row) }
  }

  private static func append(
    _ row: [Float],
    at index: Int,
    as options: CollectionOptions,
    to encoded: inout [UInt8]
  ) throws(VectorStoreError) {
    try check(row, row: index, metric: options.metric)
    switch options.element {
    case .float32:
      unsafe row.withUnsafeBytes { unsafe encoded.append(contentsOf: $0) }
    case .float16:
      var halves = [UInt16](repeating: 0, count: row.count)
      unsafe row.withUnsafeBytes { source in
        unsafe halves.withUnsafeMutableBufferPointer { target in
          guard let source = source.baseAddress, let base = target.baseAddress else { return }
          unsafe Conversion.toFloat16(source, count: target.count, into: base)
        }
      }
      if let component = halves.firstIndex(where: { $0 & 0x7C00 == 0x7C00 }) {
        throw .notFinite(row: index, component: component)
      }
      if options.metric == .cosine, halves.allSatisfy({ $0 & 0x7FFF == 0 }) {
        throw .zeroVector(row: index)
      }
      unsafe halves.withUnsafeBytes { unsafe encoded.append(contentsOf: $0) }
    case .int8:
      let scale = options.metric == .cosine ? 127 / (row.map(abs).max() ?? 1) : 1
      for (component, value) in row.enumerated() {
        let rounded = (value * scale).rounded(.toNearestOrEven)
        guard options.metric == .cosine || rounded == value, (-128...127).contains(rounded) else {
          throw .notInt8(row: index, component: component)
        }
        encoded.append(UInt8(bitPattern: Int8(rounded)))
      }
    }
  }
}

extension VectorRows {
  /// Row `index` as single precision.
  func copyRow(_ index: Int, into target: inout [Float]) {
    precondition(target.count == dimension)
    unsafe target.withUnsafeMutableBufferPointer { target in
      guard let base = target.baseAddress else { return }
      func copy(_ raw: UnsafeRawBufferPointer, _ element: VectorKernels.ElementType) {
        guard let source = raw.baseAddress else { return }
        unsafe Conversion.toFloat32(
          source + index * dimension * element.bytes,
          element: element,
          count: dimension,
          into: base
        )
      }
      switch storage {
      case .float32(let values): unsafe values.withUnsafeBytes { unsafe copy($0, .float32) }
      case .float16(let values): unsafe values.withUnsafeBytes { unsafe copy($0, .float16) }
      case .int8(let values): unsafe values.withUnsafeBytes { unsafe copy($0, .int8) }
      }
    }
  }
}

extension ElementType {
  /// The same in the kernels' words.
  var kernel: VectorKernels.ElementType {
    switch self {
    case .float32: .float32
    case .float16: .float16
    case .int8: .int8
    }
  }
}

extension Metric {
  /// The same in the kernels' words.
  var kernel: VectorKernels.Metric {
    switch self {
    case .cosine: .cosine
    case .dot: .dot
    case .l2: .l2
    }
  }
}

extension Coding {
  /// The coding of a collection.
  convenience init(_ record: CollectionRecord) {
    let options = record.options
    self.init(
      metric: options.metric.kernel,
      // Where there are no vectors nothing is coded; the smallest coding stands in.
      dimension: max(1, options.dimension),
      seed: options.index.seed,
      rounding: record.rounding,
      widths: record.widths
    )
  }
}

extension VectorRows {
  /// One row's components.
  package func row(_ index: Int) -> [Float] {
    var row = [Float](repeating: 0, count: dimension)
    copyRow(index, into: &row)
    return row
  }
}
