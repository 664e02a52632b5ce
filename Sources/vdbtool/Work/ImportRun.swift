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

  /// Starts insertions one after the other: tasks of an actor begin in the order of their creation,
  /// and `insertBatch` takes its place in the writer's queue before it first suspends.
  private actor Starter {
    let store: VectorStore
    let collection: String
    let model: String?

    init(_ store: VectorStore, _ collection: String, _ model: String?) {
      self.store = store
      self.collection = collection
      self.model = model
    }

    func start(_ batch: RecordBatch) -> Task<Receipt, any Error> {
      Task {
        try await store.insertBatch(batch, into: collection, mode: .upsert, model: model)
      }
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

  /// Batches that wait for their commit at once; more than one lets them share an fsync.
  static let inFlight = 3

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
    let starter = Starter(store, collection, model)
    var outcome = Outcome()
    var pending: [(first: Int, rows: Int, task: Task<Receipt, any Error>)] = []
    var row = 0
    do {
      while let batch = try await batches.next() {
        pending.append((row, batch.count, await starter.start(batch)))
        row += batch.count
        if pending.count >= Self.inFlight {
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

  private static func finish(
    _ insertion: (first: Int, rows: Int, task: Task<Receipt, any Error>),
    _ outcome: inout Outcome
  ) async {
    do {
      outcome.add(try await insertion.task.value, rows: insertion.rows)
    } catch {
      if outcome.failure != nil { return }
      let last = insertion.first + insertion.rows - 1
      let place = "In the batch of the input's rows \(insertion.first) to \(last)"
      outcome.failure = Failure(error, at: place)
    }
  }
}
