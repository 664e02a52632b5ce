internal import VDB

/// One run of the pipeline: read → clean ×N → select → embed ×N → write, each a task or some.
///
/// The stages in the middle are parallel but hand on in the order of the input, so that which of two
/// equal texts is kept, and in which order rows are committed, does not depend on timing.
final class IngestRun: Sendable {
  private let reader: SourceReader
  private let settings: IngestSettings
  private let configuration: IngestConfiguration
  private let cleaning: ParallelStage<[TextEntry], CleanedChunk>
  private let embedding: ParallelStage<EmbeddingJob, EmbeddedBatch>
  private let step: EmbeddingStep
  let meter: IngestMeter

  init(
    reader: SourceReader,
    settings: IngestSettings,
    configuration: IngestConfiguration,
    step: EmbeddingStep
  ) {
    self.reader = reader
    self.settings = settings
    self.configuration = configuration
    self.step = step
    meter = step.meter
    cleaning = ParallelStage(workers: settings.workers, depth: settings.queueDepth)
    embedding = ParallelStage(workers: settings.workers, depth: settings.queueDepth)
  }

  /// Runs to the end of the source, the first fatal error, or cancellation.
  ///
  /// - Throws: ``IngestStopped``.
  func run() async throws -> IngestReport {
    let hitsBefore = step.embedder.cacheHits
    await withTaskCancellationHandler {
      await withTaskGroup { group in
        group.addTask { await self.read() }
        group.addTask { await self.select() }
        group.addTask { await self.write() }
        for _ in 0..<settings.workers {
          group.addTask { [cleaner = configuration.cleaner, meter] in
            await self.cleaning.work { entries in
              let chunk = CleanedChunk(entries, cleaner: cleaner)
              meter.update { $0.cleaned += entries.count }
              return chunk
            }
          }
          group.addTask { await self.embedding.work { await self.step.run($0) } }
        }
      }
    } onCancel: {
      meter.stop(CancellationError())
      cancel()
    }
    var (report, failure) = meter.finish()
    report.embedding.model = step.embedder.modelIdentity
    report.embedding.cacheHits = step.embedder.cacheHits - hitsBefore
    report.advise()
    if let failure { throw IngestStopped(report: report, cause: failure) }
    return report
  }

  var status: IngestStatus {
    meter.status(queues: [
      (0, 0), (cleaning.depth, cleaning.capacity), (embedding.depth, embedding.capacity), (0, 0),
    ])
  }

  private func cancel() {
    reader.cancel()
    cleaning.cancel()
    embedding.cancel()
  }

  private func read() async {
    defer { cleaning.finish() }
    do {
      while true {
        let page = try await reader.next(settings.loadBatch)
        meter.update { state in
          state.report.total += page.entries?.count ?? 0
          if let share = page.share { state.share = share }
        }
        guard let entries = page.entries else { return }
        for start in stride(from: 0, to: entries.count, by: settings.cleanBatch) {
          let end = min(start + settings.cleanBatch, entries.count)
          guard await cleaning.submit(Array(entries[start..<end])) else { return }
        }
      }
    } catch {
      // What was read before is stored all the same.
      meter.stop(error)
    }
  }

  private func select() async {
    defer { embedding.finish() }
    var selection = Selection(
      allowsDuplicates: configuration.allowsDuplicates,
      only: configuration.only
    )
    var records: [TextRecord] = []
    var index = 0
    while let chunk = await cleaning.next() {
      var (duplicates, skipped) = (0, 0)
      for item in chunk.items {
        switch selection.judge(item) {
        case .duplicate: duplicates += 1
        case .skipped: skipped += 1
        case .take(let record):
          records.append(record)
          guard records.count >= settings.embedBatch else { continue }
          guard await embedding.submit(EmbeddingJob(index: index, records: records)) else { return }
          records = []
          index += 1
        }
      }
      meter.update { [duplicates, skipped] state in
        state.report.rejected += chunk.rejected
        state.report.duplicates += duplicates
        state.report.skipped += skipped
      }
    }
    if !records.isEmpty {
      _ = await embedding.submit(EmbeddingJob(index: index, records: records))
    }
  }

  private func write() async {
    var step = WritingStep(
      store: step.store,
      collection: step.collection,
      embedder: step.embedder,
      settings: settings,
      retryDelay: configuration.retryDelay,
      meter: meter
    )
    do throws(VectorStoreError) {
      while let batch = await embedding.next() { try await step.add(batch) }
      try await step.flush()
    } catch {
      meter.stop(error == .cancelled ? CancellationError() : error)
      cancel()
      await step.abandon()
    }
  }
}
