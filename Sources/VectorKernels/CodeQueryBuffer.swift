package import CVectorKernels

/// Memory for a query's code, aligned as the kernels need it and used again for query after query.
///
/// For one thread at a time. Safe: the code's memory is its own, and `query` points only into it.
@safe
package final class CodeQueryBuffer {
  /// Bytes of the code.
  package let stride: Int
  /// The code's memory, `stride` signed bytes, aligned to 64.
  package let code: UnsafeMutablePointer<Int8>
  /// What the kernels take; set by `Coding.encodeQuery` or `load`, valid as long as the buffer.
  package internal(set) var query: vk_code_query

  /// A buffer for codes of `stride` bytes, zero at first.
  package init(stride: Int) {
    precondition(stride > 0 && stride % 64 == 0, "a code has a multiple of 64 bytes, not \(stride)")
    self.stride = stride
    let raw = UnsafeMutableRawPointer.allocate(byteCount: stride, alignment: 64)
    unsafe code = raw.initializeMemory(as: Int8.self, repeating: 0, count: stride)
    unsafe query = unsafe vk_code_query(code: code, bias: 0, scale: 1, norm2: 0, is_narrow: 0)
  }

  deinit { unsafe code.deallocate() }

  /// Makes a row's own code the query, to score rows against it.
  package func load(row: UInt32, of codes: UnsafePointer<vk_codes>) {
    unsafe precondition(
      Int(vk_query_stride(codes)) == stride,
      "a buffer for codes of another stride"
    )
    unsafe vk_query_from_row(codes, row, code, &query)
  }
}
