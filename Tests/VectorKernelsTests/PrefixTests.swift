import CVectorKernels
import TestSupport
import Testing
import VectorKernels

extension Kernels {
  @Suite struct `First columns of codes` {
    /// 8-bit codes of three columns; 4-bit ones, of which the first has half a column of padding.
    static let dimensions = [192, 300, 384, 768, 1536]

    private func filter(
      _ table: CodeTable,
      _ query: vk_code_query,
      _ prefix: vk_prefix,
      key: UInt32,
      rows: [UInt32]
    ) -> [UInt32] {
      var (query, prefix) = (query, prefix)
      var room = rows + [UInt32](repeating: 0, count: 3)
      let kept = vk_prefix_filter(&table.codes, &query, &prefix, key, &room, rows.count)
      return Array(room[..<kept])
    }

    private func prefix(_ table: CodeTable, _ query: vk_code_query) -> vk_prefix {
      var (query, prefix) = (query, vk_prefix())
      vk_prefix_prepare(&table.codes, &query, &prefix)
      return prefix
    }

    @Test(arguments: InstructionSet.available)
    func `keep the rows that they should, in their order`(set: InstructionSet) {
      for isNibbles in [false, true] {
        for columns in 3...17 {
          var random = SeededGenerator(seed: UInt64(columns))
          let table = CodeTable(
            rows: 40,
            stride: 64 * columns,
            metric: .cosine,
            isNibbles: isNibbles
          )
          table.fill(using: &random)
          let buffer = randomQuery(for: table, &random)
          var prefix = prefix(table, buffer.query)
          #expect(prefix.columns == (columns < 8 ? 1 : columns / 4))
          let bytes = 64 * Int(prefix.columns)
          func product(_ row: UInt32) -> Int32 {
            let code = table.code(Int(row))
            return (0..<bytes).reduce(-prefix.bias) { sum, i in
              let q = buffer.code + (isNibbles ? i & ~63 : 0) + i
              return isNibbles
                ? sum + Int32(code[i] & 15) * Int32(q[0]) + Int32(code[i] >> 4) * Int32(q[64])
                : sum + Int32(code[i]) * Int32(q[0])
            }
          }
          let keys = table.keys(buffer.query, rows: Array(0..<40)).sorted()
          for count in [0, 1, 2, 3, 4, 5, 39, 64] {
            let rows = (0..<count).map { _ in UInt32.random(in: 0..<40, using: &random) }
            for key in [.min, keys[0], keys[10], keys[20] + 1, keys[39], .max] {
              let least = vk_prefix_least(&prefix, key)
              let kept = InstructionSet.withForced(set) {
                filter(table, buffer.query, prefix, key: key, rows: rows)
              }
              #expect(kept == rows.filter { product($0) >= least }, "\(columns) columns, \(count)")
            }
          }
        }
      }
    }

    @Test(arguments: InstructionSet.available, [Metric.dot, .l2])
    func `keep rows with lengths as the scalar definition does`(set: InstructionSet, metric: Metric)
    {
      var (few, many) = (0, 0)
      for columns in 3...17 {
        var random = SeededGenerator(seed: UInt64(columns))
        let table = CodeTable(rows: 40, stride: 64 * columns, metric: metric, isNibbles: true)
        table.fill(using: &random)
        for row in 0..<40 {
          let length = row == 7 ? 0 : row == 8 ? .greatestFiniteMagnitude : Float(row)
          let first = Float.random(in: 20...60, using: &random)
          table.nibbleAux(row).pointee = vk_nibble_aux(length: length, first: first)
        }
        let buffer = randomQuery(for: table, &random)
        var query = buffer.query
        query.scale = 0.001
        let prefix = prefix(table, query)
        #expect(prefix.columns == (columns < 8 ? 1 : columns / 4))
        let keys = table.keys(query, rows: Array(0..<40)).sorted()
        for count in [0, 1, 2, 3, 4, 5, 39, 64] {
          let rows = (0..<count).map { _ in UInt32.random(in: 0..<40, using: &random) }
          for key in [.min, keys[0], keys[10], keys[20], keys[39], .max] {
            func kept(_ set: InstructionSet) -> [UInt32] {
              InstructionSet.withForced(set) {
                filter(table, query, prefix, key: key, rows: rows)
              }
            }
            let expected = kept(.scalar)
            #expect(kept(set) == expected, "\(columns) columns, \(count)")
            few += expected.count
            many += rows.count
          }
        }
      }
      #expect(many / 10 < few && few < many * 9 / 10, "\(few) of \(many) are kept")
    }

    @Test(arguments: InstructionSet.available)
    func `are looked at first by searches where products are dear or codes long`(
      set: InstructionSet
    ) {
      let least = InstructionSet.available.contains(.avx512) ? 8 : 3
      for columns in 1...17 {
        let table = CodeTable(rows: 1, stride: 64 * columns, metric: .cosine, isNibbles: true)
        let pays = InstructionSet.withForced(set) { vk_prefix_pays(&table.codes) != 0 }
        #expect(pays == (columns >= least), "\(columns) columns")
      }
    }

