import LMDB

/// A batch that has its place in the writer's queue.
package struct QueuedBatch: Sendable {
  let outcome: PendingOutcome
  let store: VectorStore
  /// The collection whose index must contain the batch first; `nil` where it may follow later.
  let collectionToIndex: String?

  /// Waits until the batch is durable and visible; asked for once.
  ///
  /// - Throws: What `insertBatch` throws for the commit.
  package func receipt() async throws(VectorStoreError) -> Receipt {
    let receipt = try await outcome.value().get()
    if let collectionToIndex, receipt.sequences != nil {
      try await store.indexed(through: receipt.last, in: collectionToIndex)
    }
    return receipt
  }
}

/// What comes of one job: filled once by the writer, awaited by at most one task.
final class PendingOutcome: Sendable {
  typealias Value = Result<Receipt, VectorStoreError>

  private enum State {
    case pending
    case awaited(CheckedContinuation<Value, Never>)
    case filled(Value)
  }

  private let state = Guarded(State.pending)

  func fill(_ value: Value) {
    let waiter = state.withLock { state -> CheckedContinuation<Value, Never>? in
      defer { state = .filled(value) }
      if case .awaited(let waiter) = state { return waiter }
      return nil
    }
    waiter?.resume(returning: value)
  }

  func value() async -> Value {
    await withCheckedContinuation { continuation in
      let value = state.withLock { state -> Value? in
        if case .filled(let value) = state { return value }
        state = .awaited(continuation)
        return nil
      }
      if let value { continuation.resume(returning: value) }
    }
  }
}
