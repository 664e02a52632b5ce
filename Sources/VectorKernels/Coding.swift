package import CVectorKernels

/// Turns vectors into 8-bit codes, by which the graph is walked.
///
/// A vector is rotated by a seeded orthogonal map, so that its components carry alike, and rounded to
/// bytes, or to halves of bytes. Nothing is trained: codes depend on the vector, the metric and the seed
/// alone, and are the same to the bit on every machine. Under cosine all codes share one scale; otherwise
/// each row has its own, kept beside its code: with 8 bits a step's length and the squared length of the row
/// (under l2 of the code itself), with 4 bits the row's length and that of its code's first lines.
///
/// Safe: the factors behind the pointer are its own and never change after initialisation.
@safe
package final class Coding: @unchecked Sendable {
  /// What distance means, and so how codes are scaled.
  package let metric: Metric
  /// Components of a vector before it is coded, 1...65536.
  package let dimension: Int
  /// What the rotation's signs are drawn from.
  package let seed: UInt64
  /// How components become steps.
  package let rounding: Rounding
  /// Which codes rows have.
  package let widths: Widths
  /// Bytes of an 8-bit code: the dimension rounded up to a multiple of 64.
  package let stride: Int

  private let factors: UnsafeMutableRawPointer
  private let rotation: vk_rotation

  /// How components become steps of a code; raw values are the kernels' `VK_ROUND_…`.
  package enum Rounding: Int32, Sendable {
    /// Each to its nearest step: distances to near rows are told as badly as those to far ones.
    case nearest = 0
    /// So that distances are told the better the shorter they are. A code's product with its own row is
    /// the row's squared length, as in RaBitQ (Gao & Long 2024), here by moving a few components to their
    /// second nearest step; under l2 distances between codes are computed, not between a code's product
    /// and a row's length.
    case keepingLength = 1
  }

  /// Which codes rows have.
  package enum Widths: Sendable {
    /// 8-bit ones.
    case bytes
    /// 4-bit ones, made of 8-bit ones that are not kept: half of what a walk reads, which pays from 256
    /// components on.
    case nibbles
    /// 4-bit ones to be searched by and 8-bit ones to build the graph by, in cosine collections of earlier
    /// versions.
    case both

    /// What vectors of `dimension` components have unless a collection says otherwise.
    package static func usual(dimension: Int) -> Widths {
      vk_padded(UInt32(dimension)) >= 256 ? .nibbles : .bytes
    }
  }

  /// A coding of vectors of `dimension` components; `widths` are the usual ones where they are not given.
  ///
  /// - Complexity: O(`dimension`), and as many floats kept, times 3 or 4.
  package init(
    metric: Metric,
    dimension: Int,
    seed: UInt64,
    rounding: Rounding = .keepingLength,
    widths: Widths? = nil
  ) {
    precondition(
      (1...65536).contains(dimension),
      "the dimension is 1...65536, not \(dimension)"
    )
    self.metric = metric
    self.dimension = dimension
    self.seed = seed
    self.rounding = rounding
    self.widths = widths ?? .usual(dimension: dimension)
    precondition(self.widths != .both || metric == .cosine, "both kinds are for cosine")
    stride = Int(vk_padded(UInt32(dimension)))
    let count = vk_rotation_factor_count(UInt32(dimension))
    unsafe factors = .allocate(byteCount: count * MemoryLayout<Float>.stride, alignment: 64)
    let floats = unsafe factors.bindMemory(to: Float.self, capacity: count)
    var rotation = unsafe vk_rotation(factors: floats, padded: 0, window: 0, rounds: 0)
    unsafe vk_rotation_prepare(seed, UInt32(dimension), floats, &rotation)
    unsafe self.rotation = rotation
  }

  /// Bytes of a row's 4-bit code, or 0 where there is none.
  package var nibbleStride: Int {
    widths == .bytes ? 0 : Int(vk_nibble_stride(UInt32(stride)))
  }

  /// Bytes of a query's code with the zeros that 4-bit codes ask for.
  package var queryStride: Int { max(stride, 2 * nibbleStride) }

  /// Packs rows of 8-bit codes into 4-bit ones.
  package func packNibbles(
    _ codes: UnsafeRawPointer,
    count: Int,
    into nibbles: UnsafeMutableRawPointer
  ) {
    unsafe vk_pack_nibbles(
      codes.assumingMemoryBound(to: UInt8.self),
      UInt32(stride),
      count,
      rounding.rawValue,
      nibbles.assumingMemoryBound(to: UInt8.self)
    )
  }

  /// Codes `count` rows, `rowStride` bytes apart from `base` on, in 4 bits a component.
  ///
  /// A row is `dimension` finite components of `element`, of any alignment. `nibbles` has room for
  /// `count * nibbleStride` bytes and is aligned to 64; `aux` has room for `count`, and is required unless
  /// the metric is cosine.
  ///
  /// - Complexity: As `encodeRows`; the 8-bit codes of a few rows at a time are allocated.
  package func encodeNibbles(
    from base: UnsafeRawPointer,
    element: ElementType,
    rowStride: Int,
    count: Int,
    into nibbles: UnsafeMutableRawPointer,
    aux: UnsafeMutablePointer<vk_nibble_aux>?
  ) {
    unsafe precondition(aux != nil || metric == .cosine, "\(metric) rows have an aux")
    let together = max(1, min(count, Self.scratchBytes / stride))
    let (codeBytes, auxBytes) = (together * stride, together * MemoryLayout<vk_aux>.stride)
    unsafe withUnsafeTemporaryAllocation(byteCount: codeBytes + auxBytes, alignment: 64) {
      scratch in
      guard let codes = scratch.baseAddress else { return }
      let lengths = unsafe (codes + codeBytes).bindMemory(to: vk_aux.self, capacity: together)
      for first in Swift.stride(from: 0, to: count, by: together) {
        let rows = min(together, count - first)
        unsafe encodeRows(
          from: base + first * rowStride,
          element: element,
          rowStride: rowStride,
          count: rows,
          codes: codes,
          aux: lengths,
          forNibbles: true
        )
        let target = unsafe nibbles + first * nibbleStride
        unsafe packNibbles(codes, count: rows, into: target)
        if let aux = unsafe aux {
          unsafe vk_describe_nibbles(
            target.assumingMemoryBound(to: UInt8.self),
            UInt32(nibbleStride),
            rows,
            lengths,
            aux + first
          )
        }
      }
    }
  }

  /// 8-bit codes that are made at a time where only 4-bit ones are kept: what stays in the first-level cache.
  private static let scratchBytes = 16 << 10

  deinit { unsafe factors.deallocate() }

  /// How codes are compared: a `VK_FORM_…` of the kernels, which have the metrics' numbers.
  package func form(nibbles: Bool) -> UInt32 {
    UInt32(metric.rawValue) | (nibbles ? UInt32(VK_FORM_NIBBLES) : 0)
  }

  /// Bytes kept for each row beside its code: none under cosine.
  package var auxBytes: Int { metric == .cosine ? 0 : MemoryLayout<vk_aux>.stride }

  /// Codes `count` rows, `rowStride` bytes apart from `base` on.
  ///
  /// A row is `dimension` finite components of `element`, of any alignment. `codes` has room for
  /// `count * stride` bytes and is aligned to 64; `aux` has room for `count`, and is required unless
  /// the metric is cosine. With `forNibbles` they are what 4-bit codes are made of, and `aux` says how long
  /// rows are.
  ///
  /// - Complexity: O(`count` * `dimension` * log `dimension`); one rotated row is allocated for a call
  ///   where it does not fit the stack.
  package func encodeRows(
    from base: UnsafeRawPointer,
    element: ElementType,
    rowStride: Int,
    count: Int,
    codes: UnsafeMutableRawPointer,
    aux: UnsafeMutablePointer<vk_aux>?,
    forNibbles: Bool = false
  ) {
    unsafe precondition(aux != nil || metric == .cosine, "\(metric) rows have an aux")
    let bytes = unsafe codes.assumingMemoryBound(to: UInt8.self)
    unsafe withScratch { scratch in
      unsafe withUnsafePointer(to: rotation) { rotation in
        unsafe vk_encode_rows(
          rotation,
          Int32(form(nibbles: forNibbles)),
          rounding.rawValue,
          Int32(element.rawValue),
          UInt32(dimension),
          base,
          rowStride,
          count,
          scratch,
          bytes,
          aux
        )
      }
    }
  }

  /// Codes a query, to be scored against codes of rows.
  ///
  /// Against 8-bit codes it has 7 bits: half as precise, which moves all rows' distances together but for the
  /// part in which they differ, and quicker to multiply (`vk_code_query.is_narrow`).
  ///
  /// - Precondition: `query` has `dimension` components and `buffer` was made for this `stride`.
  package func encodeQuery(_ query: Span<Float>, into buffer: CodeQueryBuffer) {
    precondition(
      query.count == dimension,
      "a query of \(query.count) against rows of \(dimension)"
    )
    unsafe query.withUnsafeBufferPointer { values in
      guard let base = values.baseAddress else { return }
      unsafe encodeQuery(base, into: buffer)
    }
  }

  /// Codes a query of `dimension` floats at `query`.
  package func encodeQuery(_ query: UnsafePointer<Float>, into buffer: CodeQueryBuffer) {
    precondition(buffer.stride >= stride, "a buffer for codes of \(buffer.stride), not \(stride)")
    unsafe withScratch { scratch in
      unsafe withUnsafePointer(to: rotation) { rotation in
        unsafe vk_encode_query(
          rotation,
          Int32(metric.rawValue),
          rounding.rawValue,
          widths == .bytes ? 1 : 0,
          UInt32(dimension),
          query,
          scratch,
          buffer.code,
          &buffer.query
        )
      }
    }
  }

  /// What `encodeQuery` left in the buffer, to be scored against 4-bit codes of rows.
  ///
  /// - Precondition: `buffer` was made for this `queryStride`.
  package func nibbleQuery(_ buffer: CodeQueryBuffer) -> vk_code_query {
    precondition(
      buffer.stride >= 2 * Int(vk_nibble_stride(UInt32(stride))),
      "no room for 4-bit codes"
    )
    var nibbles = unsafe vk_code_query()
    unsafe withUnsafePointer(to: buffer.query) {
      unsafe vk_nibble_query($0, UInt32(stride), &nibbles)
    }
    return unsafe nibbles
  }

  /// A distance in the form in which codes err by the same amount near and far: under l2 its square.
  package func order(ofDistance distance: Float) -> Float {
    metric == .l2 ? distance * distance : distance
  }

  /// What `order(ofDistance:)` is for the row that got this key, as near as the codes can tell; rises
  /// with the key.
  ///
  /// - Parameters:
  ///   - key: What a row was given for `query`.
  ///   - query: A query from `encodeQuery`, or `nibbleQuery`.
  ///   - nibbles: Whether the key is of the row's 4-bit code.
  /// - Returns: The estimate; squares may come out below zero.
  package func estimatedOrder(
    ofKey key: UInt32,
    query: vk_code_query,
    nibbles: Bool
  ) -> Float {
    let form = Int32(form(nibbles: nibbles))
    return unsafe withUnsafePointer(to: query) { query in
      unsafe vk_estimated_order(form, UInt32(stride), query, key)
    }
  }

  /// How far the estimate of an order may be off: five standard deviations of what rounding does to the
  /// codes of the query and of a row, as if both were off in the same direction.
  ///
  /// Steps of a code err by their length over the square root of 12 (a uniform distribution), levels of a
  /// 4-bit code by 0.107 of a component (Max 1960, 16 levels) and lose 1.2 % of a product; where some are
  /// moved to keep the length they lose nothing and err by 0.113 to 0.116 (computed for 1 024 and for 256
  /// components), taken as 0.12. Under cosine, and for 4-bit codes, a component beyond four times the usual is
  /// cut off: six times the square of the usual one is what a component of five loses, and some.
  /// Distances between codes err in proportion to the distance, and by the length of the errors themselves.
  ///
  /// - Parameters:
  ///   - query: The one that the rows were scored for, from `encodeQuery` or `nibbleQuery`.
  ///   - extremes: Of the rows; unused under cosine.
  ///   - order: The order that is estimated, or a larger one.
  /// - Returns: The margin; not finite where lengths are beyond floats.
  package func margin(query: vk_code_query, extremes: Extremes, order: Float) -> Float {
    let stepError = 1 / Float(12).squareRoot()
    let component = 1 / Float(stride).squareRoot()
    let cut = 6 * component * component
    let unitStep = 4 / 127 * component * stepError
    var queryStep = unsafe query.scale * stepError
    if case .nibbles = extremes { queryStep /= 10.64 * 4 / 127 * component }
    switch (metric, extremes) {
    case (.cosine, .bytes):
      let ofQuery = unsafe query.is_narrow == 0 ? unitStep : 127 / 63 * unitStep
      return 5 * (unitStep + ofQuery) + cut
    case (.cosine, .nibbles):
      return rounding == .nearest
        ? 5 * (0.107 * component + unitStep) + 0.012 + cut
        : 5 * (0.12 * component + unitStep) + cut
    case (.dot, .nibbles(let longest)):
      let length = unsafe query.norm2.squareRoot()
      return longest * (5 * (length * 0.12 * component + queryStep) + length * cut)
    case (.l2, .nibbles(let longest)):
      let ownLength = Float(stride) * queryStep * queryStep
      let row = longest * 0.12 * component
      return 2 * 5 * max(0, order).squareRoot() * (queryStep + row)
        + 2 * (ownLength + longest * longest * cut)
    case (.l2, .bytes(let step, _)) where rounding == .keepingLength:
      let ofRow = step * stepError
      let ownLength = Float(stride) * (queryStep * queryStep + ofRow * ofRow)
      return 2 * 5 * max(0, order).squareRoot() * (queryStep + ofRow) + 2 * ownLength
    case (.dot, .bytes(let step, let norm2)), (.l2, .bytes(let step, let norm2)):
      let length = unsafe query.norm2.squareRoot()
      let error = length * step * stepError + norm2.squareRoot() * queryStep
      return (metric == .l2 ? 2 : 1) * 5 * error
    }
  }

  /// The longest of what lies beside the codes of some rows.
  package enum Extremes: Sendable {
    /// 8-bit codes: the longest step and the largest squared length.
    case bytes(step: Float, norm2: Float)
    /// 4-bit codes: the greatest length.
    case nibbles(length: Float)
  }

  /// The largest key that stands for no more than this order, up to rounding; the inverse of
  /// `estimatedOrder(ofKey:query:nibbles:)`.
  ///
  /// - Parameters:
  ///   - order: An order, or infinity.
  ///   - query: A query from `encodeQuery`, or `nibbleQuery`.
  ///   - nibbles: Whether keys are of 4-bit codes.
  /// - Returns: The key; the largest there is where every key does.
  package func key(
    ofEstimatedOrder order: Float,
    query: vk_code_query,
    nibbles: Bool
  ) -> UInt32 {
    let form = Int32(form(nibbles: nibbles))
    return unsafe withUnsafePointer(to: query) { query in
      unsafe vk_key_of_estimated_order(form, UInt32(stride), query, order)
    }
  }

  /// Rotates `dimension` floats into `stride` floats; what `encodeRows` rounds, up to a scale.
  package func rotate(_ vector: [Float]) -> [Float] {
    precondition(vector.count == dimension, "a vector of \(vector.count), not \(dimension)")
    return unsafe withScratch { scratch in
      for i in 0..<stride { unsafe scratch[i] = i < dimension ? vector[i] : 0 }
      unsafe withUnsafePointer(to: rotation) { unsafe vk_rotate($0, scratch) }
      return unsafe Array(UnsafeBufferPointer(start: scratch, count: stride))
    }
  }

  private func withScratch<Result>(_ body: (UnsafeMutablePointer<Float>) -> Result) -> Result {
    let bytes = stride * MemoryLayout<Float>.stride
    return unsafe withUnsafeTemporaryAllocation(byteCount: bytes, alignment: 64) { raw in
      guard let base = raw.baseAddress else { preconditionFailure("no scratch memory") }
      return unsafe body(base.bindMemory(to: Float.self, capacity: stride))
    }
  }
}
