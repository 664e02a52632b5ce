import CVectorKernels
import HNSW
import TestSupport

/// Codes of seeded clustered vectors in memory, laid out as a store lays them out; constant once made.
final class ClusteredCodes: @unchecked Sendable {
  let count: Int
  let codes: vk_codes
  private let memory: UnsafeMutableRawPointer
  private let directory: UnsafeMutablePointer<UInt64>
  private static let rowsPerBlock = 64

  /// `count` rows of `dimension` components around `clusters` centres; with `clusters` 0 all are equal.
  ///
  /// The last `lateRows` lie around a centre of their own. Codes are the vectors times `amplitude`,
  /// moved by `offset`; outside of cosine a component is `scale` times its code. With `isNibbles` the
  /// 8-bit codes are packed into 4-bit ones, as those of unit vectors of so many components.
  init(
    count: Int,
    dimension: Int = 48,
    clusters: Int = 40,
    lateRows: Int = 0,
    form: Int = Int(VK_FORM_COSINE),
    amplitude: Float = 200,
    offset: Int = 0,
    scale: Float = 0.01,
    seed: UInt64,
    isNibbles: Bool = false
  ) {
    self.count = count
    var generator = SeededGenerator(seed: seed)
    func component() -> Float { Float.random(in: -1...1, using: &generator) }
    let centres = (0..<max(1, clusters)).map { _ in (0..<dimension).map { _ in component() } }
    let byteStride = (dimension + 63) & ~63
    let stride = isNibbles ? Int(vk_nibble_stride(UInt32(byteStride))) : byteStride
    // A component of a unit vector is then four times as long as usual at 127.
    let amplitude = isNibbles ? 127 / 4 * Float(byteStride).squareRoot() : amplitude
    let perBlock = Self.rowsPerBlock
    let auxOffset = perBlock * stride
    let blockBytes = auxOffset + perBlock * MemoryLayout<vk_aux>.stride
    let blockCount = (count + perBlock - 1) / perBlock
    memory = .allocate(byteCount: max(1, blockCount) * blockBytes, alignment: 64)
    memory.initializeMemory(as: UInt8.self, repeating: 128, count: blockCount * blockBytes)
    directory = .allocate(capacity: max(1, blockCount))
    for block in 0..<blockCount {
      directory[block] = UInt64(UInt(bitPattern: memory + block * blockBytes))
    }
    codes = vk_codes(
      directory: directory,
      shift: UInt32(perBlock.trailingZeroBitCount),
      stride: UInt32(stride),
      form: UInt32(form) | (isNibbles ? UInt32(VK_FORM_NIBBLES) : 0),
      aux_offset: UInt32(auxOffset)
    )
    for row in 0..<count {
      var centre = centres[Int.random(in: 0..<centres.count, using: &generator)]
      if row >= count - lateRows { centre = centres[0].map { -$0 } }
      var vector = centre
      if clusters > 0 { vector = centre.map { $0 + 0.6 * component() } }
      var length: Float = 0
      for value in vector { length += value * value }
      length = length.squareRoot()
      let unit = form == Int(VK_FORM_COSINE) || isNibbles ? 1 / length : 0.4
      let base = memory + (row / perBlock) * blockBytes
      let place = base + (row % perBlock) * stride
      var norm: Float = 0
      var bytes = [UInt8](repeating: 128, count: byteStride)
      for (index, value) in vector.enumerated() {
        let code = max(-127, min(127, offset + Int((value * unit * amplitude).rounded())))
        bytes[index] = UInt8(code + 128)
        norm += Float(code * code)
      }
      if isNibbles {
        let nibbles = place.assumingMemoryBound(to: UInt8.self)
        vk_pack_nibbles(bytes, UInt32(byteStride), 1, Int32(VK_ROUND_KEEPING_LENGTH), nibbles)
        var (own, described) = (vk_aux(scale: length, norm2: 0), vk_nibble_aux())
        vk_describe_nibbles(nibbles, UInt32(stride), 1, &own, &described)
        (base + auxOffset).storeBytes(
          of: described,
          toByteOffset: (row % perBlock) * MemoryLayout<vk_nibble_aux>.stride,
          as: vk_nibble_aux.self
        )
        continue
      }
      bytes.withUnsafeBytes {
        UnsafeMutableRawBufferPointer(start: place, count: byteStride).copyMemory(from: $0)
      }
      let aux = vk_aux(scale: scale, norm2: norm * scale * scale)
      (base + auxOffset).storeBytes(
        of: aux,
        toByteOffset: (row % perBlock) * MemoryLayout<vk_aux>.stride,
        as: vk_aux.self
      )
    }
  }

  deinit {
    memory.deallocate()
    directory.deallocate()
  }

  /// The rows that a search for row `row`'s own code finds, nearest first, and their keys.
  func search(_ graph: Graph, row: UInt32, ef: Int, context: SearchContext) -> [UInt64] {
    withQuery(row) { query in
      let count = Searcher.search(graph, codes: codes, query: query, ef: ef, context: context)
      return (0..<count).map { UInt64(context.keys[$0]) << 32 | UInt64(context.rows[$0]) }
    }
  }

  /// The exact answer among rows below `limit`, each as key and row in one word.
  func nearest(to row: UInt32, among limit: UInt32, count: Int) -> [UInt64] {
    withQuery(row) { query in
      var (codes, query) = (codes, query)
      let rows = Array(0..<limit)
      var keys = Array(repeating: UInt32(0), count: rows.count)
      vk_score_codes(&codes, &query, rows, rows.count, &keys)
      return zip(keys, rows).map { UInt64($0) << 32 | UInt64($1) }.sorted().prefix(count) + []
    }
  }

  private func withQuery<Result>(_ row: UInt32, _ body: (vk_code_query) -> Result) -> Result {
    var (codes, query) = (codes, vk_code_query())
    let stride = Int(vk_query_stride(&codes))
    let buffer = UnsafeMutableRawPointer.allocate(byteCount: stride, alignment: 64)
    defer { buffer.deallocate() }
    vk_query_from_row(&codes, row, buffer.bindMemory(to: Int8.self, capacity: stride), &query)
    return body(query)
  }

  /// The share of the exact `k` nearest found, over rows `from` to the end as queries: by key, so that
  /// a tie counts whichever row was returned.
  func recall(_ graph: Graph, queries from: UInt32, k: Int, ef: Int) -> Double {
    let context = SearchContext()
    var (found, wanted) = (0, 0)
    for row in from..<UInt32(count) {
      let exact = nearest(to: row, among: graph.linkedCount, count: k)
      guard let worst = exact.last else { continue }
      found += search(graph, row: row, ef: ef, context: context).prefix(k)
        .count { $0 >> 32 <= worst >> 32 }
      wanted += exact.count
    }
    return wanted == 0 ? 1 : Double(found) / Double(wanted)
  }

  /// A graph of the first `rows` rows.
  func graph(
    rows: Int? = nil,
    parameters: Parameters = Parameters(efConstruction: 64),
    workers: Int = 1
  ) -> Graph {
    let builder = GraphBuilder(parameters: parameters)
    builder.link(
      upTo: UInt32(rows ?? count),
      codes: codes,
      workers: workers,
      includingPartialSlice: true
    )
    return builder.publish()
  }
}

extension GraphBuilder {
  /// Links one slice, if `end` leaves room for it.
  func linkSlice(upTo end: UInt32, codes: vk_codes) {
    var isSecond = false
    link(upTo: end, codes: codes) {
      defer { isSecond = true }
      return isSecond
    }
  }
}
