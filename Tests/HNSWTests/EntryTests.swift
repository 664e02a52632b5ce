import CVectorKernels
import HNSW
import Testing

@Suite struct EntryTests {
  @Test(arguments: [1, 40, 6000])
  func `Queries that descend side by side enter where each enters alone`(count: Int) {
    let data = ClusteredCodes(count: count, seed: 11)
    let graph = data.graph()
    let rows = (0..<25).map { UInt32($0 * 97 % count) }
    let queries = QueryCodes(data, rows: rows)
    let entries = Searcher.entries(graph, codes: data.codes, queries: queries.queries)
    #expect(entries.count == rows.count)
    let alone = SearchContext()
    let entered = SearchContext()
    for (query, entry) in zip(queries.queries, entries) {
      let found = Searcher.search(graph, codes: data.codes, query: query, ef: 20, context: alone)
      let again = Searcher.search(
        graph,
        codes: data.codes,
        query: query,
        from: entry,
        ef: 20,
        context: entered
      )
      #expect(found == again && alone.scored == entered.scored)
      for i in 0..<min(found, again) {
        #expect(alone.rows[i] == entered.rows[i] && alone.keys[i] == entered.keys[i])
      }
    }
  }

  @Test func `An empty graph has no entry`() {
    let data = ClusteredCodes(count: 1, seed: 1)
    let queries = QueryCodes(data, rows: [0])
    let empty = Graph(empty: Parameters())
    #expect(Searcher.entries(empty, codes: data.codes, queries: queries.queries).isEmpty)
  }
}

/// Rows' own codes as queries, for as long as it lives.
final class QueryCodes {
  private(set) var queries: [vk_code_query] = []
  private var buffers: [UnsafeMutableRawPointer] = []

  init(_ data: ClusteredCodes, rows: [UInt32]) {
    var codes = data.codes
    let stride = Int(codes.stride)
    for row in rows {
      let buffer = UnsafeMutableRawPointer.allocate(byteCount: stride, alignment: 64)
      buffers.append(buffer)
      var query = vk_code_query()
      let bytes = buffer.bindMemory(to: Int8.self, capacity: stride)
      vk_query_from_row(&codes, row, bytes, &query)
      queries.append(query)
    }
  }

  deinit { for buffer in buffers { buffer.deallocate() } }
}
