internal import CVectorKernels

/// Changes of element type, and checks of vectors before they are stored.
///
/// Sources need no alignment. Nothing is allocated.
package enum Conversion {
  /// Widens `count` components of any element type to floats; exact.
  package static func toFloat32(
    _ source: UnsafeRawPointer,
    element: ElementType,
    count: Int,
    into target: UnsafeMutablePointer<Float>
  ) {
    unsafe vk_to_f32(Int32(element.rawValue), source, target, count)
  }

  /// Rounds `count` floats to halves, ties to even; what is too large becomes infinite.
  package static func toFloat16(
    _ source: UnsafeRawPointer,
    count: Int,
    into target: UnsafeMutablePointer<UInt16>
  ) {
    unsafe vk_f32_to_f16(source, target, count)
  }

  /// Rounds `count` doubles to floats, ties to even; what is too large becomes infinite.
  package static func float64ToFloat32(
    _ source: UnsafeRawPointer,
    count: Int,
    into target: UnsafeMutablePointer<Float>
  ) {
    unsafe vk_f64_to_f32(source, target, count)
  }

  /// Widens `count` unsigned bytes to floats; exact.
  package static func unsignedBytesToFloat32(
    _ source: UnsafeRawPointer,
    count: Int,
    into target: UnsafeMutablePointer<Float>
  ) {
    unsafe vk_u8_to_f32(source, target, count)
  }

  /// Whether no component is infinite or NaN.
  package static func isFinite(
    _ source: UnsafeRawPointer,
    element: ElementType,
    count: Int
  ) -> Bool {
    switch element {
    case .float32: unsafe vk_all_finite_f32(source, count) != 0
    case .float16: unsafe vk_all_finite_f16(source, count) != 0
    case .int8: true
    }
  }

  /// The squared Euclidean length of `count` floats, the same to the bit on every machine.
  package static func squaredNorm(_ values: UnsafePointer<Float>, count: Int) -> Float {
    unsafe vk_squared_norm_f32(values, count)
  }
}
