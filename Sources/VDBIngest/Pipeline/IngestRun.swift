internal import VDB

/// One run of the pipeline: read → clean ×N → select → embed ×N → write, each a task or some.
///
/// The stages in the middle are parallel but hand on in the order of the input, so that which of two
/// equal texts is kept, and in which order rows are committed, does not depend on timing.
final class IngestRun: Sendable {
  private let reader: SourceReader
  private let settings: IngestSettings
  private let configuration: IngestConfiguration
  private let cleaning: ParallelStage<CleaningJob, CleanedChunk>
  private let embedding: ParallelStage<EmbeddingJob, EmbeddedBatch>
  private let step: EmbeddingStep
  private let start: IngestStart
  let meter: IngestMeter

  init(
    reader: SourceReader,
    settings: IngestSettings,
    configuration: IngestConfiguration,
    step: EmbeddingStep,
    start: IngestStart
  ) {
    self.reader = reader
    self.settings = settings
    self.configuration = configuration
    self.step = step
    self.start = start
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
          group.addTask { [cleaner = configuration.cleaner, step, meter] in
            await self.cleaning.work { job in
              let chunk = CleanedChunk(
                job,
                cleaner: cleaner,
                keepsOriginals: step.keepsOriginals
              )
              meter.update { $0.cleaned += job.entries.count }
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
    report.resumption = start.resumption
    if let only = configuration.only {
      report.retry = IngestReport.Retry(
        wanted: only.count,
        found: report.total - report.skipped - report.rejected - report.duplicates
      )
    }
    report.advise()
    if let problem = step.embedder.keepingFailure {
      report.advice.append("Not all vectors were kept for later runs: \(problem)")
    }
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
      var hasUncommitted = false
      while true {
        let page = try await nextPage(flushingWhenIdle: hasUncommitted)
        hasUncommitted = true
        meter.update { state in
          state.report.total += page.entries?.count ?? 0
          if let share = page.share { state.share = share }
        }
        guard let entries = page.entries else {
          meter.update { $0.isSourceAtEnd = true }
          return
        }
        for start in stride(from: 0, to: entries.count, by: settings.cleanBatch) {
          let end = min(start + settings.cleanBatch, entries.count)
          let job = CleaningJob(
            entries: Array(entries[start..<end]),
            end: end == entries.count ? page.position : nil
          )
          guard await cleaning.submit(job) else { return }
        }
      }
    } catch {
      // What was read before is stored all the same.
      meter.stop(error)
    }
  }

  /// The next page; what came before is committed if it keeps the pipeline waiting.
  private func nextPage(flushingWhenIdle: Bool) async throws -> SourceReader.Page {
    guard flushingWhenIdle, let idleTime = configuration.idleTime else {
      return try await reader.next(settings.loadBatch)
    }
    return try await withThrowingTaskGroup(of: SourceReader.Page?.self) { group in
      group.addTask { try await self.reader.next(self.settings.loadBatch) }
      group.addTask {
        do { try await self.configuration.idleTimer(idleTime) } catch { return nil }
        _ = await self.cleaning.submit(CleaningJob(entries: [], flushes: true))
        return nil
      }
      // The group waits for both, so that the flush never comes between parts of a page.
      defer { group.cancelAll() }
      while let result = try await group.next() {
        if let page = result { return page }
      }
      return SourceReader.Page()
    }
  }

  private func select() async {
    defer { embedding.finish() }
    var selection = start.selection
    var entries = start.cursor?.entries ?? 0
    var records: [TextRecord] = []
    /// Pages of which only `records` are not handed on.
    var pending: [PageEnd] = []
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
          let job = EmbeddingJob(index: index, records: records, ends: pending)
          guard await embedding.submit(job) else { return }
          pending = []
          records = []
          index += 1
        }
      }
      entries += chunk.items.count + chunk.rejected
      meter.update { [duplicates, skipped] state in
        state.report.rejected += chunk.rejected
        state.report.originalsLeftOut += chunk.originalsLeftOut
        state.report.duplicates += duplicates
        state.report.skipped += skipped
      }
      if start.cursor != nil, let position = chunk.end {
        // The records of the page that are not under way yet go ahead of its end.
        let end = PageEnd(position: position, log: selection.takeLog(), entries: entries)
        pending.append(end)
      }
      guard chunk.flushes || (records.isEmpty && !pending.isEmpty) else { continue }
      let job = EmbeddingJob(
        index: index,
        records: records,
        ends: pending,
        flushes: chunk.flushes
      )
      guard await embedding.submit(job) else { return }
      if !records.isEmpty { index += 1 }
      (pending, records) = ([], [])
    }
    if !records.isEmpty {
      _ = await embedding.submit(EmbeddingJob(index: index, records: records, ends: pending))
    }
  }

  private func write() async {
    var step = WritingStep(
      store: step.store,
      collection: step.collection,
      embedder: step.embedder,
      settings: settings,
      retryDelay: configuration.retryDelay,
      cursor: start.cursor,
      meter: meter
    )
    do throws(VectorStoreError) {
      while let batch = await embedding.next() { try await step.add(batch) }
      try await step.flush(isComplete: meter.isComplete)
    } catch {
      meter.stop(error == .cancelled ? CancellationError() : error)
      cancel()
      await step.abandon()
    }
  }
}
