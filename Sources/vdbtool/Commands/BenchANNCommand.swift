import ArgumentParser
import Foundation
import VDB
import VDBIngest

/// The command `vdbtool bench ann`.
struct BenchANNCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ann",
    abstract: "Build rate, recall and rate of search, from files of vectors.",
    discussion: """
      Imports into a fresh store on disk, indexes it, and searches all queries in one batch with \
      growing width, some times each, of which the best counts. The last line is one JSON object: points are \
      [width, recall@10, queries a second], scored [width, rows scored by their codes, rows compared \
      in full precision, both for one query], rss_mb is what the process grew by, search_mb the links and \
      codes that walks may touch.

      EXAMPLES
        vdbtool bench ann --base b.npy --queries q.npy --truth t.ibin --metric cosine
        vdbtool bench ann --base b.u8bin --queries q.u8bin --truth t.ibin --metric l2
      """
  )

  static let widths = [10, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512]
  static let enough = 0.9985
  static let neighbours = 10
  private static let collection = "bench"

  @Option(help: ArgumentHelp("The vectors to index.", valueName: "file"), completion: .file())
  var base: String

  @Option(help: ArgumentHelp("The query vectors.", valueName: "file"), completion: .file())
  var queries: String

  @Option(help: ArgumentHelp("The true neighbours.", valueName: "file"), completion: .file())
  var truth: String

  @Option(help: "How distance is measured.")
  var metric: Metric = .cosine

  @Option(help: "How numbers are kept; as they come by default.")
  var element: ElementType?

  @Option(help: ArgumentHelp("Threads that index and search.", valueName: "n"))
  var threads = 1

  @Option(help: ArgumentHelp("Links a node of the graph makes.", valueName: "n"))
  var m: Int?

  @Option(help: ArgumentHelp("Candidates looked at for each node.", valueName: "n"))
  var efConstruction: Int?

  @Option(help: ArgumentHelp("Times each width is measured; the best counts.", valueName: "n"))
  var repetitions = 3

  @OptionGroup var scratch: ScratchOption

  @Option(help: ArgumentHelp("Where the store is made, and left.", valueName: "folder"))
  var keep: String?

  @OptionGroup var json: JSONFlag
  @OptionGroup var quiet: QuietFlag

  func validate() throws {
    try requirePositive(threads, "threads")
    try requirePositive(repetitions, "repetitions")
    if scratch.scratch != nil, keep != nil {
      throw ValidationError("Give --scratch or --keep, not both.")
    }
  }

  func run() async throws {
    let interrupt = Interrupt()
    let queries = try QuerySource.all(queries)
    let truth = try Truth.read(truth, queries: queries.count, limit: Self.neighbours)
    let isKept = keep != nil
    let folder = keep ?? scratch.newFolder
    interrupt.onRaise {
      if !isKept { Self.remove(folder) }
      Foundation.exit(ExitStatus.interrupted.rawValue)
    }
    defer { if !isKept { Self.remove(folder) } }
    let options = StoreOptions(indexingThreads: threads)
    let before = ResidentMemory.now(mappedUnder: folder)
    let result = try await VectorStore.with(folder, options) { store in
      try await measure(store, queries, truth, folder)
    }
    try result.report(threads: threads, since: before, withTable: !json.json)
  }

  private func measure(
    _ store: VectorStore,
    _ queries: VectorRows,
    _ truth: [[Int]],
    _ folder: String
  ) async throws -> BenchReport {
    let progress = Progress(isQuiet: quiet.quiet)
    defer { progress.finish() }
    let reader = try BatchReader(vectors: base, batchSize: 1000)
    var index = IndexParameters()
    if let m { index.m = m }
    if let efConstruction { index.efConstruction = efConstruction }
    let options = CollectionOptions(
      dimension: reader.dimension,
      metric: metric,
      element: element ?? reader.element,
      index: index,
      indexing: .manual
    )
    try await store.createCollection(Self.collection, options)
    let clock = ContinuousClock()
    var start = clock.now
    let run = ImportRun(store: store, collection: Self.collection, progress: progress)
    if let failure = await run.run(reader).failure { throw failure }
    let importSeconds = (clock.now - start) / .seconds(1)
    start = clock.now
    _ = try await IndexRun(
      store: store,
      collection: Self.collection,
      progress: progress,
      calibrates: false
    ).run()
    let buildSeconds = (clock.now - start) / .seconds(1)
    // What the store does at rest would share cores and memory with the searches below.
    progress.update("Waiting for the store to rest", done: 0, total: nil)
    try await ProcessTime.settle()
    progress.finish()
    let searching = Progress(isQuiet: quiet.quiet, unit: "widths")
    defer { searching.finish() }
    let sweep = RecallSweep(
      store: store,
      collection: Self.collection,
      queries: queries,
      truth: truth,
      limit: Self.neighbours,
      threads: threads
    )
    var points: [RecallSweep.Point] = []
    for width in Self.widths {
      points.append(try await sweep.measure(ef: width, repetitions: repetitions))
      searching.update("Searching", done: points.count, total: Self.widths.count)
      if let recall = points.last?.recall, recall > Self.enough { break }
    }
    return BenchReport(
      info: try store.collection(Self.collection),
      importSeconds: importSeconds,
      buildSeconds: buildSeconds,
      points: points,
      repetitions: repetitions,
      memory: ResidentMemory.now(mappedUnder: folder),
      searchBytes: try store.statistics().collections.first?.residentBytes ?? 0
    )
  }

  /// Removes a store that was made to measure.
  static func remove(_ folder: String) {
    guard FileManager.default.fileExists(atPath: folder) else { return }
    do {
      try FileManager.default.removeItem(atPath: folder)
    } catch {
      StandardError.write("vdbtool: left behind: '\(folder)': \(error)\n")
    }
  }
}
