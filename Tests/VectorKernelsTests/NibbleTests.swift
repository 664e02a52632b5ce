import CVectorKernels
import TestSupport
import Testing
import VectorKernels

extension Kernels {
  @Suite struct `4-bit codes` {
    /// Of the 8-bit codes; the 4-bit ones have half, rounded up to whole lines.
    static let strides = [256, 320, 384, 448, 512, 576, 768, 1024, 1536]

    @Test(arguments: InstructionSet.available, Metric.allCases)
    func `score as the scalar definition to the bit`(set: InstructionSet, metric: Metric) {
      for stride in Self.strides {
        var random = SeededGenerator(seed: UInt64(stride) + 4)
        let table = Self.table(rows: 21, stride: stride, metric, &random)
        let buffer = CodeQueryBuffer(stride: 2 * table.stride)
        for i in 0..<stride { buffer.code[i] = Int8.random(in: -127...127, using: &random) }
        let query = vk_code_query(
          code: buffer.code,
          bias: 77,
          scale: 0.3,
          norm2: 0,
          is_narrow: 0
        )
        for count in [0, 1, 3, 4, 5, 21] {
          let rows = (0..<count).map { _ in UInt32.random(in: 0..<21, using: &random) }
          let expected = InstructionSet.withForced(.scalar) { table.keys(query, rows: rows) }
          let actual = InstructionSet.withForced(set) { table.keys(query, rows: rows) }
          #expect(actual == expected, "stride \(stride), \(count) rows")
        }
      }
    }

    /// Random codes, some lengths beyond those whose squares are floats.
    static func table(
      rows: Int,
      stride: Int,
      _ metric: Metric,
      _ random: inout SeededGenerator
    ) -> CodeTable {
      let table = CodeTable(
        rows: rows,
        stride: Int(vk_nibble_stride(UInt32(stride))),
        metric: metric,
        isNibbles: true
      )
      table.fill(using: &random)
      for row in 0..<rows where row % 7 == 3 { table.nibbleAux(row).pointee.length = 1e30 }
      return table
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
        let table = Self.table(rows: 9, stride: stride, .cosine, &random)
        let buffer = CodeQueryBuffer(stride: 2 * table.stride)
        // Levels are 0 to 15, and 7.5 of them are zero.
        func components(_ row: Int) -> [Double] {
          (0..<table.stride).flatMap { index -> [Double] in
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

    /// Rows of many lengths as queries for one another: what keys stand for is near the distance.
    ///
    /// Of 320 and 448 components the last line is half padding, which must not count.
    @Test(arguments: [320, 384, 448, 1024], [Metric.dot, .l2])
    func `of rows with lengths know their distances`(dimension: Int, metric: Metric) {
      var random = SeededGenerator(seed: UInt64(dimension))
      let coding = Coding(metric: metric, dimension: dimension, seed: 7)
      let center = `Coding of vectors`.gaussian(dimension, &random)
      let vectors = (0..<40).map { row -> [Float] in
        let length = Float.random(in: 0.01...10, using: &random)
        let other = `Coding of vectors`.gaussian(dimension, &random)
        return zip(center, other).map { length * ($0 + 0.05 * Float(row) * $1) }
      }
      let table = CodeTable(rows: 40, nibblesOf: coding)
      table.encodeNibbles(vectors, by: coding)
      let buffer = CodeQueryBuffer(stride: coding.queryStride)
      for row in 0..<40 {
        buffer.load(row: UInt32(row), of: &table.codes)
        let keys = table.keys(buffer.query, rows: (0..<40).map { UInt32($0) })
        let length = `Coding of vectors`.norm(vectors[row])
        #expect(abs(Double(buffer.query.norm2) / (length * length) - 1) < 1e-4)
        for other in 0..<40 {
          let estimate = Double(
            coding.estimatedOrder(ofKey: keys[other], query: buffer.query, nibbles: true)
          )
          let product = `Coding of vectors`.dot(vectors[row], vectors[other])
          let second = `Coding of vectors`.norm(vectors[other])
          let expected =
            metric == .dot ? -product : length * length + second * second - 2 * product
          let allowed = (metric == .dot ? 1 : 2) * 0.05 * length * second
          #expect(abs(estimate - expected) < allowed, "\(row) \(other)")
        }
      }
    }

    @Test func `are described by lengths`() {
      var random = SeededGenerator(seed: 5)
      for dimension in [256, 300, 384, 1536] {
        let coding = Coding(metric: .l2, dimension: dimension, seed: 7)
        let one = `Coding of vectors`.gaussian(dimension, &random)
        // Also where squares are beyond floats.
        let vectors = [
          one, one.map { $0 * 0x1p100 }, one.map { $0 * 0x1p-100 }, one.map { $0 * 0 },
        ]
        let table = CodeTable(rows: 4, nibblesOf: coding)
        table.encodeNibbles(vectors, by: coding)
        for row in 0..<4 {
          let length = `Coding of vectors`.norm(vectors[row])
          let aux = table.nibbleAux(row).pointee
          #expect(abs(Double(aux.length) - length) <= 1e-5 * length)
          let bytes = 64 * Int(vk_prefix_columns(UInt32(table.stride)))
          let squares = (0..<bytes).reduce(0.0) { sum, i in
            let (low, high) = (table.code(row)[i] & 15, table.code(row)[i] >> 4)
            return sum + (Double(low) - 7.5) * (Double(low) - 7.5)
              + (Double(high) - 7.5) * (Double(high) - 7.5)
          }
          #expect(abs(Double(aux.first) - squares.squareRoot()) < 1e-3)
          #expect((aux.first == 0) == (dimension == 256))
        }
      }
    }

    @Test(arguments: [UInt64(1), 2, 3], Metric.allCases)
    func `rank neighbours nearly as the vectors do`(seed: UInt64, metric: Metric) {
      var random = SeededGenerator(seed: seed)
      let dimension = 384
      let rows = 500
      let coding = Coding(metric: metric, dimension: dimension, seed: 7)
      func vector() -> [Float] {
        (0..<dimension).map { _ in Float.random(in: -1...1, using: &random) }
      }
      let center = vector()
      // Directions at all angles from the query's.
      let vectors = (0..<rows).map { row -> [Float] in
        let share = Float(row) / Float(rows)
        return zip(center, vector()).map { $0 * (1 - share) + $1 * share }
      }
      let nibbles = CodeTable(rows: rows, nibblesOf: coding)
      nibbles.encodeNibbles(vectors, by: coding)
      let buffer = CodeQueryBuffer(stride: coding.queryStride)
      coding.encodeQuery(center.span, into: buffer)
      let keys = nibbles.keys(coding.nibbleQuery(buffer), rows: (0..<UInt32(rows)).map { $0 })
      let nearest = keys.indices.sorted { keys[$0] < keys[$1] }.prefix(50)
      // The first 50 rows are the nearest by construction; rows beside each other differ by less than
      // sixteen levels can tell, so some at the edge change places.
      #expect(nearest.count { $0 < 75 } >= 48)
      #expect(nearest.prefix(5).allSatisfy { $0 < 50 })
    }
  }
}
