import Synchronization

/// One immutable version of the graph: what a snapshot holds and queries search.
///
/// Made by `GraphBuilder.publish()` or `Graph.Loader`; versions share the blocks that do not differ.
/// Nodes of layer 0 are the rows 0, 1, … `linkedCount` - 1 of the collection.
///
/// Safe: views are filled once, and what they point at lives as long as the layers or the listing.
@safe package final class Graph: @unchecked Sendable {
  /// The greatest number of layers; with one row in sixteen kept per level, 8 would hold 2^31 rows.
  package static let layerLimit = 12
  /// The greatest number of rows: a candidate's number shares its word with a mark.
  package static let rowLimit = UInt32(Int32.max)

  /// What the graph was built with.
  package let parameters: Parameters
  /// The layers, rows first; empty for an empty graph.
  ///
  /// The entry point is node 0 of the last one.
  package let layers: [GraphLayer]
  /// The number of rows in the graph.
  package let linkedCount: UInt32
  private let views: UnsafeMutablePointer<LayerView>
  /// What `listRows` made: a listing retained by the graph.
  private let listing = unsafe Atomic<UnsafeRawPointer?>(nil)

  init(parameters: Parameters, layers: [GraphLayer]) {
    self.parameters = parameters
    self.layers = layers
    linkedCount = layers.first?.count ?? 0
    unsafe views = .allocate(capacity: max(1, layers.count))
    for (index, layer) in layers.enumerated() {
      unsafe (views + index).initialize(to: layer.view)
    }
  }

  /// A graph of no rows.
  package convenience init(empty parameters: Parameters) {
    self.init(parameters: parameters, layers: [])
  }

  deinit {
    unsafe views.deallocate()
    unsafe listing.load(ordering: .acquiring).map {
      unsafe Unmanaged<Listing>.fromOpaque($0).release()
    }
  }

  var view: GraphView {
    let listing = unsafe listing.load(ordering: .acquiring)
    let views =
      unsafe listing.map {
        unsafe Unmanaged<Listing>.fromOpaque($0)._withUnsafeGuaranteedRef { unsafe $0.views }
      } ?? views
    return unsafe GraphView(layers: views, layerCount: layers.count)
  }

  /// The layers with the rows of their nodes side by side.
  ///
  /// Safe: filled once.
  @safe private final class Listing {
    let views: UnsafeMutablePointer<LayerView>
    private let rowNumbers: [RowNumbers]

    init(_ layers: [GraphLayer]) {
      unsafe views = .allocate(capacity: max(1, layers.count))
      var lists: [RowNumbers] = []
      for (index, layer) in layers.enumerated() {
        let rows = index == 0 ? nil : RowNumbers(of: layer.view, capacity: 0)
        unsafe (views + index).initialize(to: layer.view(rows))
        if let rows { lists.append(rows) }
      }
      rowNumbers = lists
    }

    deinit { unsafe views.deallocate() }
  }

  /// Whether walks find the rows of upper nodes side by side.
  package var hasListedRows: Bool {
    let view = self.view
    return (1..<max(1, view.layerCount)).allSatisfy { unsafe view.layers[$0].rows != nil }
  }

  /// Lists the rows of all nodes above layer 0, so that walks need not read a record to learn one.
  ///
  /// For graphs that were loaded, once all their numbers are known to be valid; others have the lists. May be
  /// called while the graph is searched. O(nodes above layer 0).
  package func listRows() {
    if hasListedRows { return }
    let made = unsafe Unmanaged.passRetained(Listing(layers))
    let (exchanged, _) = unsafe listing.compareExchange(
      expected: nil,
      desired: UnsafeRawPointer(made.toOpaque()),
      ordering: .acquiringAndReleasing
    )
    if !exchanged { unsafe made.release() }
  }

  /// Whether the numbers before the lists of an upper layer's nodes lead to nodes and rows that there are.
  ///
  /// Memory safety rests on it. Always so in layer 0, where there are no such numbers. O(nodes).
  package func hasValidNumbers(_ nodes: Range<UInt32>, layer: Int) -> Bool {
    layer == 0 || firstBadNumber(in: nodes, layer: layer) == nil
  }

  func firstBadNumber(in nodes: Range<UInt32>, layer: Int) -> UInt32? {
    let view = layers[layer].view
    let (below, rows) = (layers[layer - 1].count, linkedCount)
    for node in nodes.clamped(to: 0..<view.count) {
      let record = unsafe view.record(node)
      guard unsafe record[0] < below, unsafe record[1] < rows else { return node }
    }
    return nil
  }

  /// A hash of counts and lists: equal graphs have equal hashes, on every machine.
  ///
  /// O(bytes).
  ///
  /// The last records' unused words are part of it, blocks and memory are not.
  package func contentHash() -> UInt64 {
    var hash: UInt64 = 0x9E37_79B9_7F4A_7C15
    func mix(_ word: UInt64) {
      hash = (hash ^ word) &* 0xFF51_AFD7_ED55_8CCD
      hash ^= hash >> 32
    }
    for layer in layers {
      mix(UInt64(layer.count))
      for node in 0..<layer.count {
        let record = unsafe layer.view.record(node)
        for word in 0..<layer.shape.strideWords { unsafe mix(UInt64(record[word])) }
      }
    }
    return hash
  }
}

/// The layers of a graph as raw memory, for the hot loops; whoever makes one keeps it alive.
@safe struct GraphView {
  let layers: UnsafePointer<LayerView>
  let layerCount: Int
}
