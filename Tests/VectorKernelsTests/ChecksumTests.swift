import TestSupport
import Testing
import VectorKernels

extension Kernels {
  @Suite struct `Checksums of bytes` {
    @Test(arguments: InstructionSet.available)
    func `gives the known values`(set: InstructionSet) {
      InstructionSet.withForced(set) {
        #expect(checksum(Array("123456789".utf8)) == 0xE306_9283)
        #expect(checksum([]) == 0)
        // RFC 3720, B.4.
        #expect(checksum([UInt8](repeating: 0, count: 32)) == 0x8A91_36AA)
        #expect(checksum([UInt8](repeating: 0xFF, count: 32)) == 0x62A8_AB43)
        #expect(checksum(Array(0..<32)) == 0x46DD_794E)
        #expect(checksum(Array((0..<32).reversed())) == 0x113F_DB5C)
      }
    }

    @Test(arguments: InstructionSet.available, [1, 2, 3] as [UInt64])
    func `is the same on every instruction set, however the bytes are split`(
      set: InstructionSet,
      seed: UInt64
    ) {
      var random = SeededGenerator(seed: seed)
      for length in [1, 7, 8, 9, 63, 767, 768, 769, 6143, 6144, 6145, 13000, 40000] {
        let bytes = (0..<length).map { _ in UInt8.random(in: 0...255, using: &random) }
        let expected = InstructionSet.withForced(.scalar) { checksum(bytes) }
        InstructionSet.withForced(set) {
          #expect(checksum(bytes) == expected)
          let split = Int.random(in: 0...length, using: &random)
          let first = checksum(Array(bytes[..<split]))
          #expect(checksum(Array(bytes[split...]), seed: first) == expected)
        }
      }
    }

    private func checksum(_ bytes: [UInt8], seed: UInt32 = 0) -> UInt32 {
      bytes.withUnsafeBytes { Checksum.crc32c($0, seed: seed) }
    }
  }
}
