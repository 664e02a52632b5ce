import CVectorKernels
import TestSupport
import VectorKernels

/// Codes of rows in blocks, as the index lays them out, for tests.
final class CodeTable {
  static let shift: UInt32 = 3
  let stride: Int
  let rows: Int
  let auxOffset: Int
  private let blocks: [UnsafeMutableRawPointer]
  private let directory: UnsafeMutablePointer<UInt64>
  var codes: vk_codes

  /// A table for what `coding` makes of rows in 4 bits.
  convenience init(rows: Int, nibblesOf coding: Coding) {
    self.init(rows: rows, stride: coding.nibbleStride, metric: coding.metric, isNibbles: true)
  }

  init(rows: Int, stride: Int, metric: Metric, isNibbles: Bool = false) {
    self.rows = rows
    self.stride = stride
    let perBlock = 1 << Int(Self.shift)
    auxOffset = perBlock * stride
    let bytes = auxOffset + perBlock * MemoryLayout<vk_aux>.stride
    blocks = (0..<(rows + perBlock - 1) / perBlock).map { _ in
      let block = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
      block.initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
      return block
    }
    directory = .allocate(capacity: blocks.count)
    for (i, block) in blocks.enumerated() { directory[i] = UInt64(UInt(bitPattern: block)) }
    codes = vk_codes(
      directory: directory,
      shift: Self.shift,
      stride: UInt32(stride),
      form: UInt32(metric.rawValue) | (isNibbles ? UInt32(VK_FORM_NIBBLES) : 0),
      aux_offset: UInt32(auxOffset)
    )
  }

  deinit {
    for block in blocks { block.deallocate() }
    directory.deallocate()
  }

  func code(_ row: Int) -> UnsafeMutablePointer<UInt8> {
    let block = blocks[row >> Int(Self.shift)]
    return (block + (row & 7) * stride).assumingMemoryBound(to: UInt8.self)
  }

  func aux(_ row: Int) -> UnsafeMutablePointer<vk_aux> {
    let block = blocks[row >> Int(Self.shift)]
    return (block + auxOffset).assumingMemoryBound(to: vk_aux.self) + (row & 7)
  }

  func nibbleAux(_ row: Int) -> UnsafeMutablePointer<vk_nibble_aux> {
    UnsafeMutableRawPointer(aux(row)).assumingMemoryBound(to: vk_nibble_aux.self)
  }

  /// Random bytes for codes, and a scale and length for each row.
  func fill(using random: inout SeededGenerator) {
    for row in 0..<rows {
      for i in 0..<stride { code(row)[i] = UInt8.random(in: 0...255, using: &random) }
      aux(row).pointee = vk_aux(
        scale: Float.random(in: 0.001...1, using: &random),
        norm2: Float.random(in: 0...1000, using: &random)
      )
    }
  }

  /// Codes `vectors` into the rows.
  func encode(_ vectors: [[Float]], by coding: Coding) {
    for (row, vector) in vectors.enumerated() {
      vector.withUnsafeBytes { bytes in
        guard let base = bytes.baseAddress else { return }
        coding.encodeRows(
          from: base,
          element: .float32,
          rowStride: 0,
          count: 1,
          codes: code(row),
          aux: aux(row)
        )
      }
    }
  }

  /// Codes `vectors` into the rows, in 4 bits.
  func encodeNibbles(_ vectors: [[Float]], by coding: Coding) {
    for (row, vector) in vectors.enumerated() {
      vector.withUnsafeBytes { bytes in
        guard let base = bytes.baseAddress else { return }
        coding.encodeNibbles(
          from: base,
          element: .float32,
          rowStride: 0,
          count: 1,
          into: code(row),
          aux: nibbleAux(row)
        )
      }
    }
  }

  func keys(_ query: vk_code_query, rows: [UInt32]) -> [UInt32] {
    var query = query
    return [UInt32](unsafeUninitializedCapacity: rows.count) { keys, count in
      if let base = keys.baseAddress {
        vk_score_codes(&codes, &query, rows, rows.count, base)
      }
      count = rows.count
    }
  }
}
