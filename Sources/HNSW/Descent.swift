import CVectorKernels

/// The way of one query from the top layer down to the base layer (paper, algorithm 2 with ef = 1), in
/// steps between which others may take theirs.
///
/// Each step ends where it would wait for memory, having asked for it. Takes the same way as
/// `LayerWalk.descend`.
///
/// Safe as long as the scorer is, and with the graph that it was begun with.
@safe struct Descent {
  private enum Step {
    case readLinks
    case readRows
    case score
    case done
  }

  private let scorer: Scorer
  private(set) var place: Place
  private var layer: Int
  private var next = Step.readLinks
  private var nodes: [UInt32] = []
  private var rows: [UInt32] = []
  private var keys: [UInt32] = []

  /// Begins at node 0 of the top layer.
  init(from view: GraphView, scorer: Scorer) {
    self.scorer = scorer
    layer = view.layerCount - 1
    let top = unsafe view.layers[layer]
    place = Place(node: 0, key: scorer.key(of: top.row(0)))
    if layer == 0 { next = .done }
  }

  /// Takes one step; `false` when the base layer has been reached.
  mutating func advance(in view: GraphView) -> Bool {
    switch next {
    case .readLinks: unsafe readLinks(view.layers[layer])
    case .readRows: unsafe readRows(view.layers[layer])
    case .score: unsafe score(view.layers[layer])
    case .done: return false
    }
    return next != .done
  }

  private mutating func readLinks(_ layer: LayerView) {
    nodes.removeAll(keepingCapacity: true)
    let list = unsafe layer.links(place.node)
    for slot in 0..<layer.capacity {
      let node = unsafe list[slot]
      if node >= layer.count { break }
      nodes.append(node)
      unsafe vk_prefetch_lines(layer.record(node), 1)
    }
    next = .readRows
  }

  private mutating func readRows(_ layer: LayerView) {
    rows.removeAll(keepingCapacity: true)
    for node in nodes {
      let row = layer.row(node)
      scorer.prefetch(row)
      rows.append(row)
    }
    next = .score
  }

  private mutating func score(_ layer: LayerView) {
    if keys.count < rows.count { keys = [UInt32](repeating: 0, count: rows.count) }
    unsafe rows.withUnsafeBufferPointer { rows in
      unsafe keys.withUnsafeMutableBufferPointer { keys in
        guard let rows = rows.baseAddress, let target = keys.baseAddress else { return }
        unsafe scorer.score(rows, nodes.count, into: target)
      }
    }
    var best = place
    for (node, key) in zip(nodes, keys) {
      if key < best.key || (key == best.key && node < best.node) {
        best = Place(node: node, key: key)
      }
    }
    next = .readLinks
    if best.node != place.node {
      place = best
      return
    }
    place.node = unsafe layer.record(place.node)[0]
    self.layer -= 1
    if self.layer == 0 { next = .done }
  }
}
