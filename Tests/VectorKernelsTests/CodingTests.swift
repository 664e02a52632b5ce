import CVectorKernels
import TestSupport
import Testing
import VectorKernels

extension Kernels {
  @Suite struct `Coding of vectors` {
    static func gaussian(_ count: Int, _ random: inout SeededGenerator) -> [Float] {
      (0..<count).map { _ in
        (0..<12).reduce(-6) { sum, _ in sum + Float.random(in: 0...1, using: &random) }
      }
    }

    static func dot(_ a: [Float], _ b: [Float]) -> Double {
      var sum = 0.0
      for i in a.indices { sum += Double(a[i]) * Double(b[i]) }
      return sum
    }

    static func norm(_ vector: [Float]) -> Double { dot(vector, vector).squareRoot() }

    @Test(arguments: Kernels.lengths + [4096, 65536])
    func `rotates by an orthogonal map`(dimension: Int) {
      var random = SeededGenerator(seed: UInt64(dimension))
      let coding = Coding(metric: .cosine, dimension: dimension, seed: 42)
      let a = Self.gaussian(dimension, &random)
      let b = Self.gaussian(dimension, &random)
      let rotatedA = coding.rotate(a)
      let rotatedB = coding.rotate(b)
      let scale = Self.norm(a) * Self.norm(b)
      #expect(rotatedA.count == coding.stride && coding.stride % 64 == 0)
      #expect(abs(Self.norm(rotatedA) / Self.norm(a) - 1) < 1e-5)
      let before = Self.dot(a, b)
      let after = Self.dot(rotatedA, rotatedB)
      #expect(abs(before - after) < 1e-5 * scale)
    }

    @Test(arguments: [64, 192, 384, 1000])
    func `spreads one component over all`(dimension: Int) {
      let coding = Coding(metric: .cosine, dimension: dimension, seed: 1)
      for axis in [0, dimension / 2, dimension - 1] {
        var unit = [Float](repeating: 0, count: dimension)
        unit[axis] = 1
        let largest = coding.rotate(unit).map { abs($0) }.max() ?? 1
        #expect(largest < 6 / Float(coding.stride).squareRoot())
      }
    }

    @Test(arguments: InstructionSet.available, Metric.allCases)
    func `is the same to the bit on every instruction set`(set: InstructionSet, metric: Metric) {
      for dimension in Kernels.lengths + [4096] {
        var random = SeededGenerator(seed: UInt64(dimension))
        for rounding in [Coding.Rounding.nearest, .keepingLength] {
          let coding = Coding(
            metric: metric,
            dimension: dimension,
            seed: 9,
            rounding: rounding
          )
          let tiny = [Float](repeating: 0x1p-136, count: dimension)
          let vectors =
            [Self.gaussian(dimension, &random), Self.gaussian(dimension, &random)]
            + [[Float](repeating: 0, count: dimension), tiny, tiny.map { $0 * 1e5 }]
          let expected = InstructionSet.withForced(.scalar) { coded(vectors, by: coding) }
          let actual = InstructionSet.withForced(set) { coded(vectors, by: coding) }
          #expect(actual == expected, "dimension \(dimension)")
          let rotated = InstructionSet.withForced(.scalar) { coding.rotate(vectors[0]) }
          #expect(InstructionSet.withForced(set) { coding.rotate(vectors[0]) } == rotated)
        }
      }
    }

    /// Digests fixed once: codes are written to disk and compared with those of other machines.
    @Test(
      arguments: InstructionSet.available,
      [(Coding.Rounding.nearest, UInt32(0x1FA2_C4D9)), (.keepingLength, 0xF777_AE2B)]
    )
    func `never changes`(set: InstructionSet, fixed: (rounding: Coding.Rounding, digest: UInt32)) {
      var digest: UInt32 = 0
      InstructionSet.withForced(set) {
        for metric in Metric.allCases {
          for dimension in [3, 100, 384, 512, 1000] {
            var random = SeededGenerator(seed: 5)
            let coding = Coding(
              metric: metric,
              dimension: dimension,
              seed: 11,
              rounding: fixed.rounding
            )
            for bytes in coded([Self.gaussian(dimension, &random)], by: coding) {
              digest = bytes.withUnsafeBytes { Checksum.crc32c($0, seed: digest) }
            }
          }
        }
      }
      #expect(digest == fixed.digest, "0x\(String(digest, radix: 16, uppercase: true))")
    }

