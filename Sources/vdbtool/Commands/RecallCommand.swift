import ArgumentParser
import VDB
import VDBIngest

/// The command `vdbtool recall`.
struct RecallCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "recall",
    abstract: "Measure how many true neighbours the index finds, and how quickly.",
    discussion: """
      The truth is a file of row numbers (.ibin, .ivecs, .npy of int32 or int64), which holds for a \
      collection imported in the file's order and not compacted since, or it is computed (--exact).

      With --target, searches name a recall instead of a width: the table shows the width that the \
      collection's calibration leads to, the bound that it promises (95 % confidence; - for none), and \
      what is found in truth. Stored rows were the queries of the calibration; --calibrate measures \
      these queries instead and keeps the figures.

      EXAMPLES
        vdbtool recall notes.vdb --queries q.npy --truth truth.ibin --ef 16,32,64
        vdbtool recall notes.vdb --queries questions.npy --exact --limit 10 --json
        vdbtool recall notes.vdb --queries q.npy --exact --target 0.9,0.95,0.99
      """
  )

  @OptionGroup var store: StoreArgument

  @Option(help: ArgumentHelp("A file of query vectors.", valueName: "file"), completion: .file())
  var queries: String

  @Option(
    help: ArgumentHelp("The queries' true neighbours, nearest first.", valueName: "file"),
    completion: .file()
  )
  var truth: String?

  @Flag(help: "Compute the true neighbours by comparing with every record.")
  var exact = false

  @OptionGroup var collection: CollectionOption

  @Option(name: .shortAndLong, help: ArgumentHelp("Neighbours a query.", valueName: "k"))
  var limit = 10

  @Option(help: ArgumentHelp("Search widths, separated by commas.", valueName: "list"))
  var ef = IntegerList([16, 32, 64, 128, 256])

  @Option(help: ArgumentHelp("Recalls to ask for instead of widths.", valueName: "list"))
  var target: ShareList?

  @Flag(help: "First calibrate the collection with these queries; needs a store nobody writes.")
  var calibrate = false

  @Option(help: ArgumentHelp("Threads that search; all cores by default.", valueName: "n"))
  var threads: Int?

  @Option(help: ArgumentHelp("Times each width is measured; the best counts.", valueName: "n"))
  var repeats = 3

  @OptionGroup var json: JSONFlag
  @OptionGroup var quiet: QuietFlag

  func validate() throws {
    if (truth == nil) != exact { throw ValidationError("Give either --truth FILE or --exact.") }
    try requirePositive(limit, "limit")
    try requirePositive(threads, "threads")
    try requirePositive(repeats, "repeats")
  }

  func run() async throws {
    let queries = try QuerySource.all(queries)
    let known = try truth.map { try Truth.read($0, queries: queries.count, limit: limit) }
    let progress = Progress(isQuiet: quiet.quiet, unit: "widths")
    let options = StoreOptions(mode: calibrate ? .readWriteExisting : .readOnly)
    let (points, choices) = try await VectorStore.with(store.store, options) { store in
      defer { progress.finish() }
      if calibrate {
        progress.update("Calibrating", done: 0, total: nil)
        try await store.calibrateRecall(
          collection.collection,
          queries: queries,
          threads: threads
        )
      }
      var truth = known ?? []
      if known == nil {
        progress.update("Comparing all records", done: 0, total: nil)
        let rows = try await store.nearestRows(
          queries,
          in: collection.collection,
          limit: limit,
          exact: true,
          threads: threads
        )
        truth = rows.map { $0.map(\.row) }
      }
      let sweep = RecallSweep(
        store: store,
        collection: collection.collection,
        queries: queries,
        truth: truth,
        limit: limit,
        threads: threads
      )
      var points: [RecallSweep.Point] = []
      var choices: [RecallChoice] = []
      for share in target?.values ?? [] {
        let choice = try store.recallChoice(
          for: share,
          in: collection.collection,
          limit: limit
        )
        choices.append(choice)
        points.append(
          try await sweep.measure(
            ef: choice.efSearch ?? 0,
            target: share,
            repetitions: repeats
          )
        )
        progress.update("Measuring", done: points.count, total: target?.values.count)
      }
      for ef in target == nil ? ef.values : [] {
        points.append(try await sweep.measure(ef: ef, repetitions: repeats))
        progress.update("Measuring", done: points.count, total: self.ef.values.count)
      }
      return (points, choices)
    }
    if target == nil { return try report(points, queries: queries.count) }
    try report(Array(zip(choices, points)), queries: queries.count)
  }

  private func report(_ points: [RecallSweep.Point], queries: Int) throws {
    guard json.json else {
      let rows = points.map {
        [
          "\($0.ef)", Text.fixed($0.recall, 4), Text.grouped(Int($0.qps.rounded())),
          Text.grouped(Int($0.scored.rounded())), Text.fixed($0.compared, 1),
        ]
      }
      let table = Text.table(
        [["ef", "recall@\(limit)", "QPS", "scored", "compared"]] + rows,
        right: [0, 1, 2, 3, 4]
      )
      return try StandardOutput.write(table)
    }
    try StandardOutput.writeJSON { writer in
      writeConditions(queries: queries, to: &writer)
      writer.key("points")
      writer.array { array in
        for point in points {
          array.object {
            $0.member("ef", point.ef)
            $0.member("recall", rounded: point.recall, 4)
            $0.member("qps", rounded: point.qps, 0)
            $0.member("scored", rounded: point.scored, 1)
            $0.member("compared", rounded: point.compared, 1)
          }
        }
      }
    }
  }

  private func writeConditions(queries: Int, to writer: inout JSONWriter) {
    writer.member("collection", collection.collection)
    writer.member("queries", queries)
    writer.member("limit", limit)
    writer.member("truth", exact ? "exact" : "file")
  }

  private func report(
    _ targets: [(choice: RecallChoice, point: RecallSweep.Point)],
    queries: Int
  ) throws {
    guard json.json else {
      let rows = targets.map { choice, point in
        [
          "\(choice.targetRecall)", choice.efSearch.map(String.init) ?? "all",
          choice.isPromised ? Text.fixed(choice.estimate?.lowerBound ?? 0, 4) : "-",
          Text.fixed(point.recall, 4), Text.grouped(Int(point.qps.rounded())),
        ]
      }
      let table = Text.table(
        [["target", "ef", "promised", "recall@\(limit)", "QPS"]] + rows,
        right: [0, 1, 2, 3, 4]
      )
      return try StandardOutput.write(table)
    }
    try StandardOutput.writeJSON { writer in
      writeConditions(queries: queries, to: &writer)
      writer.key("targets")
      writer.array { array in
        for (choice, point) in targets {
          array.object {
            $0.member("target", rounded: choice.targetRecall, 6)
            $0.member("ef", point.ef)
            $0.member("promised", choice.isPromised)
            $0.member("lower_bound", rounded: choice.estimate?.lowerBound ?? 0, 4)
            $0.member("recall", rounded: point.recall, 4)
            $0.member("qps", rounded: point.qps, 0)
          }
        }
      }
    }
  }
}
