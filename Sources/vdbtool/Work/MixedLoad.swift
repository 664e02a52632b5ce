import Foundation
import Synchronization
import VDB
import VDBIngest

/// What `bench mixed` does: one thread searches, alone and while another one inserts.
struct MixedLoad: Sendable {
  /// How rows come in.
  enum Inflow: String, CaseIterable, Sendable {
    /// Before each commit the inserting thread waits until few enough rows wait to be linked.
    case steady
    /// As fast as the disk takes them, so that most of them wait to be linked.
    case burst
  }

  let base: String
  let queries: [[Float]]
  let metric: Metric
  let efSearch: Int
  let indexingThreads: Int?
  /// Rows of a commit.
  let batchSize: Int
  /// Rows that may wait to be linked; `nil`: any number.
  let backlog: Int?
  /// Seconds of searching alone, before and after.
  let seconds: Double
  /// Whether searches leave out the rows that wait to be linked.
  let isLinkedOnly: Bool

  /// What was measured.
  struct Figures: Sendable {
    var before: SearchingThread.Rate
    var during: SearchingThread.Rate
    var after: SearchingThread.Rate
    /// Rows inserted while searching.
    var rows: Int
    var insertSeconds: Double
    var unlinked: Unlinked
    var cores: Int
    var threads: Int

    var alone: Double { (before.perSecond + after.perSecond) / 2 }
    var ofAlone: Double { during.perSecond / alone }
    var fairShare: Double { min(1, Double(cores) / Double(threads)) }
    var ofFairShare: Double { ofAlone / fairShare }
    var rowsPerSecond: Double { Double(rows) / insertSeconds }
    /// The share of the time during which the thread ran.
    var running: Double { during.cpuSeconds / during.seconds }
    /// Queries a second of the thread's own running time, as a share of the same alone: what sharing the
    /// cores costs is no part of it, what a query has more to do is.
    var ofAlonePerRunningSecond: Double {
      during.perRunningSecond / ((before.perRunningSecond + after.perRunningSecond) / 2)
    }
  }

  /// The rows that waited to be linked, looked up at even intervals while rows were inserted.
  struct Unlinked: Sendable {
    private var sum = 0
    private var samples = 0
    private(set) var most = 0

    var mean: Double { Double(sum) / Double(max(1, samples)) }

    mutating func add(_ rows: Int) {
      sum += rows
      samples += 1
      most = max(most, rows)
    }
  }

  private static let collection = "bench"
  private static let sampleEvery = Duration.milliseconds(5)

  /// Stores and indexes half of the rows, then measures alone, during the other half, and alone.
  func measure(in folder: String, progress: Progress) async throws -> Figures {
    let options = StoreOptions(indexingThreads: indexingThreads)
    return try await VectorStore.with(folder, options) { store in
      try await measure(store, progress)
    }
  }

  private func measure(_ store: VectorStore, _ progress: Progress) async throws -> Figures {
    let reader = try BatchReader(vectors: base, batchSize: batchSize)
    let options = CollectionOptions(
      dimension: reader.dimension,
      metric: metric,
      element: reader.element
    )
    try await store.createCollection(Self.collection, options)
    // Read ahead, so that reading the file is no part of what is measured.
    var batches: [RecordBatch] = []
    while let batch = try reader.next() { batches.append(batch) }
    guard batches.count >= 2 else {
      throw Failure(
        status: .data,
        message: "'\(base)' has too few rows for two batches of \(batchSize)."
      )
    }
    let half = batches.count / 2
    for (number, batch) in batches[..<half].enumerated() {
      try await store.insertBatch(batch, into: Self.collection)
      progress.update("Storing the first half", done: number * batchSize, total: nil)
    }
    try await store.indexed(in: Self.collection)
    let before = try await alone(store)
    let second = Array(batches[half...])
    let unlinked = Guarded(Unlinked())
    var insertSeconds = 0.0
    let start = ContinuousClock.now
    let during = try await thread(store).measure {
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await watch(store, unlinked) }
        try await insert(second, into: store, progress)
        group.cancelAll()
      }
      insertSeconds = (ContinuousClock.now - start) / .seconds(1)
    }
    let cores = ProcessInfo.processInfo.activeProcessorCount
    return Figures(
      before: before,
      during: during,
      after: try await alone(store),
      rows: second.reduce(0) { $0 + $1.count },
      insertSeconds: insertSeconds,
      unlinked: unlinked.withLock { $0 },
      cores: cores,
      threads: 1 + (indexingThreads ?? cores)
    )
  }

  /// Inserts all batches and returns when they are linked.
  private func insert(
    _ batches: [RecordBatch],
    into store: VectorStore,
    _ progress: Progress
  ) async throws {
    var done = 0
    for batch in batches {
      if let backlog {
        while try Self.unlinkedRows(of: store) + batch.count > backlog {
          try await Task.sleep(for: .milliseconds(1))
        }
      }
      try await store.insertBatch(batch, into: Self.collection)
      done += batch.count
      progress.update("Inserting while searching", done: done, total: nil)
    }
    try await store.indexed(in: Self.collection)
  }

  private static func unlinkedRows(of store: VectorStore) throws -> Int {
    let info = try store.collection(collection)
    return info.rows - info.indexed
  }

  /// Notes how many rows wait until the task is cancelled.
  private func watch(_ store: VectorStore, _ unlinked: Guarded<Unlinked>) async throws {
    while !Task.isCancelled {
      let rows = try Self.unlinkedRows(of: store)
      unlinked.withLock { $0.add(rows) }
      do { try await Task.sleep(for: Self.sampleEvery) } catch { return }
    }
  }

  private func thread(_ store: VectorStore) -> SearchingThread {
    SearchingThread(
      store,
      Self.collection,
      queries,
      efSearch: efSearch,
      consistency: isLinkedOnly ? .linked : .latest
    )
  }

  /// Searches when the store has done what it does after rows came: checkpoint, ids, measuring recall.
  private func alone(_ store: VectorStore) async throws -> SearchingThread.Rate {
    try await ProcessTime.settle()
    return try await thread(store).measure { try await Task.sleep(for: .seconds(seconds)) }
  }
}
