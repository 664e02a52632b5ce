import ArgumentParser
import VDB
import VDBIngest

/// The command `vdbtool import`.
struct ImportCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "import",
    abstract: "Store vectors and their records, or texts.",
    discussion: """
      Creates the store and the collection when they are missing. A record whose id is there \
      already takes its place, so the same import may be run again, for instance after Ctrl-C. \
      Rows are found by queries as soon as they are committed, indexed or not.

      Vectors are read from .npy (f2, f4, f8, i1, u1), .fvecs, .bvecs, .fbin, .u8bin, .i8bin, or \
      JSON Lines with {"id", "vector", "text", "original", "metadata"}, where the original is the \
      text before cleaning; other keys become metadata. Line i of \
      the records belongs to row i of the vectors. Without ids a row's number is its id.

      Texts are cleaned, embedded and stored side by side; those without an id get one that is \
      derived from the text. Of equal texts the first is kept. Where cleaning changes a text, what it \
      was is kept beside it. What the collection has already is left out, so an import that was \
      interrupted or failed in part is finished by running it again; with --resume the part of the \
      file that was committed is not even read. --retry-failed tries again what a report says failed. \
      What comes slowly on standard input is stored after a second without more.

      With --embed none, or --preset fast without --embed, the records have no vectors: they are \
      fetched by id, and searched once they are reprocessed into a collection with vectors.

      EXAMPLES
        vdbtool import notes.vdb --file notes.jsonl --embed builtin
        vdbtool import notes.vdb --file notes/ --report report.json
        vdbtool import notes.vdb --file notes/ --retry-failed report.json
        vdbtool import notes.vdb --file notes.jsonl --resume
        vdbtool import dump.vdb --file dump.jsonl --preset fast
        vdbtool import notes.vdb --file notes.jsonl --embed openai \
          --model text-embedding-3-small --dimensions 512
        vdbtool import notes.vdb --vectors vectors.npy --records notes.jsonl
        vdbtool import photos.vdb --vectors sift.u8bin --metric l2 --wait
        gunzip -c r.jsonl.gz | vdbtool import notes.vdb --vectors v.npy --records -
      """
  )

  @OptionGroup var store: StoreArgument

  @Option(
    help: ArgumentHelp(
      "The file of vectors; - is JSON Lines on standard input.",
      valueName: "file"
    ),
    completion: .file()
  )
  var vectors: String?

  @Option(
    help: ArgumentHelp("JSON Lines for the vectors' rows; - is standard input.", valueName: "file"),
    completion: .file()
  )
  var records: String?

  @OptionGroup(title: "Texts") var texts: TextImportOptions

  @OptionGroup var collection: CollectionOption
  @OptionGroup var new: NewCollectionOptions

  @Option(help: ArgumentHelp("Rows a commit.", valueName: "n"))
  var batchSize = 1000

  @OptionGroup(title: "Model") var service: ServiceOptions

  @OptionGroup var indexer: IndexingOption

  @Flag(help: "Wait until all rows are in the index.")
  var wait = false

  @OptionGroup var json: JSONFlag
  @OptionGroup var quiet: QuietFlag

  func validate() throws {
    if (vectors == nil) == (texts.file == nil) {
      throw ValidationError("Give either --vectors FILE or --file FILE.")
    }
    if texts.file == nil, let stray = texts.strayNames.first {
      throw ValidationError("\(stray) goes with --file.")
    }
    if texts.file != nil, records != nil { throw ValidationError("--records goes with --vectors.") }
    try service.validate(with: texts.embed)
    if texts.file != nil, service.model != nil, texts.embed?.isService != true {
      throw ValidationError(
        "--model goes with --vectors, or with an --embed that is a service: "
          + "\(ServiceOptions.names)."
      )
    }
    try requirePositive(batchSize, "batch-size")
  }

  func run() async throws {
    if let file = texts.file { return try await importTexts(file) }
    guard let vectors else { return }
    let reader = try BatchReader(vectors: vectors, records: records, batchSize: batchSize)
    // Only now: opening may wait for a first record, and until then Ctrl-C has nothing to keep.
    let interrupt = Interrupt()
    let progress = Progress(isQuiet: quiet.quiet)
    let start = ContinuousClock.now
    let (dimension, element) = (reader.dimension, reader.element)
    let store = try VectorStore.open(
      at: store.store,
      options: StoreOptions(indexingThreads: indexer.indexingThreads)
    )
    var outcome = ImportRun.Outcome()
    var importSeconds = 0.0
    var info: CollectionInfo?
    var isNew = false
    do {
      isNew = try await new.ensure(
        collection.collection,
        in: store,
        dimension: dimension,
        element: element,
        model: service.model
      )
      let run = ImportRun(
        store: store,
        collection: collection.collection,
        model: service.model,
        progress: progress,
        interrupt: interrupt
      )
      outcome = await run.run(reader)
      importSeconds = (ContinuousClock.now - start) / .seconds(1)
      if wait, !outcome.wasInterrupted, outcome.failure == nil {
        let index = IndexRun(
          store: store,
          collection: collection.collection,
          progress: progress,
          interrupt: interrupt
        )
        outcome.wasInterrupted = try await !index.run()
      }
      info = try store.collection(collection.collection)
    } catch {
      progress.finish()
      do { try await store.close() } catch { StandardError.write("vdbtool: \(error)\n") }
      throw error
    }
    progress.finish()
    try await store.close()
    try report(outcome, info, isNew: isNew, importSeconds, start)
  }

  private func report(
    _ outcome: ImportRun.Outcome,
    _ info: CollectionInfo?,
    isNew: Bool,
    _ importSeconds: Double,
    _ start: ContinuousClock.Instant
  ) throws {
    let committed = "\(Text.grouped(outcome.rows)) rows are committed"
    if let failure = outcome.failure {
      throw Failure(status: failure.status, message: "\(failure.message ?? "") (\(committed).)")
    }
    if outcome.wasInterrupted {
      throw Failure(
        status: .interrupted,
        message: "Interrupted: \(committed). Run the same command again to import all rows."
      )
    }
    let name = collection.collection
    let rate = importSeconds > 0 ? Double(outcome.rows) / importSeconds : 0
    let backlog = info?.backlog ?? 0
    if json.json {
      try StandardOutput.writeJSON {
        $0.member("collection", name)
        $0.member("rows", outcome.rows)
        $0.member("inserted", outcome.inserted)
        $0.member("replaced", outcome.replaced)
        $0.member("last_sequence", outcome.last.value)
        $0.member("import_seconds", rounded: importSeconds, 3)
        $0.member("rows_per_second", rounded: rate, 0)
        $0.member("seconds", rounded: (ContinuousClock.now - start) / .seconds(1), 3)
        $0.member("indexed", info?.indexed ?? 0)
        $0.member("backlog", backlog)
      }
    } else {
      var text =
        "Imported \(Text.grouped(outcome.rows)) rows into '\(name)' in "
        + "\(Text.duration(importSeconds)) (\(Text.grouped(Int(rate)))/s): "
        + "\(Text.grouped(outcome.inserted)) new, \(Text.grouped(outcome.replaced)) replaced.\n"
      if backlog > 0 {
        text +=
          "\(Text.grouped(backlog)) rows are not in the index yet; queries find them all the "
          + "same, and 'vdbtool index \(store.store)' indexes them now.\n"
      }
      try StandardOutput.write(text)
    }
    if isNew, outcome.replaced > 0 {
      StandardError.write(
        "vdbtool: \(Text.grouped(outcome.replaced)) ids occur more than once in the input; "
          + "the last record of each was kept.\n"
      )
    }
  }
}
