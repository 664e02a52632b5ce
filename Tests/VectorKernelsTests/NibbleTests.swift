import CVectorKernels
import TestSupport
import Testing
import VectorKernels

extension Kernels {
  @Suite struct `4-bit codes` {
    /// Of the 8-bit codes; the 4-bit ones have half, rounded up to whole lines.
    static let strides = [256, 320, 384, 448, 512, 576, 768, 1024, 1536]

    @Test(arguments: InstructionSet.available)
    func `score as the scalar definition to the bit`(set: InstructionSet) {
      for stride in Self.strides {
        var random = SeededGenerator(seed: UInt64(stride) + 4)
        let nibbleStride = Int(vk_nibble_stride(UInt32(stride)))
        let table = CodeTable(rows: 21, stride: nibbleStride, metric: .cosine)
        table.codes.form = UInt32(VK_FORM_COSINE_NIBBLES)
        table.fill(using: &random)
        let buffer = CodeQueryBuffer(stride: 2 * nibbleStride)
        for i in 0..<stride { buffer.code[i] = Int8.random(in: -127...127, using: &random) }
        let query = vk_code_query(code: buffer.code, bias: 77, scale: 1, norm2: 0)
        for count in [0, 1, 3, 4, 5, 21] {
          let rows = (0..<count).map { _ in UInt32.random(in: 0..<21, using: &random) }
          let expected = InstructionSet.withForced(.scalar) { table.keys(query, rows: rows) }
          let actual = InstructionSet.withForced(set) { table.keys(query, rows: rows) }
          #expect(actual == expected, "stride \(stride), \(count) rows")
        }
      }
    }

    @Test func `are halves of bytes, the low ones 64 components before the high ones`() {
      let stride = 320
      let nibbleStride = Int(vk_nibble_stride(UInt32(stride)))
      #expect(nibbleStride == 192)
      var codes = [UInt8](repeating: 128, count: 2 * stride)
      codes[stride + 0] = 255
      codes[stride + 64] = 0
      codes[stride + 319] = 255
      var nibbles = [UInt8](repeating: 0, count: 2 * nibbleStride)
      vk_pack_nibbles(codes, UInt32(stride), 2, Int32(VK_ROUND_NEAREST), &nibbles)
      // 128 is zero, which lies between levels 7 and 8 and goes up.
      #expect(nibbles[0] == 0x88)
      #expect(nibbles[nibbleStride] == 0x0F)
      #expect(nibbles[nibbleStride + 128 + 63] == 0x0F)
      #expect(nibbles[nibbleStride + 1] == 0x88)
    }

    @Test(arguments: InstructionSet.available)
    func `of rows serve as queries for one another`(set: InstructionSet) {
      for stride in Self.strides {
        var random = SeededGenerator(seed: UInt64(stride) + 9)
        let nibbleStride = Int(vk_nibble_stride(UInt32(stride)))
        let table = CodeTable(rows: 9, stride: nibbleStride, metric: .cosine)
        table.codes.form = UInt32(VK_FORM_COSINE_NIBBLES)
        table.fill(using: &random)
        let buffer = CodeQueryBuffer(stride: 2 * nibbleStride)
        // Levels are 0 to 15, and 7.5 of them are zero.
        func components(_ row: Int) -> [Double] {
          (0..<nibbleStride).flatMap { index -> [Double] in
            let byte = table.code(row)[index]
            return [Double(byte & 15) - 7.5, Double(byte >> 4) - 7.5]
          }
        }
        for row in 0..<9 {
          buffer.load(row: UInt32(row), of: &table.codes)
          let keys = InstructionSet.withForced(set) {
            table.keys(buffer.query, rows: (0..<9).map { UInt32($0) })
          }
          for other in 0..<9 {
            let product = zip(components(row), components(other)).reduce(0) { $0 + $1.0 * $1.1 }
            let expected = UInt32(bitPattern: -Int32(2 * product)) ^ 0x8000_0000
            #expect(keys[other] == expected, "stride \(stride), \(row) and \(other)")
          }
        }
      }
    }

    @Test(arguments: [UInt64(1), 2, 3])
    func `rank neighbours nearly as the vectors do`(seed: UInt64) {
      var random = SeededGenerator(seed: seed)
      let dimension = 384
      let rows = 500
      let coding = Coding(metric: .cosine, dimension: dimension, seed: 7)
      func vector() -> [Float] {
        (0..<dimension).map { _ in Float.random(in: -1...1, using: &random) }
      }
      let center = vector()
      // Directions at all angles from the query's.
      let vectors = (0..<rows).map { row -> [Float] in
        let share = Float(row) / Float(rows)
        return zip(center, vector()).map { $0 * (1 - share) + $1 * share }
      }
      let codes = CodeTable(rows: rows, stride: coding.stride, metric: .cosine)
      codes.encode(vectors, by: coding)
      let nibbles = CodeTable(rows: rows, stride: coding.nibbleStride, metric: .cosine)
      nibbles.codes.form = UInt32(VK_FORM_COSINE_NIBBLES)
      for row in 0..<rows {
        coding.packNibbles(codes.code(row), count: 1, into: nibbles.code(row))
      }
      let buffer = CodeQueryBuffer(stride: coding.queryStride)
      coding.encodeQuery(center.span, into: buffer)
      let keys = nibbles.keys(buffer.nibbleQuery, rows: (0..<UInt32(rows)).map { $0 })
      let nearest = keys.indices.sorted { keys[$0] < keys[$1] }.prefix(50)
      // The first 50 rows are the nearest by construction; rows beside each other differ by less than
      // sixteen levels can tell, so some at the edge change places.
      #expect(nearest.count { $0 < 75 } >= 48)
      #expect(nearest.prefix(5).allSatisfy { $0 < 50 })
    }
  }
}
