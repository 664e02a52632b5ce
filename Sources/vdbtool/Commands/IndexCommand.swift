import ArgumentParser
import VDB
import VDBIngest

/// The command `vdbtool index`.
struct IndexCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "index",
    abstract: "Bring all rows of a collection into its index now.",
    discussion: """
      Ctrl-C ends it without loss; what is indexed by then may be indexed again.

      EXAMPLES
        vdbtool index notes.vdb
        vdbtool index notes.vdb --collection drafts --threads 2 --json
      """
  )

  @OptionGroup var store: StoreArgument
  @OptionGroup var collection: CollectionOption

  @Option(help: ArgumentHelp("Threads; all cores by default.", valueName: "n"))
  var threads: Int?

  @OptionGroup var json: JSONFlag
  @OptionGroup var quiet: QuietFlag

  func validate() throws { try requirePositive(threads, "threads") }

  func run() async throws {
    let interrupt = Interrupt()
    let progress = Progress(isQuiet: quiet.quiet)
    let options = StoreOptions(mode: .readWriteExisting, indexingThreads: threads)
    let start = ContinuousClock.now
    let (before, after) = try await VectorStore.with(store.store, options) { store in
      defer { progress.finish() }
      let before = try store.collection(collection.collection)
      let run = IndexRun(
        store: store,
        collection: collection.collection,
        progress: progress,
        interrupt: interrupt
      )
      guard try await run.run() else {
        throw Failure(
          status: .interrupted,
          message: "Interrupted; nothing is lost. Run the command again to index the rest."
        )
      }
      return (before, try store.collection(collection.collection))
    }
    let seconds = (ContinuousClock.now - start) / .seconds(1)
    let rows = after.indexed - before.indexed
    guard json.json else {
      return try StandardOutput.write(
        "Indexed \(Text.grouped(rows)) rows of '\(after.name)' in \(Text.duration(seconds)); "
          + "\(Text.grouped(after.indexed)) of \(Text.grouped(after.rows)) are in the index.\n"
      )
    }
    try StandardOutput.writeJSON {
      $0.member("collection", after.name)
      $0.member("rows", after.rows)
      $0.member("indexed", after.indexed)
      $0.member("newly_indexed", rows)
      $0.member("seconds", rounded: seconds, 3)
    }
  }
}
