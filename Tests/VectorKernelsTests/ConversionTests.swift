import CVectorKernels
import TestSupport
import Testing
import VectorKernels

extension Kernels {
  @Suite struct `Changes of element type` {
    @Test(arguments: InstructionSet.available)
    func `widen every half as IEEE says, and bring it back`(set: InstructionSet) {
      let halves = (0...UInt16.max).map { $0 }
      InstructionSet.withForced(set) {
        let floats = widened(halves)
        let back = rounded(floats)
        var wrong = 0
        for half in halves {
          let i = Int(half)
          let exponent = Int(half >> 10) & 31
          let fraction = Double(half & 1023)
          let sign: Double = half >> 15 == 0 ? 1 : -1
          if exponent == 31 && fraction != 0 {
            // A NaN keeps its sign and payload and is quiet.
            wrong += floats[i].isNaN && !floats[i].isSignalingNaN ? 0 : 1
            wrong += back[i] == half | 0x0200 ? 0 : 1
          } else {
            let magnitude =
              exponent == 31
              ? Double.infinity
              : exponent == 0
                ? fraction * 0x1p-24 : (1 + fraction / 1024) * power(exponent - 15)
            wrong += Double(floats[i]) == sign * magnitude ? 0 : 1
            wrong += floats[i].sign == (sign < 0 ? .minus : .plus) ? 0 : 1
            wrong += back[i] == half ? 0 : 1
          }
        }
        #expect(wrong == 0)
      }
    }

    @Test(arguments: InstructionSet.available, [1, 2] as [UInt64])
    func `round floats to halves as the scalar definition does`(set: InstructionSet, seed: UInt64) {
      var random = SeededGenerator(seed: seed)
      var floats = (0..<200_003).map { _ in
        Float(bitPattern: UInt32(truncatingIfNeeded: random.next()))
      }
      // Most random patterns are out of a half's range; these are in it, ties among them.
      floats += (0..<200_000).map { _ in
        Float(bitPattern: UInt32.random(in: 0x3300_0000...0x4790_0000, using: &random) & ~0xFFF)
      }
      floats += [
        65504, 65519.996, 65520, -65520, 0x1p-24, 0x1p-25, 0x1.000002p-25, -0.0, .infinity,
      ]
      let expected = InstructionSet.withForced(.scalar) { rounded(floats) }
      #expect(
        expected.suffix(9) == [
          0x7BFF, 0x7BFF, 0x7C00, 0xFC00, 1, 0, 1, 0x8000, 0x7C00,
        ]
      )
      #expect(InstructionSet.withForced(set) { rounded(floats) } == expected)
      for count in 0...70 {
        let some = Array(floats[..<count])
        #expect(InstructionSet.withForced(set) { rounded(some) } == Array(expected[..<count]))
      }
    }

    @Test func `of the scalar definition to halves are to the nearest, ties to even`() {
      let halves = InstructionSet.withForced(.scalar) { widened(Array(0...0x7BFF)) }
      var wrong = 0
      for i in 0..<0x7BFF {
        let low = halves[i]
        let high = halves[i + 1]
        let middle = (low + high) / 2
        let even = UInt16(i % 2 == 0 ? i : i + 1)
        let cases = InstructionSet.withForced(.scalar) {
          rounded([middle, middle.nextDown, middle.nextUp])
        }
        wrong += cases == [even, UInt16(i), UInt16(i + 1)] ? 0 : 1
      }
      #expect(wrong == 0)
    }

    @Test func `of doubles and bytes are those of the language`() {
      let doubles: [Double] = [0, -0.0, 1 / 3, 1e300, -1e300, 1e-46, 0x1p-149, .infinity]
      let bytes = Array(UInt8.min...UInt8.max)
      #expect(
        converted(doubles.count) {
          Conversion.float64ToFloat32(doubles, count: doubles.count, into: $0)
        }
          == doubles.map { Float($0) }
      )
      #expect(
        converted(256) { Conversion.unsignedBytesToFloat32(bytes, count: 256, into: $0) }
          == bytes.map { Float($0) }
      )
      #expect(
        converted(256) { Conversion.toFloat32(bytes, element: .int8, count: 256, into: $0) }
          == bytes.map { Float(Int8(bitPattern: $0)) }
      )
    }

    @Test(arguments: Kernels.lengths)
    func `find the one component that is not finite`(length: Int) {
      var floats = [Float](repeating: .greatestFiniteMagnitude, count: length)
      var halves = [UInt16](repeating: 0xFBFF, count: length)
      #expect(vk_all_finite_f32(floats, length) == 1)
      #expect(vk_all_finite_f16(halves, length) == 1)
      for bad in [Float.infinity, -.infinity, .nan] {
        floats[length - 1] = bad
        #expect(vk_all_finite_f32(floats, length) == 0)
      }
      for bad in [0x7C00, 0xFC00, 0x7E01, 0x7C01] as [UInt16] {
        halves[length - 1] = bad
        #expect(vk_all_finite_f16(halves, length) == 0)
      }
    }

    private func power(_ exponent: Int) -> Double {
      Double(sign: .plus, exponent: exponent, significand: 1)
    }

    private func widened(_ halves: [UInt16]) -> [Float] {
      converted(halves.count) { vk_f16_to_f32(halves, $0, halves.count) }
    }

    private func rounded(_ floats: [Float]) -> [UInt16] {
      [UInt16](unsafeUninitializedCapacity: floats.count + 1) { target, count in
        if let base = target.baseAddress { vk_f32_to_f16(floats, base, floats.count) }
        count = floats.count
      }
    }

    private func converted(_ count: Int, _ body: (UnsafeMutablePointer<Float>) -> Void) -> [Float] {
      [Float](unsafeUninitializedCapacity: count + 1) { target, initialized in
        if let base = target.baseAddress { body(base) }
        initialized = count
      }
    }
  }
}
