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
  /// Turns in which the second half is inserted, with searching alone between them.
  let turns: Int
  /// Seconds of searching alone, before and after each turn.
  let seconds: Double
  /// Whether searches leave out the rows that wait to be linked.
  let isLinkedOnly: Bool

  /// What was measured.
  struct Figures: Sendable {
    var turns: [Turn]
    var unlinked: Unlinked
    var cores: Int
    var threads: Int

    var rows: Int { turns.reduce(0) { $0 + $1.rows } }
    var rowsPerSecond: Double { Double(rows) / turns.reduce(0) { $0 + $1.insertSeconds } }
    var seconds: Double { turns.reduce(0) { $0 + $1.during.seconds } }
    var aloneBefore: Double { turns[0].before.perSecond }
    var aloneAfter: Double { turns[turns.count - 1].after.perSecond }
    var during: Double { Double(turns.reduce(0) { $0 + $1.during.queries }) / seconds }
    /// Queries of all turns, as a share of those that the rates alone beside each turn would have given.
    var ofAlone: Double { share { $0.during.seconds * ($0.before.perSecond + $0.after.perSecond) } }
    var fairShare: Double { min(1, Double(cores) / Double(threads)) }
    var ofFairShare: Double { ofAlone / fairShare }
    /// The share of the time during which the thread ran.
    var running: Double { turns.reduce(0) { $0 + $1.during.cpuSeconds } / seconds }
    /// The same per second of the thread's own running time: what sharing the cores costs is no part of
    /// it, what a query has more to do is.
    var ofAlonePerRunningSecond: Double {
      share { $0.during.cpuSeconds * ($0.before.perRunningSecond + $0.after.perRunningSecond) }
    }

    private func share(ofTwice expected: (Turn) -> Double) -> Double {
      let queries = turns.reduce(0) { $0 + $1.during.queries }
      return Double(queries) / (turns.reduce(0) { $0 + expected($1) } / 2)
    }
  }

  /// Rows inserted while searching, between two times alone: a machine's pace changes within seconds, so
  /// rates are compared with those nearest in time.
  struct Turn: Sendable {
    var before: SearchingThread.Rate
    var during: SearchingThread.Rate
    var after: SearchingThread.Rate
    /// Rows inserted, and how long until they were linked.
    var rows: Int
    var insertSeconds: Double

    var ofAlone: Double { 2 * during.perSecond / (before.perSecond + after.perSecond) }
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
  // Rarely enough to take next to nothing of a core.
  private static let sampleEvery = Duration.milliseconds(20)
  private static let lookEvery = Duration.milliseconds(3)

  /// Stores and indexes half of the rows, then measures alone, while the other half comes, and alone.
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
    let unlinked = Guarded(Unlinked())
    let second = batches[half...]
    let turnCount = min(self.turns, second.count)
    var turns: [Turn] = []
    var before = try await alone(store)
    for number in 0..<turnCount {
      let first = half + number * second.count / turnCount
      let part = second[first..<half + (number + 1) * second.count / turnCount]
      let turn = try await measure(part, into: store, after: before, unlinked, progress)
      turns.append(turn)
      before = turn.after
    }
    let cores = ProcessInfo.processInfo.activeProcessorCount
    return Figures(
      turns: turns,
      unlinked: unlinked.withLock { $0 },
      cores: cores,
      threads: 1 + (indexingThreads ?? cores)
    )
  }

  /// Measures while batches come, and alone after that.
  private func measure(
    _ batches: ArraySlice<RecordBatch>,
    into store: VectorStore,
    after before: SearchingThread.Rate,
    _ unlinked: Guarded<Unlinked>,
    _ progress: Progress
  ) async throws -> Turn {
    var insertSeconds = 0.0
    let during = try await thread(store).measure {
      let start = ContinuousClock.now
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await watch(store, unlinked) }
        try await insert(batches, into: store, progress)
        group.cancelAll()
      }
      insertSeconds = (ContinuousClock.now - start) / .seconds(1)
    }
    return Turn(
      before: before,
      during: during,
      after: try await alone(store),
      rows: batches.reduce(0) { $0 + $1.count },
      insertSeconds: insertSeconds
    )
  }

  /// Inserts all batches and returns when they are linked.
  private func insert(
    _ batches: ArraySlice<RecordBatch>,
    into store: VectorStore,
    _ progress: Progress
  ) async throws {
    // Those of earlier turns are there.
    var done = try store.collection(Self.collection).rows
    for batch in batches {
      if let backlog {
        while try Self.unlinkedRows(of: store) + batch.count > backlog {
          try await Task.sleep(for: Self.lookEvery)
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
