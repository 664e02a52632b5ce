import CVectorKernels
import TestSupport
import Testing
import VectorKernels

extension Kernels {
  @Suite struct `Distances in full precision` {
    /// Rows of one element type in memory, each starting at an odd multiple of two bytes.
    struct Rows {
      let element: ElementType
      let stride: Int
      let count: Int
      var bytes: [UInt8]

      init(_ vectors: [[Float]], element: ElementType) {
        self.element = element
        count = vectors.count
        let used = (vectors.first?.count ?? 0) * element.bytes
        stride = (used + 1) / 2 * 2 + 2
        bytes = [UInt8](repeating: 0x7F, count: 2 + stride * count)
        for (row, vector) in vectors.enumerated() {
          var halves = [UInt16](repeating: 0, count: vector.count)
          vk_f32_to_f16(vector, &halves, vector.count)
          for (i, value) in vector.enumerated() {
            let at = 2 + row * stride + i * element.bytes
            bytes.withUnsafeMutableBytes { raw in
              switch element {
              case .float32: raw.storeBytes(of: value, toByteOffset: at, as: Float.self)
              case .float16: raw.storeBytes(of: halves[i], toByteOffset: at, as: UInt16.self)
              case .int8: raw.storeBytes(of: Int8(value), toByteOffset: at, as: Int8.self)
              }
            }
          }
        }
      }

      /// Distances by the strided form, and by the form of addresses: the same, and the same as of rows that
      /// are said to be in a cache.
      func distances(_ kernels: FullPrecision, _ query: [Float]) -> (scan: [Float], list: [Float]) {
        let prepared = kernels.prepare(query.span)
        var scan = [Float](repeating: .nan, count: count)
        var list = scan
        bytes.withUnsafeBytes { raw in
          guard let base = raw.baseAddress.map({ $0 + 2 }) else { return }
          kernels.distances(
            prepared,
            base: base,
            stride: stride,
            count: count,
            after: base,
            into: &scan
          )
          var cached = list
          kernels.distances(
            prepared,
            base: base,
            stride: stride,
            count: count,
            after: nil,
            into: &cached
          )
          #expect(cached.elementsEqual(scan) { $0 == $1 || ($0.isNaN && $1.isNaN) })
          // Backwards, so that a row has another place among the four.
          let addresses = (0..<count).reversed().map { base + $0 * stride }
          kernels.distances(prepared, rowAddresses: addresses, count: count, into: &list)
        }
        return (scan, list.reversed())
      }
    }

    static func vector(_ dimension: Int, whole: Bool, _ random: inout SeededGenerator) -> [Float] {
      (0..<dimension).map { _ in
        whole
          ? Float(Int.random(in: -128...127, using: &random))
          : Float.random(in: -1...1, using: &random)
      }
    }

    /// A distance's error is at most 2e-6 of the lengths involved (of 2 for a cosine).
    @Test(arguments: InstructionSet.available, Metric.allCases)
    func `agree with sums in doubles`(set: InstructionSet, metric: Metric) {
      for element in ElementType.allCases {
        for wholeQuery in element == .int8 ? [true, false] : [false] {
          for dimension in Kernels.lengths {
            var random = SeededGenerator(seed: UInt64(dimension))
            let kernels = FullPrecision(metric: metric, element: element, dimension: dimension)
            let query = Self.vector(dimension, whole: wholeQuery, &random)
            for count in [1, 2, 3, 4, 5, 9] {
              let rows = Rows(
                (0..<count).map { _ in Self.vector(dimension, whole: element == .int8, &random) },
                element: element
              )
              let expected = InstructionSet.withForced(.scalar) { rows.distances(kernels, query) }
              let actual = InstructionSet.withForced(set) { rows.distances(kernels, query) }
              #expect(actual.scan == actual.list)
              #expect(expected.scan == expected.list)
              let length = query.reduce(0) { $0 + $1 * $1 }.squareRoot()
              let rowLength = (element == .int8 ? 100 : 1) * Float(dimension).squareRoot()
              let unit: Float =
                switch metric {
                case .cosine: 2
                case .dot: length * rowLength
                case .l2: length + rowLength
                }
              for (a, e) in zip(actual.scan, expected.scan) {
                #expect(abs(a - e) <= 2e-6 * unit, "\(element) \(dimension): \(a) for \(e)")
                if wholeQuery && metric != .cosine { #expect(a == e) }
              }
            }
          }
        }
      }
    }

    @Test(arguments: InstructionSet.available)
    func `have the stated values on small vectors`(set: InstructionSet) {
      for element in ElementType.allCases {
        let rows = Rows([[3, 4], [0, 0], [-3, -4], [4, -3]], element: element)
        InstructionSet.withForced(set) {
          func distances(_ metric: Metric) -> [Float] {
            let kernels = FullPrecision(metric: metric, element: element, dimension: 2)
            return rows.distances(kernels, [3, 4]).scan
          }
          #expect(distances(.cosine) == [0, 1, 2, 1])
          #expect(distances(.dot) == [-25, 0, 25, 0])
          #expect(distances(.l2) == [0, 5, 10, Float(50).squareRoot()])
          let kernels = FullPrecision(metric: .cosine, element: element, dimension: 2)
          #expect(rows.distances(kernels, [0, 0]).scan == [1, 1, 1, 1])
        }
      }
    }

    @Test(arguments: InstructionSet.available)
    func `survive lengths that floats cannot carry`(set: InstructionSet) {
      for size in [0x1p-140, 1e-30, 1e20, 3e38] as [Float] {
        let rows = Rows([[size, 0, 0], [0, size, 0], [-size, 0, 0]], element: .float32)
        InstructionSet.withForced(set) {
          for query in [[size, 0, 0], [1, 0, 0]] as [[Float]] {
            let cosine = FullPrecision(metric: .cosine, element: .float32, dimension: 3)
            #expect(rows.distances(cosine, query).scan == [0, 1, 2])
          }
          let l2 = FullPrecision(metric: .l2, element: .float32, dimension: 3)
          let distances = rows.distances(l2, [size / 2, 0, 0]).scan
          #expect(abs(distances[0] / (size / 2) - 1) < 1e-3)
        }
      }
    }

    @Test(arguments: InstructionSet.available)
    func `of extreme bytes are exact up to 65536 components`(set: InstructionSet) {
      let dimension = 65536
      let low = [Float](repeating: -128, count: dimension)
      let high = [Float](repeating: 127, count: dimension)
      let rows = Rows([low, high], element: .int8)
      InstructionSet.withForced(set) {
        let dot = FullPrecision(metric: .dot, element: .int8, dimension: dimension)
        #expect(rows.distances(dot, low).scan == [-1_073_741_824, 1_065_353_216])
        let l2 = FullPrecision(metric: .l2, element: .int8, dimension: dimension)
        #expect(rows.distances(l2, low).scan == [0, 65280])
        let cosine = FullPrecision(metric: .cosine, element: .int8, dimension: dimension)
        #expect(rows.distances(cosine, low).scan == [0, 2])
      }
    }
  }
}
