/// Phase 2: parents and lists of the new nodes, one after the other.
///
/// Slot 0 of each list is the node's parent in a tree over the layer: an earlier node. Links from child
/// to parent and back are never pruned, so every node can be reached from every other one (I6).
extension GraphBuilder {
  /// Writes the drafted nodes of a layer.
  func addNodes(to index: Int) {
    let (layer, draft) = (layers[index], drafts[index])
    layer.grow(by: draft.rows.count)
    let view = layer.view
    for (offset, row) in draft.rows.enumerated() {
      let node = draft.firstNode + UInt32(offset)
      let chosen = unsafe draft.chosen(of: offset)
      let parent = unsafe self.parent(
        of: node,
        among: chosen,
        or: draft.spares(of: offset),
        in: layer
      )
      let record = unsafe view.record(node)
      if index > 0 {
        unsafe record[0] = numberBelow(of: row, in: index)
        layer.setRow(of: node, to: row)
      }
      let list = unsafe record + view.header
      unsafe list[0] = parent
      var count = 1
      for index in chosen.indices {
        let neighbor = unsafe chosen[index]
        if neighbor == parent || count == view.capacity { continue }
        unsafe list[count] = neighbor
        count += 1
      }
    }
  }

  /// The nearest neighbour with room for a child, else a candidate, else the latest node with room.
  ///
  /// The node before has no children when none follows it yet, so the search always ends there at the
  /// latest. Node 0 is its own parent.
  private func parent(
    of node: UInt32,
    among chosen: UnsafeBufferPointer<UInt32>,
    or spares: UnsafeBufferPointer<UInt32>,
    in layer: MutableLayer
  ) -> UInt32 {
    if node == 0 { return 0 }
    let limit = parameters.childLimit
    let parent =
      unsafe chosen.first { layer.childCounts[Int($0)] < limit }
      ?? spares.first { layer.childCounts[Int($0)] < limit }
      ?? node - 1
    layer.addChild(of: parent)
    return parent
  }

  /// The number that a new row has in the layer below `layer`.
  private func numberBelow(of row: UInt32, in layer: Int) -> UInt32 {
    if layer == 1 { return row }
    let below = drafts[layer - 1]
    return below.firstNode + UInt32(below.index(of: row))
  }
}
