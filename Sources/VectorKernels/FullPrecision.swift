internal import CVectorKernels

/// Distances from one query to vectors as they are stored.
///
/// This is what ranks the results of a search. A row's distance does not depend on its place in a
/// list nor on which form of `distances` is called; it may differ in the last bits between instruction
/// sets.
package struct FullPrecision: Sendable, Equatable {
  /// What distance means.
  package let metric: Metric
  /// How the rows' components are written.
  package let element: ElementType
  /// Components of a row, 1...65536.
  package let dimension: Int

  /// Kernels for rows of `dimension` components.
  package init(metric: Metric, element: ElementType, dimension: Int) {
    precondition(
      (1...65536).contains(dimension),
      "the dimension is 1...65536, not \(dimension)"
    )
    self.metric = metric
    self.element = element
    self.dimension = dimension
  }

  /// Bytes of one row.
  package var rowBytes: Int { dimension * element.bytes }

  /// Copies a query and works out what does not depend on the row.
  ///
  /// Rows of bytes are compared in integers when every component of `query` is a whole number in
  /// -128...127.
  ///
  /// - Precondition: `query` has `dimension` components.
  package func prepare(_ query: Span<Float>) -> PreparedQuery {
    precondition(
      query.count == dimension,
      "a query of \(query.count) against rows of \(dimension)"
    )
    return unsafe query.withUnsafeBufferPointer { unsafe PreparedQuery(self, $0) }
  }

  /// Writes the distance of each of `count` rows, given by address, to `distances`.
  ///
  /// Rows are `rowBytes` each, of any alignment. A distance is 1 - cosine in 0...2 (1 where a vector
  /// is zero), minus the inner product, or the Euclidean distance.
  ///
  /// - Complexity: O(`count` * `dimension`), no allocation.
  package func distances(
    _ query: PreparedQuery,
    rowAddresses: UnsafePointer<UnsafeRawPointer>,
    count: Int,
    into distances: UnsafeMutablePointer<Float>
  ) {
    assert(query.kernels == self, "a query prepared for other rows")
    unsafe vk_distances_gather(query.pointer, rowAddresses, count, distances)
  }

  /// Writes the distance of each of `count` rows, `stride` bytes apart from `base` on, to `distances`.
  ///
  /// For scans: memory is asked for ahead, in the end from `after` on, where the scan continues. Without that
  /// nothing is asked for: the rows are in a cache.
  package func distances(
    _ query: PreparedQuery,
    base: UnsafeRawPointer,
    stride: Int,
    count: Int,
    after: UnsafeRawPointer?,
    into distances: UnsafeMutablePointer<Float>
  ) {
    assert(query.kernels == self, "a query prepared for other rows")
    unsafe vk_distances_scan(query.pointer, base, stride, count, after, distances)
  }
}
