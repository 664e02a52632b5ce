import ArgumentParser
import Foundation
import VDB
import VDBIngest

/// The command `vdbtool bench mixed`.
struct BenchMixedCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "mixed",
    abstract: "Rate of one searching thread alone, and while rows are inserted and indexed.",
    discussion: """
      Half of the rows are stored and indexed first. One thread searches alone; then on, while the \
      other half is inserted, a synced commit a batch, and indexed; then alone again. The rate during \
      the work is given as a share of the mean rate alone, and of the fair share of that: all of it \
      where each indexing thread has a core beside the searching one, else cores over threads. The \
      thread that inserts and the writer mostly wait for the disk and are not counted.

      EXAMPLES
        vdbtool bench mixed --base b.npy --queries q.npy
        vdbtool bench mixed --base b.npy --queries q.npy --indexing-threads 1 --json
      """
  )

  @Option(help: ArgumentHelp("The vectors to insert.", valueName: "file"), completion: .file())
  var base: String
  @Option(help: ArgumentHelp("The query vectors.", valueName: "file"), completion: .file())
  var queries: String
  @Option(help: "How distance is measured.")
  var metric: Metric = .cosine
  @Option(help: ArgumentHelp("Candidates kept during a walk.", valueName: "n"))
  var ef = 64
  @Option(help: ArgumentHelp("Threads that index; all cores by default.", valueName: "n"))
  var indexingThreads: Int?
  @Option(help: ArgumentHelp("Rows of a commit.", valueName: "n"))
  var batchSize = 1000
  @Option(help: ArgumentHelp("Seconds of searching alone, before and after.", valueName: "n"))
  var seconds = 3.0
  @Option(help: ArgumentHelp("Where the store is made; a temporary folder by default."))
  var scratch: String?
  @OptionGroup var json: JSONFlag
  @OptionGroup var quiet: QuietFlag

  private static let collection = "bench"

  func validate() throws {
    try requirePositive(ef, "ef")
    try requirePositive(indexingThreads, "indexing-threads")
    try requirePositive(batchSize, "batch-size")
    guard seconds > 0, seconds <= 3600 else {
      throw ValidationError("--seconds must be above 0, and 3600 at most, not \(seconds).")
    }
  }

  /// What was measured.
  private struct Figures {
    var before: SearchingThread.Rate
    var during: SearchingThread.Rate
    var after: SearchingThread.Rate
    /// Rows inserted while searching.
    var rows: Int
    var insertSeconds: Double
    var cores: Int
    var threads: Int

    var alone: Double { (before.perSecond + after.perSecond) / 2 }
    var ofAlone: Double { during.perSecond / alone }
    var fairShare: Double { min(1, Double(cores) / Double(threads)) }
    /// The share of the time during which the thread ran.
    var running: Double { during.cpuSeconds / during.seconds }
  }

  func run() async throws {
    let interrupt = Interrupt()
    let queries = try QuerySource.all(queries)
    let folder =
      (scratch.map { URL(filePath: $0) } ?? FileManager.default.temporaryDirectory)
      .appending(path: "vdb-bench-\(UUID().uuidString)").path()
    interrupt.onRaise {
      BenchANNCommand.remove(folder)
      Foundation.exit(ExitStatus.interrupted.rawValue)
    }
    defer { BenchANNCommand.remove(folder) }
    let options = StoreOptions(indexingThreads: indexingThreads)
    let figures = try await VectorStore.with(folder, options) { store in
      try await measure(store, (0..<queries.count).map { queries.row($0) })
    }
    try report(figures)
  }

  private func measure(_ store: VectorStore, _ queries: [[Float]]) async throws -> Figures {
    let progress = Progress(isQuiet: quiet.quiet)
    defer { progress.finish() }
    let reader = try BatchReader(vectors: base, batchSize: batchSize)
    let options = CollectionOptions(
      dimension: reader.dimension,
      metric: metric,
      element: reader.element
    )
    try await store.createCollection(Self.collection, options)
    // Read ahead, so that reading the file is no part of what is measured.
    var batches: [RecordBatch] = []
    while let batch = try reader.next() { batches.append(batch) }
    guard batches.count >= 2 else {
      throw Failure(
        status: .data,
        message: "'\(base)' has too few rows for two batches of \(batchSize)."
      )
    }
    let half = batches.count / 2
    for (number, batch) in batches[..<half].enumerated() {
      try await store.insertBatch(batch, into: Self.collection)
      progress.update("Storing the first half", done: number * batchSize, total: nil)
    }
    try await store.indexed(in: Self.collection)
    let before = try await alone(store, queries)
    var insertSeconds = 0.0
    let start = ContinuousClock.now
    let during = try await thread(store, queries).measure {
      for (number, batch) in batches[half...].enumerated() {
        try await store.insertBatch(batch, into: Self.collection)
        progress.update("Inserting while searching", done: number * batchSize, total: nil)
      }
      try await store.indexed(in: Self.collection)
      insertSeconds = (ContinuousClock.now - start) / .seconds(1)
    }
    let cores = ProcessInfo.processInfo.activeProcessorCount
    return Figures(
      before: before,
      during: during,
      after: try await alone(store, queries),
      rows: batches[half...].reduce(0) { $0 + $1.count },
      insertSeconds: insertSeconds,
      cores: cores,
      threads: 1 + (indexingThreads ?? cores)
    )
  }

  private func thread(_ store: VectorStore, _ queries: [[Float]]) -> SearchingThread {
    SearchingThread(store, Self.collection, queries, efSearch: ef)
  }

  private func alone(
    _ store: VectorStore,
    _ queries: [[Float]]
  ) async throws -> SearchingThread.Rate {
    try await thread(store, queries).measure { try await Task.sleep(for: .seconds(seconds)) }
  }

  private func report(_ figures: Figures) throws {
    let rowsPerSecond = Double(figures.rows) / figures.insertSeconds
    guard json.json else {
      return try StandardOutput.write(
        """
        alone     \(Text.grouped(Int(figures.before.perSecond))) queries/s before, \
        \(Text.grouped(Int(figures.after.perSecond))) after
        during    \(Text.grouped(Int(figures.during.perSecond))) queries/s, while \
        \(Text.grouped(Int(rowsPerSecond))) rows/s were inserted and indexed
        of alone  \(Text.fixed(figures.ofAlone, 2)); fair is \(Text.fixed(figures.fairShare, 2)) \
        with \(figures.threads) busy threads on \(figures.cores) cores: \
        \(Text.fixed(figures.ofAlone / figures.fairShare, 2)) of it
        running   \(Text.fixed(figures.running, 2)) of the time

        """
      )
    }
    try StandardOutput.writeJSON {
      $0.key("alone_before_qps")
      $0.rounded(figures.before.perSecond, 0)
      $0.key("alone_after_qps")
      $0.rounded(figures.after.perSecond, 0)
      $0.key("during_qps")
      $0.rounded(figures.during.perSecond, 0)
      $0.key("of_alone")
      $0.rounded(figures.ofAlone, 3)
      $0.key("fair_share")
      $0.rounded(figures.fairShare, 3)
      $0.key("of_fair_share")
      $0.rounded(figures.ofAlone / figures.fairShare, 3)
      $0.key("running")
      $0.rounded(figures.running, 3)
      $0.key("rows")
      $0.int(figures.rows)
      $0.key("rows_per_s")
      $0.rounded(rowsPerSecond, 0)
      $0.key("seconds")
      $0.rounded(figures.during.seconds, 2)
      $0.key("cores")
      $0.int(figures.cores)
      $0.key("threads")
      $0.int(figures.threads)
      $0.key("ef")
      $0.int(ef)
    }
  }
}
