internal import CVectorKernels

/// The instruction sets that kernels are written for; `scalar` specifies what the others compute.
package enum InstructionSet: Int32, Sendable, CaseIterable {
  case scalar = 0
  case avx2 = 1
  case avx512 = 2
  case neon = 3

  /// Those that this machine has, `scalar` first.
  package static var available: [InstructionSet] {
    allCases.filter { vk_isa_available($0.rawValue) != 0 }
  }

  /// The one in use: the best available unless another is forced.
  package static var current: InstructionSet {
    InstructionSet(rawValue: vk_isa_current()) ?? .scalar
  }

  /// Makes every kernel of the process use `set`, for tests and measurements.
  ///
  /// - Precondition: `set` is available.
  package static func force(_ set: InstructionSet) {
    precondition(vk_isa_force(set.rawValue) == 0, "this machine lacks \(set)")
  }
}
