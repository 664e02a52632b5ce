import Foundation
import LMDB

extension VectorStore {
  /// Waits until every row committed up to `sequence` is in the graph; `nil` means all so far.
  ///
  /// - Parameters:
  ///   - sequence: The last sequence that must be in the graph.
  ///   - collection: The collection to wait for; `nil` means all that are not `.manual`.
  /// - Throws: `.sequenceNotReached` for a sequence of the future, `.cancelled`.
  public func indexed(
    through sequence: SequenceNumber? = nil,
    in collection: String? = nil
  ) async throws(VectorStoreError) {
    let snapshot = try snapshot()
    if let sequence, sequence.value > snapshot.sequence {
      throw .sequenceNotReached(
        requested: sequence,
        committed: SequenceNumber(snapshot.sequence)
      )
    }
    var targets: [(name: String, id: CollectionID, rows: Row)] = []
    if let collection {
      let found = try snapshot.collection(collection)
      if !found.record.options.hasVectors { return }
      // By its own name: an alias may come to stand for another one meanwhile.
      targets = [(found.name, found.record.id, found.rows)]
    } else {
      targets = snapshot.collections.values
        .filter { $0.record.options.hasVectors && $0.record.options.indexing != .manual }
        .map { ($0.name, $0.record.id, $0.rows) }
    }
    for target in targets { try await waitUntilLinked(target.name, target.id, target.rows) }
  }

  /// Indexes a collection now, whatever its mode, and returns when its rows are in the graph.
  public func index(_ collection: String) async throws(VectorStoreError) {
    _ = try writing("index a collection")
    try await indexed(in: collection)
  }

  private func waitUntilLinked(
    _ name: String,
    _ id: CollectionID,
    _ rows: Row
  ) async throws(VectorStoreError) {
    if !isReadOnly { try writing("index a collection").indexer.request(id, upTo: rows) }
    let start = ContinuousClock.now
    while true {
      let found = try snapshot().collections[name]
      // Dropped meanwhile: nothing is left to wait for.
      guard let found, found.record.id == id, found.linked < rows else { return }
      if !isReadOnly, let failure = try writing("index a collection").indexer.failure(of: id) {
        throw failure
      }
      do {
        // Rarer the longer it lasts: each look takes a core from the work that is waited for.
        let passed = ContinuousClock.now - start
        try await Task.sleep(for: min(.milliseconds(20), max(.milliseconds(1), passed / 20)))
      } catch {
        throw .cancelled
      }
    }
  }

  /// How far the indexer is, for one collection or all.
  public func indexStatus(of collection: String? = nil) throws(VectorStoreError) -> IndexStatus {
    let snapshot = try snapshot()
    var chosen = Array(snapshot.collections.values)
    if let collection { chosen = [try snapshot.collection(collection)] }
    chosen.removeAll { !$0.record.options.hasVectors }
    let rows = chosen.reduce(0) { $0 + Int($1.rows) }
    let indexed = chosen.reduce(0) { $0 + Int($1.linked) }
    let rate = meter.rate(of: collection ?? "", at: indexed)
    let id = collection == nil ? nil : chosen.first?.record.id
    let lag = isReadOnly ? 0 : try writing("ask for the status").indexer.lagSeconds(of: id)
    return IndexStatus(
      rows: rows,
      indexed: indexed,
      rate: rate,
      etaSeconds: rate > 0 ? Double(rows - indexed) / rate : (rows == indexed ? 0 : nil),
      lagSeconds: lag
    )
  }

  /// The status now and at every interval, until nothing waits or the store is closed.
  public func indexStatusUpdates(
    of collection: String? = nil,
    every interval: Duration = .milliseconds(250)
  ) -> AsyncStream<IndexStatus> {
    AsyncStream(bufferingPolicy: .bufferingNewest(1)) { continuation in
      let task = Task {
        do {
          while true {
            let status = try self.indexStatus(of: collection)
            continuation.yield(status)
            if status.backlog == 0 { break }
            try await Task.sleep(for: interval)
          }
        } catch {
          // Closed, dropped or cancelled: the sequence ends.
        }
        continuation.finish()
      }
      continuation.onTermination = { _ in task.cancel() }
    }
  }
}

/// Rows per second over the last seconds, from the counts that callers ask for.
final class RateMeter: Sendable {
  private let samples = Guarded<[String: [(time: ContinuousClock.Instant, rows: Int)]]>([:])
  private static let window = Duration.seconds(5)

  func rate(of key: String, at rows: Int) -> Double {
    let now = ContinuousClock.now
    return samples.withLock { samples in
      var own = samples[key] ?? []
      own.append((now, rows))
      own.removeAll { now - $0.time > Self.window }
      samples[key] = own
      guard let first = own.first, now > first.time else { return 0 }
      return Double(rows - first.rows) / ((now - first.time) / .seconds(1))
    }
  }
}
