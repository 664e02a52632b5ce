/// The nodes whose records a builder changed, for a log of changes or to know which blocks to write.
package struct GraphChanges: Sendable, Hashable {
  /// For each layer the changed or new nodes in rising order.
  package let layers: [[UInt32]]

  /// Whether nothing changed.
  package var isEmpty: Bool { layers.allSatisfy(\.isEmpty) }

  /// The blocks of a layer that hold changed nodes, in rising order.
  ///
  /// O(changes).
  package func blocks(of layer: Int, shape: LayerShape) -> [Int] {
    var blocks: [Int] = []
    for node in layers[layer] {
      let block = Int(node >> shape.shift)
      if blocks.last != block { blocks.append(block) }
    }
    return blocks
  }
}