    @Test(arguments: Metric.allCases)
    func `codes zero as zero`(metric: Metric) {
      let coding = Coding(metric: metric, dimension: 100, seed: 3)
      let bytes = coded([[Float](repeating: 0, count: 100)], by: coding)
      #expect(bytes[0].prefix(128) == [UInt8](repeating: 128, count: 128)[...])
      let buffer = CodeQueryBuffer(stride: 128)
      coding.encodeQuery([Float](repeating: 0, count: 100).span, into: buffer)
      #expect(buffer.query.bias == 0)
    }

    /// A vector's code as a row, read back as a query, and its code as a query.
    private func codedTwice(
      _ vector: [Float],
      by coding: Coding
    ) -> (row: CodeQueryBuffer, query: CodeQueryBuffer) {
      let table = CodeTable(rows: 1, stride: coding.stride, metric: coding.metric)
      table.encode([vector], by: coding)
      let row = CodeQueryBuffer(stride: coding.stride)
      row.load(row: 0, of: &table.codes)
      let query = CodeQueryBuffer(stride: coding.stride)
      coding.encodeQuery(vector.span, into: query)
      return (row, query)
    }

    @Test(arguments: Metric.allCases)
    func `codes a query as it codes a row`(metric: Metric) {
      var random = SeededGenerator(seed: 17)
      let coding = Coding(metric: metric, dimension: 384, seed: 3)
      let (row, query) = codedTwice(Self.gaussian(384, &random), by: coding)
      #expect(query.query.bias == row.query.bias)
      #expect(query.query.scale == row.query.scale)
      #expect(query.query.norm2 == row.query.norm2)
      #expect((0..<384).allSatisfy { query.code[$0] == row.code[$0] })
    }

    @Test(arguments: Metric.allCases, [1, 64, 100, 192])
    func `codes a query for 8-bit codes in half as many steps`(metric: Metric, dimension: Int) {
      var random = SeededGenerator(seed: 18)
      let coding = Coding(metric: metric, dimension: dimension, seed: 3)
      let (row, query) = codedTwice(Self.gaussian(dimension, &random), by: coding)
      #expect(query.query.is_narrow == 1 && row.query.is_narrow == 0)
      for i in 0..<coding.stride {
        let (half, whole) = (Int(query.code[i]), Int(row.code[i]))
        #expect(abs(half) <= 64)
        // Rounding, of either, and one more step where a length was kept.
        #expect(abs(Double(half) * 127 / 63 - Double(whole)) <= 4.6)
      }
    }

    /// Estimates of distances of 0.3 to 2 lengths, from 8-bit and from 4-bit codes.
    @Test(arguments: Metric.allCases)
    func `tells distances`(metric: Metric) {
      var random = SeededGenerator(seed: 29)
      let dimension = 384
      let coding = Coding(metric: metric, dimension: dimension, seed: 5)
      let query = Self.gaussian(dimension, &random)
      let vectors = (1...200).map { row in
        zip(query, Self.gaussian(dimension, &random)).map { $0 + 0.02 * Float(row) * $1 }
      }
      let table = CodeTable(rows: 200, stride: coding.stride, metric: metric)
      table.encode(vectors, by: coding)
      let exact = FullPrecision(metric: metric, element: .float32, dimension: dimension)
      let prepared = exact.prepare(query.span)
      var distances = [Float](repeating: 0, count: 200)
      vectors.flatMap { $0 }.withUnsafeBytes { raw in
        exact.distances(
          prepared,
          base: raw.baseAddress!,
          stride: dimension * 4,
          count: 200,
          after: nil,
          into: &distances
        )
      }
      let rows = Array(UInt32(0)..<200)
      let buffer = CodeQueryBuffer(stride: coding.queryStride)
      coding.encodeQuery(query.span, into: buffer)
      // Of the size that the distances have among one another.
      let orders = distances.map(coding.order)
      let scale = orders.max()! - orders.min()!
      func worst(_ keys: [UInt32], nibbles: Bool) -> Float {
        let query = nibbles ? coding.nibbleQuery(buffer) : buffer.query
        return zip(keys, distances).reduce(0) { worst, pair in
          let estimate = coding.estimatedOrder(ofKey: pair.0, query: query, nibbles: nibbles)
          return max(worst, abs(estimate - coding.order(ofDistance: pair.1)) / scale)
        }
      }
      #expect(worst(table.keys(buffer.query, rows: rows), nibbles: false) < 0.02)
      guard coding.nibbleStride > 0 else { return }
      let nibbles = CodeTable(rows: 200, nibblesOf: coding)
      nibbles.encodeNibbles(vectors, by: coding)
      #expect(worst(nibbles.keys(coding.nibbleQuery(buffer), rows: rows), nibbles: true) < 0.08)
    }

