import CVectorKernels
import TestSupport
import Testing
import VectorKernels

extension Kernels {
  @Suite struct `Scores of codes` {
    static let strides = [64, 128, 192, 256, 320, 384, 448, 512, 576, 1024, 1536]

    @Test(
      arguments: InstructionSet.available.flatMap { [($0, false), ($0, true)] },
      Metric.allCases
    )
    func `are the scalar keys to the bit`(
      query kind: (set: InstructionSet, isNarrow: Bool),
      metric: Metric
    ) {
      let components: ClosedRange<Int8> = kind.isNarrow ? -64...64 : -128...127
      for stride in Self.strides {
        var random = SeededGenerator(seed: UInt64(stride))
        let table = CodeTable(rows: 37, stride: stride, metric: metric)
        table.fill(using: &random)
        let buffer = CodeQueryBuffer(stride: stride)
        var sum: Int32 = 0
        for i in 0..<stride {
          buffer.code[i] = Int8.random(in: components, using: &random)
          sum += Int32(buffer.code[i])
        }
        let query = vk_code_query(
          code: buffer.code,
          bias: 128 * sum,
          scale: 0.37,
          norm2: 5,
          is_narrow: kind.isNarrow ? 1 : 0
        )
        for count in [0, 1, 2, 3, 4, 5, 7, 8, 31] {
          let rows = (0..<count).map { _ in UInt32.random(in: 0..<37, using: &random) }
          let expected = InstructionSet.withForced(.scalar) { table.keys(query, rows: rows) }
          let actual = InstructionSet.withForced(kind.set) { table.keys(query, rows: rows) }
          #expect(actual == expected, "stride \(stride), \(count) rows")
        }
      }
    }

    @Test(arguments: InstructionSet.available)
    func `carry the most extreme codes of 65536 components`(set: InstructionSet) {
      let stride = 65536
      let table = CodeTable(rows: 4, stride: stride, metric: .cosine)
      let buffer = CodeQueryBuffer(stride: stride)
      for i in 0..<stride {
        table.code(0)[i] = 255
        table.code(1)[i] = 0
        table.code(2)[i] = 128
        table.code(3)[i] = i % 2 == 0 ? 0 : 255
      }
      let queries: [(Int8, isNarrow: Bool)] = [
        (-128, false), (127, false), (0, false), (-64, true), (64, true),
      ]
      for (value, narrow) in queries {
        for i in 0..<stride { buffer.code[i] = value }
        let bias = 128 * Int32(value) * Int32(stride)
        let query = vk_code_query(
          code: buffer.code,
          bias: bias,
          scale: 1,
          norm2: 0,
          is_narrow: narrow ? 1 : 0
        )
        let dots = [127, -128, 0].map { $0 * Int(value) * stride } + [-Int(value) * stride / 2]
        let expected = dots.map { UInt32(bitPattern: Int32(-$0)) ^ 0x8000_0000 }
        let actual = InstructionSet.withForced(set) { table.keys(query, rows: [0, 1, 2, 3]) }
        #expect(actual == expected)
      }
    }

    @Test(arguments: InstructionSet.available, Metric.allCases)
    func `of a row against itself are those of its own code`(set: InstructionSet, metric: Metric) {
      var random = SeededGenerator(seed: 7)
      let table = CodeTable(rows: 9, stride: 384, metric: metric)
      table.fill(using: &random)
      let buffer = CodeQueryBuffer(stride: 384)
      InstructionSet.withForced(set) { buffer.load(row: 8, of: &table.codes) }
      #expect(buffer.query.scale == (metric == .cosine ? 1 : table.aux(8).pointee.scale))
      #expect(buffer.query.norm2 == (metric == .cosine ? 0 : table.aux(8).pointee.norm2))
      for i in 0..<384 { #expect(Int(buffer.code[i]) == Int(table.code(8)[i]) - 128) }
      let dot = (0..<384).reduce(0) { $0 + Int(buffer.code[$1]) * Int(buffer.code[$1]) }
      let key = InstructionSet.withForced(set) { table.keys(buffer.query, rows: [8])[0] }
      let aux = table.aux(8).pointee
      switch metric {
      case .cosine: #expect(key == UInt32(bitPattern: Int32(-dot)) ^ 0x8000_0000)
      case .dot: #expect(key == vk_ordered_key(-(aux.scale * Float(dot))))
      case .l2:
        let cross = 2 * aux.scale * (aux.scale * Float(dot))
        #expect(key == vk_ordered_key(aux.norm2 - cross))
      }
    }
  }
}
