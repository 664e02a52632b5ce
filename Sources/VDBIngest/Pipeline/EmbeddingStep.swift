internal import VDB

/// Texts of one embedding call.
struct EmbeddingJob: Sendable {
  let index: Int
  var records: [TextRecord]
  /// Pages that end with these records.
  var ends: [PageEnd] = []
  /// Whether everything up to here is to be committed.
  var flushes = false
}

/// What came of them: records with their vectors side by side, all of one batch.
struct EmbeddedBatch: Sendable {
  let index: Int
  /// Pages that end with these records.
  var ends: [PageEnd] = []
  /// Whether everything up to here is to be committed.
  var flushes = false
  var records: [TextRecord] = []
  var vectors: [Float] = []
  /// Whether the run was cancelled before all records had their vectors, or just afterwards.
  var isCut = false
  /// Why the store could not be asked for the records; nothing can be written then either.
  var failure: VectorStoreError?
}

/// Leaves out what is stored, embeds the rest, tries again what fails, and checks what comes back.
struct EmbeddingStep: Sendable {
  let store: VectorStore
  let collection: String
  let embedder: any Embedder
  let skipsStored: Bool
  let keepsOriginals: Bool
  /// Whether a vector without a direction is of no use.
  let needsDirection: Bool
  let retry: RetryPolicy
  let meter: IngestMeter

  /// Texts that are sent alone to see whether a service refuses any.
  private static let probes = 4
  /// The most texts of a refused call that are sent in parts without asking that first.
  private static let fewTexts = 8

  /// Never throws: what fails is in the meter, under the batch's index.
  func run(_ job: EmbeddingJob) async -> EmbeddedBatch {
    var job = job
    var batch = EmbeddedBatch(index: job.index, ends: job.ends, flushes: job.flushes)
    if skipsStored, !job.records.isEmpty {
      do throws(VectorStoreError) {
        try leaveOutStored(&job)
      } catch {
        batch.failure = error
        meter.fail(job.records.map(\.id), batch: job.index, errors: ["\(error)"])
        return batch
      }
    }
    if job.records.isEmpty { return batch }
    if embedder.dimension == 0 {
      batch.records = job.records
      return batch
    }
    await embed(job.records, into: &batch)
    batch.isCut = Task.isCancelled
    meter.update { [count = batch.records.count] in $0.embedded += count }
    return batch
  }

  private func leaveOutStored(_ job: inout EmbeddingJob) throws(VectorStoreError) {
    let stored = try store.get(
      job.records.map(\.id),
      from: collection,
      including: [.metadata, .document, .original]
    )
    let all = job.records.count
    var left: [TextRecord] = []
    for (record, known) in zip(job.records, stored) {
      // A record that repeats an id must be written after the one before it, whatever is stored now.
      if let known, !record.repeatsID, known.document == record.text,
        known.metadata == record.metadata, hasSameOriginal(record, known)
      {
        continue
      }
      left.append(record)
    }
    job.records = left
    meter.update { [unchanged = all - left.count] in $0.report.unchanged += unchanged }
  }

  private func hasSameOriginal(_ record: TextRecord, _ known: Record) -> Bool {
    if !keepsOriginals { return true }
    guard let original = record.original else { return known.original == nil }
    return known.original?.hasBytes(of: original) == true
  }

  /// Embeds all records, in parts when the model asks for smaller calls or may refuse one of the texts;
  /// a part that keeps failing is reported, and the others are kept.
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
      if records.count > 1, failure.mayConcernOneText {
        let known = await refusalOfAny(of: records)
        if Task.isCancelled { return }
        if let known {
          errors += ["\(failure)", "\(known)"]
          break
        }
      }
      if failure.wantsSmallerBatch || failure.mayConcernOneText, records.count > 1 {
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

  /// What a service says of any text, when it refuses all: then it costs no call for each of them.
  ///
  /// Texts spread over the list are sent alone. One that passes, or that is refused in other words than
  /// the one before it, shows that texts differ. With few texts it is not asked, since finding out which
  /// are refused costs little more.
  private func refusalOfAny(of records: [TextRecord]) async -> EmbeddingError? {
    guard records.count > Self.fewTexts else { return nil }
    var known: EmbeddingError?
    for number in 0..<Self.probes {
      let text = records[number * (records.count - 1) / (Self.probes - 1)].text
      let start = ContinuousClock.now
      do throws(EmbeddingError) {
        _ = try await embedder.embedWherePossible([text])
        count(0, since: start, isRepeated: false)
        return nil
      } catch {
        count(0, since: start, isRepeated: false)
        guard error.mayConcernOneText, known == nil || known == error else { return nil }
        known = error
      }
    }
    return known
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
