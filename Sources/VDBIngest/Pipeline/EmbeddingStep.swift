internal import VDB

/// Texts of one embedding call.
struct EmbeddingJob: Sendable {
  let index: Int
  var records: [TextRecord]
}

/// What came of them: records with their vectors side by side, all of one batch.
struct EmbeddedBatch: Sendable {
  let index: Int
  var records: [TextRecord] = []
  var vectors: [Float] = []
  /// Why the store could not be asked for the records; nothing can be written then either.
  var failure: VectorStoreError?
}

/// Leaves out what is stored, embeds the rest, tries again what fails, and checks what comes back.
struct EmbeddingStep: Sendable {
  let store: VectorStore
  let collection: String
  let embedder: any Embedder
  let skipsStored: Bool
  /// Whether a vector without a direction is of no use.
  let needsDirection: Bool
  let retry: RetryPolicy
  let meter: IngestMeter

  /// Never throws: what fails is in the meter, under the batch's index.
  func run(_ job: EmbeddingJob) async -> EmbeddedBatch {
    var job = job
    var batch = EmbeddedBatch(index: job.index)
    if skipsStored {
      do throws(VectorStoreError) {
        try leaveOutStored(&job)
      } catch {
        batch.failure = error
        meter.fail(job.records.map(\.id), batch: job.index, errors: ["\(error)"])
        return batch
      }
    }
    if job.records.isEmpty { return batch }
    await embed(job.records, into: &batch)
    meter.update { [count = batch.records.count] in $0.embedded += count }
    return batch
  }

  private func leaveOutStored(_ job: inout EmbeddingJob) throws(VectorStoreError) {
    let stored = try store.get(
      job.records.map(\.id),
      from: collection,
      including: [.metadata, .document]
    )
    let all = job.records.count
    var left: [TextRecord] = []
    for (record, known) in zip(job.records, stored) {
      // A record that repeats an id must be written after the one before it, whatever is stored now.
      if let known, !record.repeatsID, known.document == record.text,
        known.metadata == record.metadata
      {
        continue
      }
      left.append(record)
    }
    job.records = left
    meter.update { [unchanged = all - left.count] in $0.report.unchanged += unchanged }
  }

  /// Embeds all records, in parts when the model asks for smaller calls; a part that keeps failing is
  /// reported, and the others are kept.
  private func embed(_ records: [TextRecord], into batch: inout EmbeddedBatch) async {
    var errors: [String] = []
    while true {
      let start = ContinuousClock.now
      let failure: EmbeddingError
      do throws(EmbeddingError) {
        let vectors = try await embedder.embedWherePossible(records.map(\.text))
        count(records.count, since: start, isRepeated: !errors.isEmpty)
        keep(records, vectors, in: &batch)
        return
      } catch {
        failure = error
      }
      count(0, since: start, isRepeated: !errors.isEmpty)
      if Task.isCancelled { return }
      if failure.wantsSmallerBatch, records.count > 1 {
        let middle = records.count / 2
        await embed(Array(records[..<middle]), into: &batch)
        await embed(Array(records[middle...]), into: &batch)
        return
      }
      errors.append("\(failure)")
      guard let wait = retry.wait(before: errors.count - 1, after: failure) else { break }
      do { try await retry.sleep(wait) } catch { return }
    }
    meter.fail(records.map(\.id), batch: batch.index, errors: errors)
  }

  private func count(_ texts: Int, since start: ContinuousClock.Instant, isRepeated: Bool) {
    let seconds = (ContinuousClock.now - start) / .seconds(1)
    meter.update { state in
      state.report.embedding.calls += 1
      state.report.embedding.repeatedCalls += isRepeated ? 1 : 0
      state.report.embedding.texts += texts
      state.report.embedding.seconds += seconds
    }
  }

  /// Moves into the batch what has a vector with a direction; the rest cannot be stored or found.
  private func keep(_ records: [TextRecord], _ vectors: [[Float]?], in batch: inout EmbeddedBatch) {
    batch.vectors.reserveCapacity(batch.vectors.count + records.count * embedder.dimension)
    var without: [RecordID] = []
    for (record, vector) in zip(records, vectors) {
      guard let vector, !needsDirection || vector.contains(where: { abs($0) > 1e-18 }) else {
        without.append(record.id)
        continue
      }
      batch.records.append(record)
      batch.vectors += vector
    }
    if without.isEmpty { return }
    let error = "The model finds nothing that it knows in the text, so there is no vector."
    meter.fail(without, batch: batch.index, errors: [error])
  }
}
