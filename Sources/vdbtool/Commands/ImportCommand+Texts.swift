import VDB
import VDBIngest

extension ImportCommand {
  /// Imports texts: opens the store, runs the pipeline, and waits for the index if that is wanted.
  func importTexts(_ file: String) async throws {
    let interrupt = Interrupt()
    let options = StoreOptions(indexingThreads: indexer.indexingThreads)
    let name = collection.collection
    let run = TextImportRun(
      options: texts,
      service: service,
      collection: name,
      new: new,
      isQuiet: quiet.quiet
    )
    let (outcome, backlog) = try await VectorStore.with(store.store, options) { store in
      var outcome = try await run.run(file, in: store, interrupt: interrupt)
      if wait, outcome.failure == nil {
        let progress = Progress(isQuiet: quiet.quiet)
        let index = IndexRun(
          store: store,
          collection: name,
          progress: progress,
          interrupt: interrupt
        )
        if try await !index.run() {
          outcome.failure = Failure(status: .interrupted, message: "Interrupted while indexing.")
        }
        progress.finish()
      }
      return (outcome, try store.collection(name).backlog)
    }
    if let path = texts.pipeline.report { try outcome.report.write(to: path) }
    if json.json {
      try StandardOutput.writeJSON(outcome.report)
    } else {
      try StandardOutput.write(outcome.text(name))
      if backlog > 0, outcome.failure == nil {
        try StandardOutput.write(
          "\(Text.grouped(backlog)) rows are not in the index yet; queries find them all the same.\n"
        )
      }
    }
    let stored = "\(Text.grouped(outcome.report.stored)) texts are stored"
    if let failure = outcome.failure {
      throw Failure(
        status: failure.status,
        message: "\(failure.message ?? "") \(stored); run the same command with --resume to go on."
      )
    }
    if let failed = outcome.report.failedText {
      throw Failure(
        status: .data,
        message:
          "\(failed) \(stored); --report FILE tells which ones failed, --retry-failed FILE tries them again."
      )
    }
  }
}
