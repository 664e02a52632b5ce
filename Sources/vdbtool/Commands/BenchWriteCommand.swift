import ArgumentParser
import Foundation
import VDB
import VDBIngest

/// The command `vdbtool bench write`.
struct BenchWriteCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "write",
    abstract: "Durable rows a second, beside plain appended writes of the same bytes.",
    discussion: """
      Inserts made-up rows with ids and metadata into a fresh store and, by turns of 128 MB, appends \
      the same number of bytes to a plain file with one fdatasync a batch: the disk's own limit, in \
      the same run. Rows are made outside of the measured time. A receipt is given when its batch is synced. \
      Like import, the one caller queues further batches meanwhile, and those that wait together \
      share a sync; --in-flight 1 waits for each receipt before the next batch.

      With --callers the same batches come from many callers at once, each after their own receipt, and \
      from one alone, into a store each: first as fast as they can, by turns of 20 batches a caller, then \
      at the same time and the same rate, a share (--load) of what one caller reached. There latency \
      counts from the moment at which a batch was due, also when its caller still waited for the receipt \
      before. Each of the many looks its batch up as soon as it has the receipt.

      Bytes written are those of all calls that write, as Linux counts them for this process, over \
      the bytes of vectors, ids and metadata; with --index they include the index and the table of \
      ids. Beside it stands what became dirty in the page cache, which counts whole folios.

      EXAMPLES
        vdbtool bench write
        vdbtool bench write --rows 1000000 --in-flight 1 --json
        vdbtool bench write --rows 200000 --batch-size 10 --index
        vdbtool bench write --rows 2000 --batch-size 1 --callers 20
        vdbtool bench write --rows 100000 --batch-size 100 --callers 20
      """
  )

  @Option(help: ArgumentHelp("Rows to insert.", valueName: "n"))
  var rows = 200_000
  @OptionGroup var madeUp: MadeUpRowsOptions
  @Option(help: ArgumentHelp("Rows of a commit.", valueName: "n"))
  var batchSize = 1000
  @Option(
    help: ArgumentHelp(
      "Batches that a caller has waiting at once; as import, up to 16, or 1 with --callers.",
      valueName: "n"
    )
  )
  var inFlight: Int?
  @Option(help: ArgumentHelp("Callers that insert at the same time.", valueName: "n"))
  var callers = 1
  @Option(
    help: ArgumentHelp(
      "The share of one caller's rate at which latencies of one and of all are compared.",
      valueName: "share"
    )
  )
  var load = 0.25
  @Flag(help: "Index in the background, and wait for it after the measured time.")
  var index = false
  @OptionGroup var scratch: ScratchOption
  @OptionGroup var json: JSONFlag

  func validate() throws {
    try requirePositive(rows, "rows")
    try requirePositive(batchSize, "batch-size")
    try requirePositive(inFlight, "in-flight")
    try requirePositive(callers, "callers")
    guard load > 0, load <= 1 else {
      throw ValidationError("--load must be above 0 and at most 1, not \(load).")
    }
  }

  func run() async throws {
    let folder = try scratch.makeFolder()
    defer { BenchANNCommand.remove(folder) }
    let pattern = madeUp.rows
    let asImport = ImportRun.inFlight(batchBytes: batchSize * pattern.bytesPerRow)
    let insertion = WriteLoad(
      pattern: pattern,
      rows: rows,
      batchSize: batchSize,
      inFlight: inFlight ?? (callers > 1 ? 1 : asImport),
      callers: callers,
      isIndexed: index
    )
    var report = WriteReport(load: insertion)
    let plain = try PlainFile(
      at: folder + "/plain",
      batchBytes: batchSize * pattern.bytesPerRow
    )
    report.store = try await insertion.insert(at: folder + "/store", besides: plain)
    if callers > 1 {
      let free = try await insertion.compareCallers(pace: nil, at: folder + "/free")
      let pace = load * Double(insertion.batches) / free.one.seconds
      report.free = free
      report.paced = try await insertion.compareCallers(pace: pace, at: folder + "/paced")
    }
    if json.json {
      try StandardOutput.writeJSON { report.write(to: &$0) }
    } else {
      try StandardOutput.write(report.text)
    }
  }
}
