import CVectorKernels
import HNSW
import Testing

@Suite struct SmallGraphTests {
  @Test func `A search of an empty graph finds nothing`() {
    let data = ClusteredCodes(count: 1, seed: 1)
    let graph = Graph(empty: Parameters())
    #expect(data.search(graph, row: 0, ef: 10, context: SearchContext()).isEmpty)
    #expect(graph.verify(codes: data.codes).problems.isEmpty)
    #expect(GraphBuilder(parameters: Parameters()).publish().contentHash() == graph.contentHash())
  }

  @Test(arguments: 1...20)
  func `Graphs of few rows find all of them, nearest first`(count: Int) {
    let data = ClusteredCodes(count: count, seed: UInt64(count))
    let graph = data.graph()
    #expect(graph.verify(codes: data.codes).problems.isEmpty)
    let context = SearchContext()
    for row in 0..<UInt32(count) {
      let exact = data.nearest(to: row, among: UInt32(count), count: count)
      #expect(data.search(graph, row: row, ef: 100, context: context) == exact)
      #expect(data.search(graph, row: row, ef: 0, context: context).count == 1)
    }
  }

  @Test func `Equal rows are all found`() {
    let data = ClusteredCodes(count: 2000, clusters: 0, seed: 1)
    let graph = data.graph(parameters: Parameters(m: 4, efConstruction: 32), workers: 2)
    #expect(graph.verify(codes: data.codes).problems.isEmpty)
    let found = data.search(graph, row: 1234, ef: 2000, context: SearchContext())
    #expect(Set(found.map { UInt32(truncatingIfNeeded: $0) }) == Set(0..<2000))
  }

  @Test func `One context serves graphs of all sizes, hundreds of searches long`() {
    let data = ClusteredCodes(count: 900, seed: 2)
    let (small, large) = (data.graph(rows: 30), data.graph())
    let context = SearchContext()
    let exact = data.nearest(to: 7, among: 30, count: 5)
    // More than 255 searches: the marks start anew in between.
    for _ in 0..<600 {
      #expect(data.search(small, row: 7, ef: 30, context: context).prefix(5) + [] == exact)
      #expect(data.search(large, row: 7, ef: 20, context: context).count == 20)
    }
  }
}
