package import CVectorKernels

/// Something wrong with a graph, and where.
package enum GraphProblem: Sendable, Hashable {
  /// A link that is no number of a node of the layer.
  case linkOutOfRange(layer: Int, node: UInt32, link: UInt32)
  /// A link of a node to itself.
  case selfLink(layer: Int, node: UInt32)
  /// The same link twice in one list.
  case duplicateLink(layer: Int, node: UInt32, link: UInt32)
  /// Something other than `LayerShape.none` after the end of a list.
  case wordsAfterEnd(layer: Int, node: UInt32)
  /// A slot 0 that names no earlier node, or for node 0 not itself.
  case badParent(layer: Int, node: UInt32, parent: UInt32)
  /// A parent whose list lacks its child.
  case childMissing(layer: Int, parent: UInt32, child: UInt32)
  /// A link, in slot 1 or later, nearer than the one before it.
  case notSorted(layer: Int, node: UInt32, slot: Int)
  /// A node that cannot be reached from node 0 of its layer.
  case unreachable(layer: Int, node: UInt32)
  /// A node that does not stand for the row that it should, by the levels of the rows.
  case wrongRow(layer: Int, node: UInt32)
  /// A layer with more or fewer nodes than there are rows of its level.
  case wrongCount(layer: Int, count: UInt32, expected: UInt32)
}

/// What a verification saw.
package struct GraphReport: Sendable {
  /// What is wrong, at most `GraphReport.problemLimit` entries.
  package fileprivate(set) var problems: [GraphProblem] = []
  /// For each layer how many nodes have 0, 1, 2, … links.
  package fileprivate(set) var degrees: [[Int]] = []
  /// Problems listed at most: a graph of zeros has too many.
  package static let problemLimit = 1000

  fileprivate mutating func note(_ problem: GraphProblem) {
    if problems.count < Self.problemLimit { problems.append(problem) }
  }
}

extension Graph {
  /// Checks all that is promised of a graph, I6 above all, and finds what damage may have done.
  ///
  /// - Parameter codes: Codes of the linked rows, to check that lists are sorted; `nil` leaves this out.
  /// - Returns: The problems found and the histogram of degrees.
  /// - Complexity: O(links), and as many scores if there are codes.
  package func verify(codes: vk_codes? = nil) -> GraphReport {
    var report = GraphReport()
    verifyRows(&report)
    for layer in layers.indices {
      verifyLists(layer, &report)
      verifyReach(layer, &report)
      if let codes = unsafe codes { unsafe verifyOrder(layer, codes: codes, &report) }
    }
    return report
  }

  /// Upper nodes are the rows of their level in rising order, and name their numbers below.
  private func verifyRows(_ report: inout GraphReport) {
    var next = Array(repeating: UInt32(0), count: Graph.layerLimit)
    for row in 0..<linkedCount {
      let level = parameters.level(of: row)
      var below = row
      for layer in 0...level {
        let node = next[layer]
        next[layer] += 1
        guard layer > 0, layer < layers.count, node < layers[layer].count else { continue }
        let seen = unsafe view.layers[layer]
        let record = unsafe seen.record(node)
        let listed = unsafe seen.rows?[Int(node)] ?? row
        if unsafe record[0] != below || record[1] != row || listed != row {
          report.note(.wrongRow(layer: layer, node: node))
        }
        below = node
      }
    }
    for layer in next.indices {
      let count = layer < layers.count ? layers[layer].count : 0
      if count != next[layer] {
        report.note(.wrongCount(layer: layer, count: count, expected: next[layer]))
      }
    }
  }

  private func verifyLists(_ layer: Int, _ report: inout GraphReport) {
    let view = layers[layer].view
    var degrees = Array(repeating: 0, count: view.capacity + 1)
    var lastSeen = Array(repeating: LayerShape.none, count: Int(view.count))
    for node in 0..<view.count {
      let list = unsafe view.links(node)
      let degree = view.degree(node)
      degrees[degree] += 1
      for slot in 0..<degree {
        let link = unsafe list[slot]
        guard link < view.count else {
          report.note(.linkOutOfRange(layer: layer, node: node, link: link))
          continue
        }
        if link == node {
          if node != 0 || slot != 0 { report.note(.selfLink(layer: layer, node: node)) }
          continue
        }
        if lastSeen[Int(link)] == node {
          report.note(.duplicateLink(layer: layer, node: node, link: link))
        }
        lastSeen[Int(link)] = node
      }
      let words = layers[layer].shape.strideWords - view.header
      if (degree..<words).contains(where: { unsafe list[$0] != LayerShape.none }) {
        report.note(.wordsAfterEnd(layer: layer, node: node))
      }
      verifyParent(of: node, layer: layer, view: view, &report)
    }
    report.degrees.append(degrees)
  }

  private func verifyParent(
    of node: UInt32,
    layer: Int,
    view: LayerView,
    _ report: inout GraphReport
  ) {
    let parent = unsafe view.links(node)[0]
    guard node == 0 ? parent == 0 : parent < node else {
      report.note(.badParent(layer: layer, node: node, parent: parent))
      return
    }
    if node == 0 { return }
    let children = unsafe view.links(parent)
    if !(1..<view.capacity).contains(where: { unsafe children[$0] == node }) {
      report.note(.childMissing(layer: layer, parent: parent, child: node))
    }
  }

  private func verifyReach(_ layer: Int, _ report: inout GraphReport) {
    let view = layers[layer].view
    var isReached = Array(repeating: false, count: Int(view.count))
    var queue: [UInt32] = [0]
    isReached[0] = true
    while let node = queue.popLast() {
      for link in layers[layer].links(of: node) where link < view.count && !isReached[Int(link)] {
        isReached[Int(link)] = true
        queue.append(link)
      }
    }
    for node in 0..<view.count where !isReached[Int(node)] {
      report.note(.unreachable(layer: layer, node: node))
    }
  }

  private func verifyOrder(_ layer: Int, codes: vk_codes, _ report: inout GraphReport) {
    let view = layers[layer].view
    let context = SearchContext()
    var codes = unsafe codes
    let buffer = unsafe context.queryBuffer(stride: Int(vk_query_stride(&codes)))
    defer { withExtendedLifetime(context) {} }
    var query = unsafe vk_code_query()
    for node in 0..<view.count {
      unsafe vk_query_from_row(&codes, view.row(node), buffer, &query)
      let links = layers[layer].links(of: node).dropFirst().filter { $0 < view.count }
      let rows = links.map { view.row($0) }
      var keys = Array(repeating: UInt32(0), count: rows.count)
      unsafe vk_score_codes(&codes, &query, rows, rows.count, &keys)
      for slot in keys.indices.dropFirst()
      where (keys[slot - 1], links[slot - 1]) > (keys[slot], links[slot]) {
        report.note(.notSorted(layer: layer, node: node, slot: slot + 1))
      }
    }
  }
}
