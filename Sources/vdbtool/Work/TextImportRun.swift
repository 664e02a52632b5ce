import VDB
import VDBIngest

/// Imports texts from a source and says what became of them.
struct TextImportRun {
  let options: TextImportOptions
  let service: ServiceOptions
  let collection: String
  let new: NewCollectionOptions
  let isQuiet: Bool

  /// The report, and why the import ended early if it did.
  struct Outcome {
    var report: IngestReport
    var failure: Failure?
  }

  func run(_ path: String, in store: VectorStore, interrupt: Interrupt) async throws -> Outcome {
    let source = try options.open(path)
    let configuration = try options.configuration()
    let existing = try store.findCollection(collection)
    // A service is asked for a first vector here, and may take its time.
    let embedder = try await interrupt.cancelling { [options, service] in
      try await options.embedder(service, for: existing)
    }
    // Options that contradict an existing collection are refused before anything is read.
    _ = try await new.ensure(
      collection,
      in: store,
      dimension: embedder.dimension,
      element: new.element ?? .float32,
      model: embedder.pinnedModel
    )
    let ingestor = try await TextIngestor(
      into: collection,
      of: store,
      embedder: options.pipeline.keeping(embedder, in: store),
      configuration: configuration
    )
    return try await run(ingestor, source, interrupt)
  }

  private func run(
    _ ingestor: TextIngestor,
    _ source: sending any TextSource,
    _ interrupt: Interrupt
  ) async throws -> Outcome {
    let view = StageView(isQuiet: isQuiet)
    let progress = ingestor.progress()
    let watch = Task { for await status in progress { view.show(status) } }
    let box = SourceBox(source)
    let work = Task { try await ingestor.insert(box.take()) }
    interrupt.onRaise { work.cancel() }
    let result = await work.result
    watch.cancel()
    await watch.value
    view.finish()
    do {
      return Outcome(report: try result.get())
    } catch let stopped as IngestStopped {
      let cause = Failure(stopped.cause) ?? Failure(status: .internal, message: "\(stopped.cause)")
      return Outcome(report: stopped.report, failure: cause)
    }
  }
}

extension TextImportRun.Outcome {
  /// One line for people, with what stood out.
  func text(_ collection: String) -> String {
    var parts = [
      "\(Text.grouped(report.inserted)) new", "\(Text.grouped(report.replaced)) replaced",
    ]
    let others = [
      (report.unchanged, "stored before"), (report.duplicates, "duplicates"),
      (report.rejected, "empty"), (report.skipped, "not among those that failed"),
      (report.failed, "failed"),
    ]
    for (count, name) in others where count > 0 { parts.append("\(Text.grouped(count)) \(name)") }
    let settings = report.settings
    let model =
      report.embedding.model == NoEmbedder().modelIdentity
      ? "No vectors" : "Model \(report.embedding.model)"
    var text = """
      Read \(Text.grouped(report.total)) texts into '\(collection)' in \
      \(Text.duration(report.elapsedSeconds)) (\(Text.grouped(Int(report.throughput)))/s): \
      \(parts.joined(separator: ", ")).
      \(model); \(settings.workers) workers, batches: load \
      \(settings.loadBatch), clean \(settings.cleanBatch), embed \(settings.embedBatch), write \
      \(settings.writeBatch).

      """
    if let resumption = report.resumption {
      text +=
        resumption.note.map { $0 + "\n" }
        ?? "Went on after \(Text.grouped(resumption.entries)) texts that were committed before.\n"
    }
    if let retry = report.retry {
      text +=
        "Tried again \(Text.grouped(retry.found)) of \(Text.grouped(retry.wanted)) texts that failed "
        + "before.\n"
    }
    for advice in report.advice { text += advice + "\n" }
    return text
  }
}

/// Gives a source to the one task that reads it.
private final class SourceBox: Sendable {
  private let source: Guarded<(any TextSource)?>

  init(_ source: sending any TextSource) { self.source = Guarded(source) }

  func take() -> sending any TextSource {
    source.withLock { $0.take() } ?? TextList([])
  }
}
