import Benchmark
import Foundation
import VDB

// What a program that uses the store waits for, through its public API alone. Kernels are measured by
// `vdbtool bench kernels`, which may use what is internal to the package.
let benchmarks: @Sendable () -> Void = {
  Benchmark.defaultConfiguration = .init(
    metrics: [.wallClock, .throughput, .cpuTotal, .peakMemoryResident],
    warmupIterations: 2,
    maxDuration: .seconds(2),
    maxIterations: 100_000,
    teardown: { try WordNet.removeAll() }
  )
  searching()
  writing()

  Benchmark(
    "open, ask once, close",
    closure: { (benchmark: Benchmark, wordNet: WordNet) async throws in
      for _ in benchmark.scaledIterations {
        let store = try VectorStore.open(at: wordNet.path, options: StoreOptions(mode: .readOnly))
        blackHole(try store.search(wordNet.vectors[0], in: WordNet.collection, including: []))
        try await store.close()
      }
    },
    setup: {
      let wordNet = try await WordNet.indexed()
      try await wordNet.store.close()
      return wordNet
    }
  )
}

private func searching() {
  for (name, fields) in [("rows", ResultFields()), ("records", [.metadata, .document])] {
    Benchmark(
      "search, \(name)",
      closure: { (benchmark: Benchmark, wordNet: WordNet) throws in
        for index in benchmark.scaledIterations {
          let query = wordNet.vectors[(index + benchmark.currentIteration) % wordNet.vectors.count]
          blackHole(try wordNet.store.search(query, in: WordNet.collection, including: fields))
        }
      },
      setup: { try await WordNet.indexed() }
    )
  }
  for isExact in [false, true] {
    Benchmark(
      isExact ? "searchBatch of 500, exact" : "searchBatch of 500",
      closure: { (benchmark: Benchmark, wordNet: WordNet) async throws in
        for _ in benchmark.scaledIterations {
          blackHole(
            try await wordNet.store.searchBatch(
              wordNet.queries,
              in: WordNet.collection,
              exact: isExact,
              including: []
            )
          )
        }
      },
      setup: { try await WordNet.indexed() }
    )
  }
}

private func writing() {
  for size in [1, 1000] {
    Benchmark(
      "insertBatch of \(size)",
      closure: {
        (benchmark: Benchmark, state: (wordNet: WordNet, batch: RecordBatch)) async throws in
        for _ in benchmark.scaledIterations {
          var batch = state.batch
          batch.ids = batch.ids.map { _ in .string(UUID().uuidString) }
          benchmark.startMeasurement()
          blackHole(try await state.wordNet.store.insertBatch(batch, into: WordNet.collection))
          benchmark.stopMeasurement()
        }
      },
      setup: { (try await WordNet.empty(), try WordNet.batches(of: size)[0]) }
    )
  }

  Benchmark(
    "index 10 000 rows",
    closure: {
      (benchmark: Benchmark, state: (wordNet: WordNet, batches: [RecordBatch])) async throws in
      let store = state.wordNet.store
      for _ in benchmark.scaledIterations {
        let name = UUID().uuidString
        try await store.createCollection(name, WordNet.options)
        for batch in state.batches { try await store.insertBatch(batch, into: name) }
        benchmark.startMeasurement()
        try await store.index(name)
        benchmark.stopMeasurement()
        try await store.dropCollection(name)
      }
    },
    setup: { (try await WordNet.empty(), try WordNet.batches(of: 1000)) }
  )
}
