import CVectorKernels
import Dispatch
import HNSW
import TestSupport
import Testing

/// Bytes as a store would have them, kept alive by the graph that borrows them.
final class StoredBytes {
  let bytes: UnsafeMutableRawBufferPointer

  init(_ source: UnsafeRawBufferPointer) {
    bytes = .allocate(byteCount: source.count, alignment: 64)
    bytes.copyMemory(from: source)
  }

  deinit { bytes.deallocate() }
}

/// A graph's blocks, layer by layer, as a checkpoint writes them.
struct StoredGraph {
  let parameters: Parameters
  let counts: [Int]
  let blocks: [[StoredBytes]]

  init(_ graph: Graph) {
    parameters = graph.parameters
    counts = graph.layers.map { Int($0.count) }
    blocks = graph.layers.map { layer in
      (0..<layer.blockCount).map { block in layer.withBlockBytes(block) { StoredBytes($0) } }
    }
  }

  func loader(counts: [Int]? = nil) throws(GraphFormatError) -> Graph.Loader {
    var loader = try Graph.Loader(parameters: parameters, counts: counts ?? self.counts)
    for (layer, blocks) in blocks.enumerated() {
      for (block, stored) in blocks.enumerated() {
        try loader.add(
          block: block,
          layer: layer,
          bytes: UnsafeRawBufferPointer(stored.bytes),
          owner: stored
        )
      }
    }
    return loader
  }

  func load() throws(GraphFormatError) -> Graph { try loader().finish() }
}

@Suite struct GraphLoaderTests {
  private let parameters = Parameters(m: 6, efConstruction: 32, seed: 2, blockBytes: 8192)

  @Test func `A graph loaded from its blocks is the same and can be continued`() throws {
    let data = ClusteredCodes(count: 4000, seed: 31)
    let builder = GraphBuilder(parameters: parameters)
    builder.link(upTo: 3000, codes: data.codes)
    let graph = builder.publish()
    let loaded = try StoredGraph(graph).load()
    #expect(loaded.contentHash() == graph.contentHash())
    let continued = GraphBuilder(continuing: loaded)
    continued.link(upTo: 4000, codes: data.codes, workers: 2)
    builder.link(upTo: 4000, codes: data.codes)
    #expect(continued.publish().contentHash() == builder.publish().contentHash())
    #expect(loaded.contentHash() == graph.contentHash())
  }

  @Test func `Listing rows while others search changes no answer`() throws {
    let data = ClusteredCodes(count: 4000, seed: 33)
    let built = data.graph(parameters: parameters)
    let loaded = try StoredGraph(built).load()
    #expect(loaded.layers.count > 2)
    let expected = (0..<40).map { answer(built, data, row: UInt32($0 * 99)) }
    #expect(!loaded.hasListedRows && built.hasListedRows)
    DispatchQueue.concurrentPerform(iterations: 8) { thread in
      for (number, rows) in expected.enumerated() {
        if number == thread { loaded.listRows() }
        #expect(answer(loaded, data, row: UInt32(number * 99)) == rows)
      }
    }
    #expect(loaded.hasListedRows)
    #expect(loaded.verify(codes: data.codes).problems.isEmpty)
    // A second list is not made, nor one for a graph that has it from its builder.
    loaded.listRows()
    built.listRows()
    #expect(built.verify(codes: data.codes).problems.isEmpty)
  }

  private func answer(_ graph: Graph, _ data: ClusteredCodes, row: UInt32) -> [UInt64] {
    let context = SearchContext()
    return data.search(graph, row: row, ef: 24, context: context)
  }

