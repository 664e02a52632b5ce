import Foundation
import Synchronization
import VDB
import VDBIngest

/// One thread that searches for query after query until it is told to stop.
final class SearchingThread: Sendable {
  /// What it did.
  struct Rate {
    var queries = 0
    var seconds = 0.0
    /// Time that the thread ran.
    var cpuSeconds = 0.0
    var perSecond: Double { Double(queries) / seconds }
    var perRunningSecond: Double { Double(queries) / cpuSeconds }
  }

  private let store: VectorStore
  private let collection: String
  private let queries: [[Float]]
  private let efSearch: Int
  private let consistency: Consistency
  private let isOver = Atomic<Bool>(false)
  private let outcome = Guarded<Result<Rate, VectorStoreError>?>(nil)

  init(
    _ store: VectorStore,
    _ collection: String,
    _ queries: [[Float]],
    efSearch: Int,
    consistency: Consistency = .latest
  ) {
    self.store = store
    self.collection = collection
    self.queries = queries
    self.efSearch = efSearch
    self.consistency = consistency
  }

  /// Searches while `work` goes on.
  func measure(during work: () async throws -> Void) async throws -> Rate {
    Thread.detachNewThread { [self] in
      let outcome = search()
      self.outcome.withLock { $0 = outcome }
    }
    do {
      try await work()
    } catch {
      _ = await ended()
      throw error
    }
    return try await ended().get()
  }

  private func ended() async -> Result<Rate, VectorStoreError> {
    isOver.store(true, ordering: .relaxed)
    while true {
      if let outcome = outcome.withLock({ $0 }) { return outcome }
      do { try await Task.sleep(for: .milliseconds(1)) } catch { return .failure(.cancelled) }
    }
  }

  private func search() -> Result<Rate, VectorStoreError> {
    var rate = Rate()
    let cpu = ThreadTime.seconds
    let start = ContinuousClock.now
    do throws(VectorStoreError) {
      while !isOver.load(ordering: .relaxed) {
        _ = try store.search(
          queries[rate.queries % queries.count],
          in: collection,
          efSearch: efSearch,
          consistency: consistency,
          including: []
        )
        rate.queries += 1
      }
    } catch {
      return .failure(error)
    }
    rate.seconds = (ContinuousClock.now - start) / .seconds(1)
    rate.cpuSeconds = ThreadTime.seconds - cpu
    return .success(rate)
  }
}
