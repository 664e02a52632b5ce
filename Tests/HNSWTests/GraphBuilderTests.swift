import CVectorKernels
import HNSW
import Testing

@Suite struct GraphBuilderTests {
  @Test(arguments: [1, 2, 3] as [UInt64])
  func `A graph is sound after every slice`(seed: UInt64) {
    let data = ClusteredCodes(count: 700, seed: seed)
    let builder = GraphBuilder(parameters: Parameters(m: 4, efConstruction: 24, seed: seed))
    var linked: UInt32 = 0
    repeat {
      linked = builder.linkedCount
      builder.linkSlice(upTo: 700, codes: data.codes)
      let problems = builder.publish().verify(codes: data.codes).problems
      #expect(problems.isEmpty, "seed \(seed), \(builder.linkedCount) rows")
    } while builder.linkedCount > linked
    #expect(linked > 650)
  }

  @Test(arguments: [2, 3, 5, 8, 17, 32, 64])
  func `Every m gives a sound graph that finds each row by its own code`(m: Int) {
    let data = ClusteredCodes(count: 1500, seed: 7)
    let graph = data.graph(parameters: Parameters(m: m, efConstruction: 40, seed: 3))
    #expect(graph.verify(codes: data.codes).problems.isEmpty)
    let context = SearchContext()
    // The whole graph as pool: each row must turn up, since all can be reached (I6).
    let all = data.search(graph, row: 5, ef: 1500, context: context)
    #expect(all == data.nearest(to: 5, among: 1500, count: 1500))
  }

  @Test(arguments: [VK_FORM_COSINE, VK_FORM_DOT, VK_FORM_L2].map { Int($0) })
  func `Every form of code gives a sound graph with good recall`(form: Int) {
    let data = ClusteredCodes(count: 3100, form: form, seed: 11)
    let graph = data.graph(rows: 3000)
    #expect(graph.verify(codes: data.codes).problems.isEmpty)
    // 3000 x 48, 40 clusters, k 10, ef 64, seed 11. Inner products have hubs: a lower floor.
    let floor = form == Int(VK_FORM_DOT) ? 0.85 : 0.98
    let recall = data.recall(graph, queries: 3000, k: 10, ef: 64)
    #expect(recall >= floor, "form \(form): \(recall)")
  }

  @Test func `A graph over 4-bit codes is sound and has good recall`() {
    // 300 components, so that the second half of the last column pads.
    let data = ClusteredCodes(count: 3100, dimension: 300, seed: 11, isNibbles: true)
    let graph = data.graph(rows: 3000)
    #expect(graph.verify(codes: data.codes).problems.isEmpty)
    // 3000 x 300, 40 clusters, k 10, ef 64, seed 11.
    let recall = data.recall(graph, queries: 3000, k: 10, ef: 64)
    #expect(recall >= 0.98, "\(recall)")
  }

  @Test func `Moving all rows by one vector leaves a graph of Euclidean distances as it was`() {
    // Whole numbers below 2^24, so that floats are exact and the hashes may be compared.
    let graphs = [0, 60, -75].map { offset in
      ClusteredCodes(
        count: 2000,
        form: Int(VK_FORM_L2),
        amplitude: 70,
        offset: offset,
        scale: 1,
        seed: 12
      ).graph()
    }
    #expect(Set(graphs.map { $0.contentHash() }).count == 1)
  }

  @Test func `Rows of one slice find each other when nothing before resembles them`() {
    let data = ClusteredCodes(count: 3000, lateRows: 90, seed: 13)
    let builder = GraphBuilder(parameters: Parameters(efConstruction: 64))
    builder.link(upTo: 2910, codes: data.codes, includingPartialSlice: true)
    let before = builder.linkedCount
    // One slice: a 32nd of the rows linked is 90.
    builder.linkSlice(upTo: 3000, codes: data.codes)
    #expect(before == 2910 && builder.linkedCount == 3000)
    // 90 rows x 48 around one new centre, m 16, k 10, ef 64, seed 13.
    let recall = data.recall(builder.publish(), queries: 2910, k: 10, ef: 64)
    #expect(recall >= 0.98, "\(recall)")
  }

