/// The rows of an upper layer's nodes, side by side: a walk that learned them from the nodes' records would
/// read a cache line for each neighbour that it does not go to.
///
/// Safe: a builder writes beyond what the layers that it published may read, and no one else writes.
@safe final class RowNumbers: @unchecked Sendable {
  let numbers: UnsafeMutablePointer<UInt32>
  let capacity: Int

  init(capacity: Int) {
    self.capacity = capacity
    unsafe numbers = .allocate(capacity: max(1, capacity))
  }

  /// Room for twice as many, the first `count` of which are copied.
  convenience init(growing other: RowNumbers, count: Int) {
    self.init(capacity: max(64, 2 * other.capacity))
    unsafe numbers.initialize(from: other.numbers, count: count)
  }

  /// Those of the first nodes of a layer, as their records say.
  convenience init(of layer: LayerView, capacity: Int) {
    self.init(capacity: max(capacity, Int(layer.count)))
    for node in 0..<layer.count { unsafe numbers[Int(node)] = layer.record(node)[1] }
  }

  deinit { unsafe numbers.deallocate() }
}