  @Test func `Blocks and the records changed since give the later graph`() throws {
    let data = ClusteredCodes(count: 4000, seed: 32)
    let builder = GraphBuilder(parameters: parameters)
    builder.link(upTo: 1000, codes: data.codes)
    let stored = StoredGraph(builder.publish())
    _ = builder.takeChanges()
    builder.link(upTo: 4000, codes: data.codes)
    let later = builder.publish()
    let changes = builder.takeChanges()
    var loader = try stored.loader(counts: later.layers.map { Int($0.count) })
    for (index, layer) in later.layers.enumerated() {
      for node in changes.layers[index] {
        let record = layer.withRecordBytes(of: node) { StoredBytes($0) }
        try loader.replace(node: node, layer: index, bytes: UnsafeRawBufferPointer(record.bytes))
      }
    }
    let loaded = try loader.finish()
    #expect(loaded.contentHash() == later.contentHash())
    #expect(try stored.load().linkedCount < 1001)
  }

  @Test func `What is missing, short or impossible is refused with its place`() throws {
    let data = ClusteredCodes(count: 1000, seed: 33)
    let stored = StoredGraph(data.graph(parameters: parameters))
    #expect(throws: GraphFormatError.impossibleCounts([10, 11])) {
      _ = try Graph.Loader(parameters: parameters, counts: [10, 11])
    }
    #expect(throws: GraphFormatError.impossibleCounts([0])) {
      _ = try Graph.Loader(parameters: parameters, counts: [0])
    }
    var counts = stored.counts
    counts[0] += 1
    #expect(throws: GraphFormatError.missingNode(layer: 0, node: 1000)) {
      _ = try stored.loader(counts: counts).finish()
    }
    var loader = try stored.loader()
    #expect(throws: GraphFormatError.badRecord(layer: 0, node: 1000, byteCount: 64)) {
      try withUnsafeTemporaryAllocation(byteCount: 64, alignment: 4) {
        try loader.replace(node: 1000, layer: 0, bytes: UnsafeRawBufferPointer($0))
      }
    }
    #expect(throws: GraphFormatError.badBlock(layer: 9, block: 0, byteCount: 64)) {
      try withUnsafeTemporaryAllocation(byteCount: 64, alignment: 4) {
        try loader.add(
          block: 0,
          layer: 9,
          bytes: UnsafeRawBufferPointer($0),
          owner: stored.blocks[0][0]
        )
      }
    }
    let upper = stored.blocks[1][0].bytes
    upper.storeBytes(of: 1000, as: UInt32.self)
    #expect(throws: GraphFormatError.badNumberBelow(layer: 1, node: 0)) { _ = try stored.load() }
  }

  @Test(arguments: 1...40 as ClosedRange<UInt64>)
  func `Damaged lists crash neither search nor building, and verify finds them`(seed: UInt64) throws
  {
    var generator = SeededGenerator(seed: seed)
    let data = ClusteredCodes(count: 1300, seed: 34)
    let stored = StoredGraph(data.graph(rows: 1000, parameters: parameters))
    for (layer, blocks) in stored.blocks.enumerated() {
      let shape = LayerShape(layer: layer, parameters: parameters)
      for block in blocks {
        for _ in 0..<(seed % 2 == 0 ? 3 : 400) {
          let record = Int.random(
            in: 0..<(block.bytes.count / shape.strideBytes),
            using: &generator
          )
          let slot = Int.random(in: 0..<shape.capacity, using: &generator)
          let small = UInt32.random(in: 0..<1200, using: &generator)
          let words = [small, 0, .max, UInt32.random(in: 0...(.max), using: &generator)]
          block.bytes.storeBytes(
            of: words[Int.random(in: 0..<4, using: &generator)],
            toByteOffset: record * shape.strideBytes + 4 * (shape.header + slot),
            as: UInt32.self
          )
        }
      }
    }
    let graph = try stored.load()
    #expect(!graph.verify(codes: data.codes).problems.isEmpty, "seed \(seed)")
    let context = SearchContext()
    for row in 0..<200 as Range<UInt32> {
      let found = data.search(graph, row: row, ef: 50, context: context)
      #expect(found.allSatisfy { UInt32(truncatingIfNeeded: $0) < 1000 })
    }
    let builder = GraphBuilder(continuing: graph)
    builder.link(upTo: 1300, codes: data.codes, workers: 2, includingPartialSlice: true)
    #expect(builder.publish().linkedCount == 1300)
  }
}