    private func randomQuery(
      for table: CodeTable,
      _ random: inout SeededGenerator
    ) -> CodeQueryBuffer {
      let stride = Int(vk_query_stride(&table.codes))
      let buffer = CodeQueryBuffer(stride: stride)
      for i in 0..<stride { buffer.code[i] = Int8.random(in: -127...127, using: &random) }
      return buffer
    }

    /// Whether few of the rows are lost that are nearer than another, and most of those left out that are far.
    @Test(arguments: dimensions.flatMap { d in Metric.allCases.map { (d, $0) } }, [false, true])
    func `tell near rows from far ones`(kind: (dimension: Int, metric: Metric), queryIsRow: Bool) {
      let (dimension, metric) = kind
      var random = SeededGenerator(seed: UInt64(dimension))
      let coding = Coding(metric: metric, dimension: dimension, seed: 7)
      let isNibbles = coding.nibbleStride > 0
      if !isNibbles && metric != .cosine { return }
      let query = `Coding of vectors`.gaussian(dimension, &random)
      // Cosines of 0 to 0.999 with the query, and the query itself as the last row.
      let cosines = (0..<2000).map { 0.999 * Float($0) / 2000 }
      let length = query.reduce(0) { $0 + $1 * $1 }.squareRoot()
      var vectors = cosines.map { cosine -> [Float] in
        var other = `Coding of vectors`.gaussian(dimension, &random)
        let along = zip(query, other).reduce(0) { $0 + $1.0 * $1.1 } / (length * length)
        for i in other.indices { other[i] -= along * query[i] }
        let size = other.reduce(0) { $0 + $1 * $1 }.squareRoot()
        let aside = (1 - cosine * cosine).squareRoot()
        // Of many lengths; under l2 of those at which rows are nearest.
        let own =
          switch metric {
          case .cosine: Float(1)
          case .dot: Float.random(in: 0.5...2, using: &random)
          case .l2: length * max(0.2, cosine)
          }
        return zip(query, other).map { own * (cosine * $0 / length + aside * $1 / size) }
      }
      vectors.append(query)
      let table =
        isNibbles
        ? CodeTable(rows: vectors.count, nibblesOf: coding)
        : CodeTable(rows: vectors.count, stride: coding.stride, metric: metric)
      if isNibbles {
        table.encodeNibbles(vectors, by: coding)
      } else {
        table.encode(vectors, by: coding)
      }
      let buffer = CodeQueryBuffer(stride: coding.queryStride)
      if queryIsRow {
        buffer.load(row: 2000, of: &table.codes)
      } else {
        coding.encodeQuery(query.span, into: buffer)
      }
      let code = isNibbles && !queryIsRow ? coding.nibbleQuery(buffer) : buffer.query
      let prefix = prefix(table, code)
      #expect(prefix.columns > 0)
      let rows = (0..<UInt32(2000)).map { $0 }
      let keys = table.keys(code, rows: rows)
      let sorted = keys.sorted(by: >)
      for limit in [600, 1200, 1800, 1980] {
        let key = sorted[limit]
        let kept = filter(table, code, prefix, key: key, rows: rows)
        let near = Set(rows.filter { keys[Int($0)] < key })
        let lost = near.subtracting(kept).count
        // At 1.5 standard deviations 1 in 15 of those that are just near enough, of all of them far fewer.
        #expect(lost <= max(3, near.count / 25), "\(lost) of \(near.count) beyond \(limit)")
        if limit == 1200 {
          let far = Set(rows.filter { keys[Int($0)] > sorted[300] })
          let left = far.intersection(kept).count
          #expect(left < 45, "\(left) of \(far.count) far rows are left")
        }
      }
    }

    @Test func `of short codes, of 8-bit ones with lengths and of zeros say nothing`() {
      let buffer = CodeQueryBuffer(stride: 1024)
      for i in 0..<1024 { buffer.code[i] = 1 }
      for stride in [64, 128] {
        let short = CodeTable(rows: 1, stride: stride, metric: .cosine)
        #expect(prefix(short, buffer.query).columns == 0)
      }
      for metric in [Metric.dot, .l2] {
        let table = CodeTable(rows: 1, stride: 512, metric: metric)
        #expect(prefix(table, buffer.query).columns == 0)
      }
      for metric in Metric.allCases {
        let table = CodeTable(rows: 1, stride: 512, metric: metric, isNibbles: true)
        for i in 0..<1024 { buffer.code[i] = 1 }
        #expect(prefix(table, buffer.query).columns == 2)
        for i in 0..<1024 { buffer.code[i] = 0 }
        #expect(prefix(table, buffer.query).columns == 0)
      }
    }
  }
}
