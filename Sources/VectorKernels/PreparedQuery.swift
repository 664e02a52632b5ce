internal import CVectorKernels

/// A query ready for distances in full precision, made by `FullPrecision.prepare`.
///
/// Safe: the memory behind the pointers is its own and never changes after initialisation.
@safe
package final class PreparedQuery: @unchecked Sendable {
  /// The kernels it was prepared for.
  package let kernels: FullPrecision
  let pointer: UnsafeMutablePointer<vk_vector_query>
  private let values: UnsafeMutablePointer<Float>
  private let bytes: UnsafeMutablePointer<Int8>

  init(_ kernels: FullPrecision, _ query: UnsafeBufferPointer<Float>) {
    self.kernels = kernels
    unsafe pointer = .allocate(capacity: 1)
    unsafe values = .allocate(capacity: kernels.dimension)
    unsafe bytes = .allocate(capacity: kernels.dimension)
    _ = unsafe UnsafeMutableBufferPointer(start: values, count: kernels.dimension)
      .initialize(from: query)
    unsafe vk_vector_query_prepare(
      Int32(kernels.metric.rawValue),
      Int32(kernels.element.rawValue),
      values,
      UInt32(kernels.dimension),
      bytes,
      pointer
    )
  }

  deinit {
    unsafe pointer.deallocate()
    unsafe values.deallocate()
    unsafe bytes.deallocate()
  }
}
