import ArgumentParser
import VDB
import VDBIngest

/// What `reprocess` cleans texts with.
enum CleaningName: String, CaseIterable, ExpressibleByArgument {
  case standard, fast, none

  var chain: CleaningChain {
    switch self {
    case .standard: .standard
    case .fast: .fast
    case .none: CleaningChain([Length()])
    }
  }
}

/// The command `vdbtool reprocess`.
struct ReprocessCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "reprocess",
    abstract: "Clean and embed a collection's texts anew, into another collection.",
    discussion: """
      Reads the texts as they were before cleaning, where they were kept, else the texts stored, all \
      of one committed state; ids and metadata stay. Queries go on meanwhile. The new collection is \
      like the old one but for model and dimension, unless told otherwise. After Ctrl-C or a failure \
      the same command goes on: what the new collection has already is left out.

      With --alias a name stands for the new collection once all of it is stored and indexed; readers \
      that ask for that name switch in one commit.

      EXAMPLES
        vdbtool reprocess notes.vdb --collection notes --into notes-2 --embed models/potion/
        vdbtool reprocess notes.vdb --collection notes --into notes-2 --alias current
        vdbtool reprocess notes.vdb --into notes-3 --embed openai --model text-embedding-3-small
        vdbtool reprocess notes.vdb --into clean --clean fast --workers 4 --report report.json --json
      """
  )

  @OptionGroup var store: StoreArgument
  @OptionGroup var collection: CollectionOption

  @Option(
    help: ArgumentHelp("The collection to write; made when it is missing.", valueName: "name")
  )
  var into: String

  @Option(
    help: ArgumentHelp(
      "What makes the new vectors: builtin, hash, a folder of a model, or a service "
        + "(\(ServiceOptions.names))."
    )
  )
  var embed = EmbedderName.builtin

  @OptionGroup(title: "Model") var service: ServiceOptions

  @Option(help: "How thoroughly texts are cleaned; none refuses empty ones only.")
  var clean = CleaningName.standard

  @Option(
    help: ArgumentHelp("A name that stands for the new collection in the end.", valueName: "name")
  )
  var alias: String?

  @Option(help: "How distance is measured; by default as in the collection read.")
  var metric: Metric?

  @Option(help: "How numbers are kept; by default as in the collection read.")
  var element: ElementType?

  @Option(help: "When rows are indexed; by default as in the collection read.")
  var indexing: IndexingMode?

  @OptionGroup var pipeline: PipelineOptions

  @OptionGroup var indexer: IndexingOption

  @OptionGroup var json: JSONFlag
  @OptionGroup var quiet: QuietFlag

  func validate() throws {
    try service.validate(with: embed)
    if service.model != nil, !embed.isService {
      throw ValidationError(
        "--model goes with an --embed that is a service: \(ServiceOptions.names)."
      )
    }
  }

  func run() async throws {
    let interrupt = Interrupt()
    let options = StoreOptions(mode: .readWriteExisting, indexingThreads: indexer.indexingThreads)
    let outcome = try await VectorStore.with(store.store, options) { store in
      try await run(in: store, interrupt)
    }
    if let path = pipeline.report { try outcome.ingestion.report.write(to: path) }
    if json.json {
      try writeJSON(outcome)
    } else {
      try StandardOutput.write(outcome.ingestion.text(into))
      if let alias = outcome.alias {
        try StandardOutput.write("'\(alias)' stands for '\(into)' now.\n")
      }
    }
    let ingested = outcome.ingestion.report
    let stored = "\(Text.grouped(ingested.stored)) texts are stored"
    let kept = alias.map { ", '\($0)' was not switched" } ?? ""
    if let failure = outcome.ingestion.failure {
      throw Failure(
        status: failure.status,
        message: "\(failure.message ?? "") \(stored)\(kept); run the same command again to go on."
      )
    }
    if let failed = ingested.failedText {
      throw Failure(
        status: .data,
        message:
          "\(failed) \(stored)\(kept); run the same command again to try the others once more."
      )
    }
  }

  private struct Outcome {
    var from: String
    var ingestion: TextImportRun.Outcome
    var alias: String?
  }

  private func run(in store: VectorStore, _ interrupt: Interrupt) async throws -> Outcome {
    let from = try store.collection(collection.collection)
    let plain = try await interrupt.cancelling { [embed, service, into] in
      try await embed.load(service, for: store.findCollection(into))
    }
    let embedder = try await pipeline.keeping(plain, in: store)
    let view = StageView(isQuiet: quiet.quiet)
    let progress = Progress(isQuiet: quiet.quiet)
    let work = Task { [configuration, options = options(like: from.options)] in
      try await reprocess(
        collection.collection,
        into: into,
        of: store,
        embedder: embedder,
        configuration: configuration,
        options: options,
        alias: alias
      ) { state in
        switch state {
        case .texts(let status): view.show(status)
        case .index(let status):
          view.finish()
          progress.update("Indexing", done: status.indexed, total: status.rows)
        }
      }
    }
    interrupt.onRaise { work.cancel() }
    let result = await work.result
    view.finish()
    progress.finish()
    do {
      let report = try result.get()
      return Outcome(
        from: from.name,
        ingestion: TextImportRun.Outcome(report: report.ingestion),
        alias: report.alias
      )
    } catch let stopped as IngestStopped {
      let cause = Failure(stopped.cause) ?? Failure(status: .internal, message: "\(stopped.cause)")
      return Outcome(
        from: from.name,
        ingestion: TextImportRun.Outcome(report: stopped.report, failure: cause)
      )
    }
  }

  private var configuration: IngestConfiguration {
    var configuration = IngestConfiguration(cleaner: clean.chain)
    pipeline.apply(to: &configuration, with: embed)
    return configuration
  }

  /// What the new collection is asked to be; `nil` when nothing was said.
  private func options(like other: CollectionOptions) -> CollectionOptions? {
    if metric == nil, element == nil, indexing == nil { return nil }
    var options = other
    if let metric { options.metric = metric }
    if let element { options.element = element }
    if let indexing { options.indexing = indexing }
    return options
  }

  private func writeJSON(_ outcome: Outcome) throws {
    let text = try outcome.ingestion.report.json()
    try StandardOutput.writeJSON {
      $0.member("collection", outcome.from)
      $0.member("into", into)
      $0.key("alias")
      if let alias = outcome.alias { $0.string(alias) } else { $0.null() }
      $0.key("ingestion")
      $0.raw(text)
    }
  }
}
