package import CVectorKernels

/// Grows a graph row by row number; owned by one indexing thread, which it lets fan out.
///
/// Rows are linked in slices (`Slice`), each in three phases: (1) all workers search the graph as it
/// was before the slice for every new row's neighbours; (2) one thread gives each new node its parent
/// and writes its list; (3) all workers write the links back, grouped by the node that gets them.
/// The graph depends on codes and parameters only, not on the workers, calls and publishes between.
package final class GraphBuilder {
  /// What the graph is built with.
  package let parameters: Parameters
  var layers: [MutableLayer]
  var drafts: [LayerDraft] = []
  var workers: [LinkWorker] = []
  /// Of each layer, in parts that threads group side by side.
  var backLinks: [[BackLinks]] = []

  /// Begins an empty graph.
  package init(parameters: Parameters) {
    self.parameters = parameters
    layers = []
  }

  /// Continues a published or loaded graph, whose blocks are copied when they first change.
  ///
  /// O(nodes), for counting children.
  package init(continuing graph: Graph) {
    parameters = graph.parameters
    layers = graph.layers.map { MutableLayer(continuing: $0) }
  }

  /// The number of rows linked so far.
  package var linkedCount: UInt32 { layers.first?.count ?? 0 }

  /// Links the next rows in whole slices, as far as they end at or before row `end`.
  ///
  /// The rows that remain, fewer than a slice, wait for more to come, so that the outcome does not depend
  /// on when this is called.
  /// - Parameters:
  ///   - end: The row after the last one to link.
  ///   - codes: Codes of at least `end` rows, the same ones for rows linked before.
  ///   - workers: Threads to use, at least 1.
  ///   - includingPartialSlice: Links up to `end` exactly; the graph then depends on this `end` too.
  ///   - shouldStop: Asked before each slice; `true` ends the call.
  /// - Returns: `linkedCount`.
  /// - Complexity: About `efConstruction * m` scores a row.
  @discardableResult
  package func link(
    upTo end: UInt32,
    codes: vk_codes,
    workers: Int = 1,
    includingPartialSlice: Bool = false,
    shouldStop: () -> Bool = { false }
  ) -> UInt32 {
    precondition(end <= Graph.rowLimit, "row \(end) is beyond \(Graph.rowLimit)")
    WorkerTeam.with(workers) { team in
      while linkedCount < end, !shouldStop() {
        let rest = Int(end - linkedCount)
        let size = Slice.size(after: linkedCount)
        if size > rest, !includingPartialSlice { break }
        let slice = Slice(first: linkedCount, count: min(size, rest))
        unsafe link(slice, codes: codes, team: team)
      }
    }
    return linkedCount
  }

  /// The graph as it is now, sharing all memory with the builder until that changes it.
  ///
  /// O(blocks).
  package func publish() -> Graph {
    Graph(parameters: parameters, layers: layers.map { $0.publish() })
  }

  /// The nodes whose records changed since the last call, or since the builder was made.
  package func takeChanges() -> GraphChanges {
    GraphChanges(layers: layers.map { $0.takeChanges() })
  }

  private func link(_ slice: Slice, codes: vk_codes, team: WorkerTeam) {
    while workers.count < team.count { workers.append(LinkWorker(parameters: parameters)) }
    prepareDrafts(slice)
    unsafe searchNeighbors(of: slice, codes: codes, team: team)
    for layer in drafts.indices { addNodes(to: layer) }
    unsafe linkBack(codes: codes, team: team)
  }

  /// Decides which layers the slice's rows are in.
  private func prepareDrafts(_ slice: Slice) {
    var rows: [[UInt32]] = []
    for row in slice.first..<(slice.first + UInt32(slice.count)) {
      let level = parameters.level(of: row)
      while rows.count <= level { rows.append([]) }
      for layer in 0...level { rows[layer].append(row) }
    }
    while layers.count < rows.count {
      layers.append(MutableLayer(shape: LayerShape(layer: layers.count, parameters: parameters)))
    }
    while drafts.count < layers.count {
      drafts.append(LayerDraft(chosenLimit: parameters.m))
    }
    for layer in layers.indices {
      drafts[layer].reset(
        firstNode: layers[layer].count,
        rows: layer < rows.count ? rows[layer] : []
      )
    }
  }
}
