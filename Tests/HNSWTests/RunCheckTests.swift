import CVectorKernels
import HNSW
import Synchronization
import TestSupport
import Testing

@Suite struct RunCheckTests {
  private let parameters = Parameters(m: 6, efConstruction: 32, seed: 2, blockBytes: 8192)

  /// Notes what was asked, and finds one run damaged.
  private final class Asked: Sendable {
    let runs = Mutex<[[Int]: Int]>([:])
    let damaged: [Int]?

    init(damaged: [Int]? = nil) { self.damaged = damaged }

    func checks(_ graph: Graph, records: DeferredRecords? = nil) -> RunChecks {
      let layers = graph.layers.map {
        RunChecks.Part(shift: $0.shape.runShift, count: Int($0.count))
      }
      let codes = RunChecks.Part(shift: 3, count: Int(graph.linkedCount))
      return RunChecks(layers: layers, codes: codes) { [self] part, run in
        runs.withLock { $0[[part, run], default: 0] += 1 }
        if part < layers.count { records?.fill(run: run, layer: part) }
        return damaged == [part, run] ? nil : run..<(run + 1)
      }
    }
  }

  private func found(
    _ graph: Graph,
    _ data: ClusteredCodes,
    _ query: vk_code_query,
    _ checks: RunChecks?
  ) -> [UInt32]? {
    let context = SearchContext()
    let count = Searcher.search(
      graph,
      codes: data.codes,
      query: query,
      checks: checks,
      ef: 20,
      context: context
    )
    return count.map { count in (0..<count).map { context.rows[$0] } }
  }

  @Test func `A guarded walk finds the same and asks for each run once`() {
    let data = ClusteredCodes(count: 4000, seed: 41)
    let graph = data.graph(parameters: parameters)
    let queries = QueryCodes(data, rows: (0..<20).map { UInt32($0 * 197) })
    let asked = Asked()
    let checks = asked.checks(graph)
    for query in queries.queries {
      #expect(found(graph, data, query, checks) == found(graph, data, query, nil))
    }
    withExtendedLifetime(queries) {}
    asked.runs.withLock { runs in
      #expect(!runs.isEmpty)
      #expect(runs.values.allSatisfy { $0 == 1 })
    }
  }

  @Test func `A walk ends at what is damaged, wherever that is, and only there`() {
    let data = ClusteredCodes(count: 2000, seed: 43)
    let graph = data.graph(parameters: parameters)
    let queries = QueryCodes(data, rows: [77])
    let query = queries.queries[0]
    let all = Asked()
    let whole = found(graph, data, query, all.checks(graph))
    let touched = all.runs.withLock { Set($0.keys) }
    var spared = 0
    for part in 0...graph.layers.count {
      let isCodes = part == graph.layers.count
      let shift = isCodes ? 3 : graph.layers[part].shape.runShift
      let count = isCodes ? graph.linkedCount : graph.layers[part].count
      for run in 0...Int((count - 1) >> shift) {
        let checks = Asked(damaged: [part, run]).checks(graph)
        let answer = found(graph, data, query, checks)
        let isTouched = touched.contains([part, run])
        #expect(answer == (isTouched ? nil : whole), "\(part) \(run)")
        if !isTouched { spared += 1 }
      }
    }
    #expect(spared > 0 && touched.count > 10)
    withExtendedLifetime(queries) {}
  }

  @Test func `Records that come into their place when asked for give the same graph`() throws {
    let data = ClusteredCodes(count: 4000, seed: 45)
    let builder = GraphBuilder(parameters: parameters)
    builder.link(upTo: 1500, codes: data.codes)
    let stored = StoredGraph(builder.publish())
    _ = builder.takeChanges()
    builder.link(upTo: 4000, codes: data.codes)
    let later = builder.publish()
    var loader = try stored.loader(counts: later.layers.map { Int($0.count) })
    let log = Self.log(later, builder.takeChanges())
    #expect(throws: GraphFormatError.self) {
      var loader = loader
      let short = UnsafeRawBufferPointer(rebasing: log.bytes.dropLast(4))
      _ = try loader.replace(log: short, owner: log)
    }
    #expect(try loader.replace(log: UnsafeRawBufferPointer(log.bytes), owner: log) > 2500)
    let (graph, records) = try loader.finishDeferred()
    let checks = Asked().checks(graph, records: records)
    let queries = QueryCodes(data, rows: (0..<10).map { UInt32($0 * 331) })
    for query in queries.queries {
      #expect(found(graph, data, query, checks) == found(later, data, query, nil))
    }
    withExtendedLifetime(queries) {}
    records.fillAll()
    #expect(graph.contentHash() == later.contentHash())
    for layer in graph.layers.indices {
      #expect(graph.hasValidNumbers(0..<graph.layers[layer].count, layer: layer))
    }
  }

  /// Changed records as a log has them.
  private static func log(_ graph: Graph, _ changes: GraphChanges) -> StoredBytes {
    var bytes: [UInt8] = []
    for (number, layer) in graph.layers.enumerated() {
      for node in changes.layers[number] {
        bytes.append(contentsOf: [UInt8(number), 0, 0, 0])
        withUnsafeBytes(of: node.littleEndian) { bytes.append(contentsOf: $0) }
        layer.withRecordBytes(of: node) { bytes += $0 }
      }
    }
    return bytes.withUnsafeBytes { StoredBytes($0) }
  }
}