    @Test(arguments: Metric.allCases, [false, true])
    func `tells the key of an estimated order`(metric: Metric, nibbles: Bool) {
      var random = SeededGenerator(seed: 31)
      let coding = Coding(metric: metric, dimension: 300, seed: 5)
      let buffer = CodeQueryBuffer(stride: coding.queryStride)
      coding.encodeQuery(Self.gaussian(300, &random).span, into: buffer)
      let query = nibbles ? coding.nibbleQuery(buffer) : buffer.query
      for _ in 0..<200 {
        let order = Float.random(in: metric == .dot ? -300...300 : 0...2, using: &random)
        let key = coding.key(ofEstimatedOrder: order, query: query, nibbles: nibbles)
        let own = coding.estimatedOrder(ofKey: key, query: query, nibbles: nibbles)
        let next = coding.estimatedOrder(ofKey: key + 1, query: query, nibbles: nibbles)
        let rounding = 0.0001 * max(1, abs(query.norm2))
        #expect(own <= order + rounding && order <= next + rounding, "\(own) \(order) \(next)")
      }
      let most = coding.key(ofEstimatedOrder: .infinity, query: query, nibbles: nibbles)
      #expect(most == .max)
    }

    /// Rows at all distances from the query, the query itself among them, of many lengths except under
    /// cosine.
    @Test(
      arguments: Metric.allCases.flatMap { [($0, Coding.Rounding.nearest), ($0, .keepingLength)] },
      [64, 100, 384, 1000]
    )
    func `is never off by more than its margin`(
      kind: (metric: Metric, rounding: Coding.Rounding),
      dimension: Int
    ) {
      let metric = kind.metric
      var random = SeededGenerator(seed: 37)
      let coding = Coding(
        metric: metric,
        dimension: dimension,
        seed: 5,
        rounding: kind.rounding
      )
      let exact = FullPrecision(metric: metric, element: .float32, dimension: dimension)
      for round in 0..<20 {
        let query = Self.gaussian(dimension, &random)
        let vectors = (0..<100).map { row in
          zip(query, Self.gaussian(dimension, &random)).map {
            ($0 + 0.02 * Float(row) * $1) * (1 + 0.1 * Float(round))
          }
        }
        let table = CodeTable(rows: 100, stride: coding.stride, metric: metric)
        table.encode(vectors, by: coding)
        let buffer = CodeQueryBuffer(stride: coding.queryStride)
        coding.encodeQuery(query.span, into: buffer)
        let prepared = exact.prepare(query.span)
        var distances = [Float](repeating: 0, count: 100)
        vectors.flatMap { $0 }.withUnsafeBytes { raw in
          exact.distances(
            prepared,
            base: raw.baseAddress!,
            stride: dimension * 4,
            count: 100,
            after: nil,
            into: &distances
          )
        }
        let rows = Array(UInt32(0)..<100)
        let aux = metric == .cosine ? [] : rows.map { table.aux(Int($0)).pointee }
        let bytes = Coding.Extremes.bytes(
          step: aux.map(\.scale).max() ?? 1,
          norm2: aux.map(\.norm2).max() ?? 1
        )
        let lengths = Coding.Extremes.nibbles(length: Float(vectors.map(Self.norm).max()!))
        func expect(_ keys: [UInt32], nibbles: Bool) {
          let query = nibbles ? coding.nibbleQuery(buffer) : buffer.query
          for (key, distance) in zip(keys, distances) {
            let order = coding.order(ofDistance: distance)
            let margin = coding.margin(
              query: query,
              extremes: nibbles ? lengths : bytes,
              order: order
            )
            let estimate = coding.estimatedOrder(ofKey: key, query: query, nibbles: nibbles)
            #expect(abs(estimate - order) <= margin, "\(round)")
          }
        }
        expect(table.keys(buffer.query, rows: rows), nibbles: false)
        guard coding.nibbleStride > 0 else { continue }
        guard metric == .cosine || kind.rounding == .keepingLength else { continue }
        let nibbles = CodeTable(rows: 100, nibblesOf: coding)
        nibbles.encodeNibbles(vectors, by: coding)
        expect(nibbles.keys(coding.nibbleQuery(buffer), rows: rows), nibbles: true)
      }
    }