  @Test func `Recall at 10 reaches 0.97 with ef 64 on twenty thousand clustered rows`() {
    let data = ClusteredCodes(count: 20_200, dimension: 64, clusters: 300, seed: 5)
    let graph = data.graph(rows: 20_000, parameters: Parameters(), workers: 2)
    let recall = data.recall(graph, queries: 20_000, k: 10, ef: 64)
    #expect(recall >= 0.97, "20000 x 64, 300 clusters, seed 5: \(recall)")
  }

  @Test func `The graph does not depend on the number of workers`() {
    let data = ClusteredCodes(count: 6000, seed: 21)
    let hashes = [1, 2, 4].map { data.graph(workers: $0).contentHash() }
    #expect(Set(hashes).count == 1, "\(hashes)")
    let other = data.graph(parameters: Parameters(efConstruction: 64, seed: 1))
    #expect(other.contentHash() != hashes[0])
  }

  @Test func `Calls, publishes and continued graphs in between change nothing`() {
    let data = ClusteredCodes(count: 5000, seed: 23)
    let parameters = Parameters(m: 8, efConstruction: 48, seed: 4, blockBytes: 4096)
    let whole = GraphBuilder(parameters: parameters)
    whole.link(upTo: 5000, codes: data.codes)
    var builder = GraphBuilder(parameters: parameters)
    for (step, end) in [1, 2, 70, 71, 500, 1900, 1901, 3333, 4800, 5000].enumerated() {
      builder.link(upTo: UInt32(end), codes: data.codes, workers: step % 3 + 1)
      let graph = builder.publish()
      if step % 2 == 0 { builder = GraphBuilder(continuing: graph) }
    }
    #expect(builder.linkedCount == whole.linkedCount)
    #expect(builder.publish().contentHash() == whole.publish().contentHash())
  }

  @Test func `A published graph stays as it is while building goes on`() {
    let data = ClusteredCodes(count: 4000, seed: 24)
    let builder = GraphBuilder(parameters: Parameters(m: 6, efConstruction: 40, blockBytes: 4096))
    var versions: [(graph: Graph, hash: UInt64)] = []
    for end in stride(from: 400, through: 4000, by: 400) {
      builder.link(upTo: UInt32(end), codes: data.codes, workers: 2, includingPartialSlice: true)
      let graph = builder.publish()
      versions.append((graph, graph.contentHash()))
    }
    for version in versions {
      #expect(version.graph.contentHash() == version.hash)
      #expect(version.graph.hasListedRows && version.graph.verify().problems.isEmpty)
    }
    #expect(Set(versions.map(\.hash)).count == versions.count)
    let context = SearchContext()
    let first = versions[0].graph
    #expect(data.search(first, row: 3999, ef: 400, context: context).count == 400)
  }

  @Test func `Linking stops where it is told and takes whole slices only`() {
    let data = ClusteredCodes(count: 2000, seed: 25)
    let builder = GraphBuilder(parameters: Parameters(m: 4, efConstruction: 16))
    #expect(builder.link(upTo: 2000, codes: data.codes) { true } == 0)
    let linked = builder.link(upTo: 2000, codes: data.codes)
    #expect((1900...2000).contains(linked))
    #expect(builder.link(upTo: 2000, codes: data.codes) == linked)
    #expect(builder.link(upTo: 2000, codes: data.codes, includingPartialSlice: true) == 2000)
    #expect(builder.link(upTo: 1000, codes: data.codes) == 2000)
  }

  @Test func `Changes name exactly the records that differ`() {
    let data = ClusteredCodes(count: 3000, seed: 26)
    let builder = GraphBuilder(parameters: Parameters(m: 4, efConstruction: 24))
    builder.link(upTo: 2000, codes: data.codes, includingPartialSlice: true)
    #expect(
      builder.takeChanges().layers.map(\.count) == builder.publish().layers.map { Int($0.count) }
    )
    #expect(builder.takeChanges().isEmpty)
    let before = builder.publish()
    builder.linkSlice(upTo: 3000, codes: data.codes)
    let after = builder.publish()
    let changes = builder.takeChanges()
    for (index, layer) in after.layers.enumerated() {
      let named = Set(changes.layers[index])
      for node in 0..<layer.count where !named.contains(node) {
        #expect(before.layers[index].links(of: node) == layer.links(of: node))
      }
      #expect(named.count < Int(layer.count) || layer.count < 300)
    }
  }
}
