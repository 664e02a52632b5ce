import ArgumentParser
import VDB
import VDBIngest

/// The command `vdbtool bench scan`.
struct BenchScanCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "scan",
    abstract: "Exact search on one thread, beside reading as many bytes.",
    discussion: """
      Compares every row of a fresh store with each query, one query at a time and many at once, \
      and reads as much memory in a plain loop before and after. A rate is the bytes of the vectors \
      times the queries, over the time: a scan for many queries at once reads a row once for several.

      EXAMPLES
        vdbtool bench scan
        vdbtool bench scan --rows 1000000 --element float16 --json
      """
  )

  @Option(help: ArgumentHelp("Rows to compare.", valueName: "n"))
  var rows = 200_000
  @OptionGroup var madeUp: MadeUpRowsOptions
  @Option(help: "How distance is measured.")
  var metric: Metric = .cosine
  @Option(help: ArgumentHelp("Queries to answer.", valueName: "n"))
  var queries = 32
  @Option(help: ArgumentHelp("Times all is measured; the median counts.", valueName: "n"))
  var repetitions = 5
  @OptionGroup var scratch: ScratchOption
  @OptionGroup var json: JSONFlag

  func validate() throws {
    try requirePositive(rows, "rows")
    try requirePositive(queries, "queries")
    try requirePositive(repetitions, "repetitions")
    if madeUp.element == .int8, metric != .cosine {
      throw ValidationError(
        "--element int8 goes with --metric cosine here: the rows are fractions."
      )
    }
  }

  /// Bytes a second of each way, one value a repetition.
  private struct Rates {
    var single: [Double] = []
    var batch: [Double] = []
    var reading: [Double] = []
  }

  func run() async throws {
    let folder = scratch.newFolder
    defer { BenchANNCommand.remove(folder) }
    let rates = try await VectorStore.with(folder, StoreOptions()) { try await measure($0) }
    try report(rates)
  }

  private func measure(_ store: VectorStore) async throws -> Rates {
    let options = CollectionOptions(
      dimension: madeUp.dimension,
      metric: metric,
      element: madeUp.element,
      indexing: .manual
    )
    try await store.createCollection("bench", options)
    let pattern = madeUp.rows
    for first in stride(from: 0, to: rows, by: 5000) {
      try await store.insertBatch(
        pattern.batch(first: first, count: min(5000, rows - first)),
        into: "bench"
      )
    }
    let asked = pattern.batch(first: rows, count: queries).vectors
    let bytes = rows * (pattern.bytesPerRow - MadeUpRows.recordBytes)
    let memory = KernelMemory(count: bytes)
    // The first scan of a process compares the blocks' checksums.
    _ = try store.search(asked.row(0), in: "bench", exact: true, including: [])
    let work = Double(bytes) * Double(queries)
    let clock = ContinuousClock()
    let readClock = KernelClock(sample: 0.02, time: .wall)
    var rates = Rates()
    for _ in 0..<repetitions {
      rates.reading.append(memory.readRate(readClock))
      var start = clock.now
      for query in 0..<queries {
        _ = try store.search(asked.row(query), in: "bench", exact: true, including: [])
      }
      rates.single.append(work / ((clock.now - start) / .seconds(1)))
      start = clock.now
      _ = try await store.searchBatch(asked, in: "bench", exact: true, threads: 1, including: [])
      rates.batch.append(work / ((clock.now - start) / .seconds(1)))
      rates.reading.append(memory.readRate(readClock))
    }
    return rates
  }

  private func report(_ rates: Rates) throws {
    let (single, batch) = (Self.median(rates.single) / 1e9, Self.median(rates.batch) / 1e9)
    let reading = Self.median(rates.reading) / 1e9
    guard json.json else {
      return try StandardOutput.write(
        """
        plain reading   \(Text.fixed(reading, 1)) GB/s
        one query       \(Text.fixed(single, 1)) GB/s (\(Text.fixed(single / reading, 2)) of reading)
        \(queries) queries      \(Text.fixed(batch, 1)) GB/s \
        (\(Text.fixed(batch / reading, 2)) of reading)

        """
      )
    }
    try StandardOutput.writeJSON {
      $0.member("rows", rows)
      $0.member("dimension", madeUp.dimension)
      $0.member("element", madeUp.element.rawValue)
      $0.member("metric", metric.rawValue)
      $0.member("queries", queries)
      $0.member("read_gb_s", rounded: reading, 2)
      $0.member("single_gb_s", rounded: single, 2)
      $0.member("batch_gb_s", rounded: batch, 2)
      $0.member("single_of_reading", rounded: single / reading, 3)
      $0.member("batch_of_reading", rounded: batch / reading, 3)
    }
  }

  private static func median(_ values: [Double]) -> Double {
    values.sorted()[values.count / 2]
  }
}
