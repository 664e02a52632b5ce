import TestSupport
import Testing
import VectorKernels

/// All suites of the kernels, one test after another: each forces the process's instruction set.
@Suite(.serialized) struct Kernels {
  /// Lengths on both sides of the widths of vectors and cache lines.
  static let lengths = [
    1, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129, 384, 768, 1000, 1536,
  ]
}

extension InstructionSet {
  /// Runs `body` with this instruction set and restores the one in use before.
  static func withForced<Result>(
    _ set: InstructionSet,
    _ body: () throws -> Result
  ) rethrows
    -> Result
  {
    let before = InstructionSet.current
    InstructionSet.force(set)
    defer { InstructionSet.force(before) }
    return try body()
  }
}