    /// 2000 rows around 40 centres, 50 queries: the exact nearest 10 against the first 10 and the
    /// first 20 by code.
    @Test(arguments: Metric.allCases, [96, 384])
    func `keeps the order of distances`(metric: Metric, dimension: Int) {
      var random = SeededGenerator(seed: 23)
      let centres = (0..<40).map { _ in Self.gaussian(dimension, &random) }
      func draw() -> [Float] {
        let centre = centres[Int.random(in: 0..<40, using: &random)]
        return zip(centre, Self.gaussian(dimension, &random)).map { $0 + 0.5 * $1 }
      }
      let vectors = (0..<2000).map { _ in draw() }
      let coding = Coding(metric: metric, dimension: dimension, seed: 99)
      let table = CodeTable(rows: 2000, stride: coding.stride, metric: metric)
      table.encode(vectors, by: coding)
      let flat = vectors.flatMap { $0 }
      let exact = FullPrecision(metric: metric, element: .float32, dimension: dimension)
      let buffer = CodeQueryBuffer(stride: coding.stride)
      var foundIn10 = 0
      var foundIn20 = 0
      for _ in 0..<50 {
        let query = draw()
        coding.encodeQuery(query.span, into: buffer)
        let keys = table.keys(buffer.query, rows: Array(0..<2000))
        var distances = [Float](repeating: 0, count: 2000)
        flat.withUnsafeBytes { raw in
          guard let base = raw.baseAddress else { return }
          exact.distances(
            exact.prepare(query.span),
            base: base,
            stride: dimension * 4,
            count: 2000,
            after: nil,
            into: &distances
          )
        }
        let byCode = (0..<2000).sorted { keys[$0] < keys[$1] }
        let nearest = Set((0..<2000).sorted { distances[$0] < distances[$1] }.prefix(10))
        foundIn10 += nearest.intersection(byCode.prefix(10)).count
        foundIn20 += nearest.intersection(byCode.prefix(20)).count
      }
      #expect(foundIn10 >= 450, "recall of 10 by code alone: \(foundIn10) of 500")
      #expect(foundIn20 >= 498, "recall of 10 in the first 20 by code: \(foundIn20) of 500")
    }

    /// The product of a code with its own row, over the row's squared length: what rounding does to it would
    /// else be of the size of what it does to any product.
    @Test(arguments: [Metric.cosine, .dot], [64, 100, 384, 1000])
    func `keeps lengths`(metric: Metric, dimension: Int) {
      var random = SeededGenerator(seed: 41)
      let coding = Coding(metric: metric, dimension: dimension, seed: 5)
      for _ in 0..<50 {
        let vector = Self.gaussian(dimension, &random)
        let table = CodeTable(rows: 1, stride: coding.stride, metric: metric)
        table.encode([vector], by: coding)
        let code = (0..<coding.stride).map { Float(Int(table.code(0)[$0]) - 128) }
        let rotated = coding.rotate(vector)
        let steps = Float(coding.stride).squareRoot() / Float(Self.norm(vector)) * 127 / 4
        let step = metric == .cosine ? 1 / steps : table.aux(0).pointee.scale
        let squared = Self.dot(rotated, rotated)
        let product = Self.dot(rotated, code) * Double(step)
        #expect(abs(product / squared - 1) < 1e-4, "\(product) \(squared)")
        guard coding.nibbleStride > 0 else { continue }
        let nibbles = CodeTable(rows: 1, stride: coding.nibbleStride, metric: .cosine)
        coding.packNibbles(table.code(0), count: 1, into: nibbles.code(0))
        let levels = (0..<coding.stride).map { i in
          let byte = nibbles.code(0)[i / 128 * 64 + i % 64]
          return (Float(i & 64 == 0 ? byte & 15 : byte >> 4) - 7.5) * 10.64
        }
        #expect(abs(Self.dot(rotated, levels) * Double(step) / squared - 1) < 2e-3)
      }
    }

