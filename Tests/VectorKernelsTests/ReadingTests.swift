import CVectorKernels
import Testing
import VectorKernels

extension Kernels {
  @Suite struct `A plain loop over memory` {
    @Test(arguments: InstructionSet.available)
    func `reads every word once`(set: InstructionSet) {
      // Powers of two, of which each sum tells what was read.
      let words = (0..<64).map { UInt64(1) << UInt64($0) }
      for first in 0..<20 {
        for count in 0...(64 - first) {
          let read = InstructionSet.withForced(set) {
            words.withUnsafeBufferPointer { vk_read_sum($0.baseAddress! + first, count) }
          }
          #expect(read == words[first..<(first + count)].reduce(0, +), "\(count) from \(first)")
        }
      }
    }
  }
}
