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
      Half of the rows are stored and indexed first. One thread searches alone; then on, while rows of \
      the other half are inserted, a synced commit a batch, and indexed; then alone again, in as many \
      turns as --turns says. This is done twice, each time in a new store:

        steady  as in a service: before a commit the inserting thread waits until no more than --backlog \
      rows are stored but not in the index, so rows come as quickly as they are indexed. Linking begins when a \
      256th of the collection waits, 256 to 1024 rows: with less room than for those and a commit, they wait \
      until nothing comes for a while
        burst   as in an import: rows come as fast as the disk takes them; tens of thousands wait for the \
      index, and every search compares all of those

      The rate during the work is given as a share of the rate alone just before and after, and of the \
      fair share of that: \
      all of it where each indexing thread has a core beside the searching one, else cores over threads. \
      The thread that inserts and the writer mostly wait for the disk and are not counted. Where other \
      programs run, compare the rates per second of running: time in which the thread had no core does \
      not count there.

      EXAMPLES
        vdbtool bench mixed --base b.npy --queries q.npy
        vdbtool bench mixed --base b.npy --queries q.npy --steady --backlog 4000
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
  @Flag(help: "Measures only the steady inflow.")
  var steady = false
  @Flag(help: "Measures only the burst.")
  var burst = false
  @Option(help: ArgumentHelp("Rows unlinked at most, when steady.", valueName: "n"))
  var backlog = 600
  @Option(
    help: ArgumentHelp("Rows of a commit; 100 when steady, 1000 in the burst.", valueName: "n")
  )
  var batchSize: Int?
  @Option(
    help: ArgumentHelp(
      "Turns in which the second half comes; 6 when steady, 1 in the burst.",
      valueName: "n"
    )
  )
  var turns: Int?
  @Option(
    help: ArgumentHelp("Seconds of searching alone, before and after a turn.", valueName: "n")
  )
  var seconds = 1.5
  @Flag(help: "Searches leave out the rows that wait for the index: what comparing them costs.")
  var linkedOnly = false
  @OptionGroup var scratch: ScratchOption
  @OptionGroup var json: JSONFlag
  @OptionGroup var quiet: QuietFlag

  func validate() throws {
    try requirePositive(ef, "ef")
    try requirePositive(indexingThreads, "indexing-threads")
    try requirePositive(batchSize, "batch-size")
    try requirePositive(backlog, "backlog")
    try requirePositive(turns, "turns")
    guard seconds > 0, seconds <= 3600 else {
      throw ValidationError("--seconds must be above 0, and 3600 at most, not \(seconds).")
    }
    let size = load(.steady, queries: []).batchSize
    if inflows.contains(.steady), size > backlog {
      throw ValidationError("--backlog \(backlog) must leave room for a commit of \(size) rows.")
    }
  }

  private var inflows: [MixedLoad.Inflow] {
    if steady == burst { return MixedLoad.Inflow.allCases }
    return steady ? [.steady] : [.burst]
  }

  private func load(_ inflow: MixedLoad.Inflow, queries: [[Float]]) -> MixedLoad {
    MixedLoad(
      base: base,
      queries: queries,
      metric: metric,
      efSearch: ef,
      indexingThreads: indexingThreads,
      batchSize: batchSize ?? (inflow == .steady ? 100 : 1_000),
      backlog: inflow == .steady ? backlog : nil,
      turns: turns ?? (inflow == .steady ? 6 : 1),
      seconds: seconds,
      isLinkedOnly: linkedOnly
    )
  }

  func run() async throws {
    let interrupt = Interrupt()
    let source = try QuerySource.all(queries)
    let rows = (0..<source.count).map { source.row($0) }
    let folder = scratch.newFolder
    interrupt.onRaise {
      BenchANNCommand.remove(folder)
      Foundation.exit(ExitStatus.interrupted.rawValue)
    }
    defer { BenchANNCommand.remove(folder) }
    let progress = Progress(isQuiet: quiet.quiet)
    defer { progress.finish() }
    var reports: [MixedReport] = []
    for inflow in inflows {
      let load = load(inflow, queries: rows)
      let figures = try await load.measure(in: folder, progress: progress)
      reports.append(MixedReport(inflow: inflow, load: load, figures: figures))
      BenchANNCommand.remove(folder)
    }
    progress.finish()
    try write(reports)
  }

  private func write(_ reports: [MixedReport]) throws {
    guard json.json else {
      return try StandardOutput.write(reports.map(\.text).joined(separator: "\n"))
    }
    try StandardOutput.writeJSON {
      for report in reports {
        $0.key(report.inflow.rawValue)
        $0.object { report.write(to: &$0) }
      }
      $0.member("cores", reports[0].figures.cores)
      $0.member("threads", reports[0].figures.threads)
      $0.member("ef", ef)
      $0.member("linked_only", linkedOnly)
    }
  }
}
