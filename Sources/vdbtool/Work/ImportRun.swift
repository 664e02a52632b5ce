import Foundation
import VDB
import VDBIngest

/// Reads batches on a thread of its own and commits them, some in flight, in the file's order.
struct ImportRun {
  /// What was committed, whether or not all of it went well.
  struct Outcome {
    var rows = 0
    var inserted = 0
    var replaced = 0
    var last = SequenceNumber(0)
    var wasInterrupted = false
    var failure: Failure?

    mutating func add(_ receipt: Receipt, rows: Int) {
      self.rows += rows
      inserted += receipt.inserted
      replaced += receipt.replaced
      last = max(last, receipt.last)
    }
  }

  /// Gives the reader to its thread.
  private final class ReaderThread: Sendable {
    private let reader: Guarded<BatchReader>
    let batches = HandOver<RecordBatch>(capacity: 4)

    init(_ reader: sending BatchReader) { self.reader = Guarded(reader) }

    func start() {
      Thread.detachNewThread { [self] in
        do {
          while let batch = try reader.withLock({ try $0.next() }) {
            if !batches.send(batch) { return }
          }
          batches.finish()
        } catch {
          batches.finish(.failure(error))
        }
      }
    }
  }

  /// Batches that wait for their commit at once: those that wait together share an fsync.
  private static let mostInFlight = 16
  /// Bytes of vectors that wait at once, beyond one batch.
  private static let bytesInFlight = 32 << 20

  /// Batches with so many bytes of vectors that wait at once.
  static func inFlight(batchBytes: Int) -> Int {
    min(mostInFlight, bytesInFlight / max(batchBytes, 1) + 1)
  }

  let store: VectorStore
  let collection: String
  var model: String?
  let progress: Progress
  var interrupt: Interrupt?

  /// Imports all that the reader has; an error is in the outcome, beside what was committed.
  func run(_ reader: sending BatchReader) async -> Outcome {
    let total = reader.count
    let thread = ReaderThread(reader)
    let batches = thread.batches
    interrupt?.onRaise { batches.cancel() }
    thread.start()
    var outcome = Outcome()
    var pending: [Insertion] = []
    var row = 0
    do {
      while let batch = try await batches.next() {
        let place = "In the batch of the input's rows \(row) to \(row + batch.count - 1)"
        do {
          let queued = try await store.enqueueBatch(
            batch,
            into: collection,
            mode: .upsert,
            model: model
          )
          pending.append(Insertion(place: place, rows: batch.count, queued: queued))
        } catch {
          for insertion in pending { await Self.finish(insertion, &outcome) }
          pending = []
          if outcome.failure == nil { outcome.failure = Failure(error, at: place) }
        }
        row += batch.count
        let bytes = pending.reduce(0) { $0 + $1.rows } * batch.vectors.dimension * 4
        if pending.count >= Self.mostInFlight || bytes > Self.bytesInFlight {
          await Self.finish(pending.removeFirst(), &outcome)
          progress.update("Importing", done: outcome.rows, total: total)
        }
        if outcome.failure != nil { break }
      }
    } catch {
      outcome.failure = Failure(error) ?? Failure(status: .internal, message: "\(error)")
    }
    batches.cancel()
    for insertion in pending { await Self.finish(insertion, &outcome) }
    outcome.wasInterrupted = interrupt?.isRaised ?? false
    return outcome
  }

  /// A batch in the writer's queue.
  private struct Insertion {
    let place: String
    let rows: Int
    let queued: QueuedBatch
  }

  private static func finish(_ insertion: Insertion, _ outcome: inout Outcome) async {
    do {
      outcome.add(try await insertion.queued.receipt(), rows: insertion.rows)
    } catch {
      if outcome.failure == nil { outcome.failure = Failure(error, at: insertion.place) }
    }
  }
}
