/// How a component of a stored vector is written; the raw value is what the store writes.
package enum ElementType: UInt8, Sendable, CaseIterable {
  case float32 = 0
  case float16 = 1
  case int8 = 2

  /// Bytes of one component.
  package var bytes: Int {
    switch self {
    case .float32: 4
    case .float16: 2
    case .int8: 1
    }
  }
}