    @Test func `knows the length of a code under l2`() {
      var random = SeededGenerator(seed: 43)
      let coding = Coding(metric: .l2, dimension: 100, seed: 5)
      let table = CodeTable(rows: 1, stride: coding.stride, metric: .l2)
      table.encode([Self.gaussian(100, &random)], by: coding)
      let scale = Double(table.aux(0).pointee.scale)
      let code = (0..<coding.stride).map { Float(Int(table.code(0)[$0]) - 128) }
      let squared = Self.dot(code, code) * scale * scale
      #expect(abs(Double(table.aux(0).pointee.norm2) / squared - 1) < 1e-5)
    }

    /// Neighbours at 0.2 to 4 % of the query's length: without lengths kept, what rounding does to a product
    /// is larger than what tells the nearest apart.
    @Test(arguments: Metric.allCases.filter { $0 != .dot }, [128, 384])
    func `tells near neighbours apart`(metric: Metric, dimension: Int) {
      var random = SeededGenerator(seed: 47)
      func found(_ rounding: Coding.Rounding) -> Int {
        let coding = Coding(metric: metric, dimension: dimension, seed: 5, rounding: rounding)
        let query = Self.gaussian(dimension, &random)
        // The further down, the farther from the query: 0.2 % of its length to 4 %.
        let vectors = (1...100).map { row in
          zip(query, Self.gaussian(dimension, &random)).map { $0 + 0.0004 * Float(row + 4) * $1 }
        }
        let table = CodeTable(rows: 100, stride: coding.stride, metric: metric)
        table.encode(vectors, by: coding)
        let buffer = CodeQueryBuffer(stride: coding.queryStride)
        coding.encodeQuery(query.span, into: buffer)
        let keys = table.keys(buffer.query, rows: Array(0..<100))
        return (0..<100).sorted { keys[$0] < keys[$1] }.prefix(20).count { $0 < 25 }
      }
      #expect(found(.keepingLength) >= 18)
      #expect(found(.nearest) < 18)
    }

    @Test(arguments: ElementType.allCases)
    func `codes rows of any element type as their floats`(element: ElementType) {
      var random = SeededGenerator(seed: 31)
      let floats = (0..<300).map { _ in Float(Int.random(in: -128...127, using: &random)) }
      let rows = Kernels.`Distances in full precision`.Rows([floats], element: element)
      let coding = Coding(metric: .l2, dimension: 300, seed: 3)
      let table = CodeTable(rows: 2, stride: coding.stride, metric: .l2)
      table.encode([floats], by: coding)
      rows.bytes.withUnsafeBytes { raw in
        guard let base = raw.baseAddress else { return }
        coding.encodeRows(
          from: base + 2,
          element: element,
          rowStride: rows.stride,
          count: 1,
          codes: table.code(1),
          aux: table.aux(1)
        )
      }
      #expect((0..<coding.stride).allSatisfy { table.code(0)[$0] == table.code(1)[$0] })
      #expect(table.aux(0).pointee.scale == table.aux(1).pointee.scale)
      #expect(table.aux(0).pointee.norm2 == table.aux(1).pointee.norm2)
    }

    /// Each vector's code, followed by the bits of its aux.
    private func coded(_ vectors: [[Float]], by coding: Coding) -> [[UInt8]] {
      let table = CodeTable(rows: vectors.count, stride: coding.stride, metric: coding.metric)
      table.encode(vectors, by: coding)
      return vectors.indices.map { row in
        Array(UnsafeBufferPointer(start: table.code(row), count: coding.stride))
          + Array(UnsafeRawBufferPointer(start: table.aux(row), count: 8))
      }
    }
  }
}
