import Foundation
import VDB
import VDBIngest

/// What `bench write` does to a store, and to a plain file.
struct WriteLoad: Sendable {
  let pattern: MadeUpRows
  let rows: Int
  let batchSize: Int
  let inFlight: Int
  var callers: Int
  let isIndexed: Bool
  /// Batches a second that all callers together are to send; `nil`: each as soon as it has its receipt.
  ///
  /// With a pace latencies count from the moment at which a batch was due, whether its caller was free or
  /// still waited for the receipt before: what waited behind a slow commit waited for the store.
  var pace: Double?

  /// What one run of it took.
  struct Result: Sendable {
    /// From the first batch to the last receipt, without the time in which rows were made.
    var seconds = 0.0
    /// Seconds from handing a batch over, or from when it was due, to its receipt; ascending.
    var latencies: [Double] = []
    /// Batches whose records were not there right after their receipt.
    var unseen = 0
    /// What the process wrote until the store was closed, without the plain file; `nil` where the
    /// system does not say.
    var written: ProcessIO?
    /// Seconds that appending the same bytes to a plain file took, if there was one.
    var plainSeconds = 0.0

    /// Adds a part of the run.
    mutating func add(_ part: Result) {
      seconds += part.seconds
      latencies += part.latencies
      unseen += part.unseen
    }

    /// The latency below which so much of all batches stays.
    func latency(_ share: Double) -> Double {
      guard !latencies.isEmpty else { return 0 }
      return latencies[min(latencies.count - 1, Int(Double(latencies.count) * share))]
    }
  }

  private static let collection = "bench"
  /// Rows are made ahead up to this size, so that the clock counts storing alone.
  private static let madeAheadBytes = 128 << 20
  /// Batches of a caller in a turn of one and many: enough turns to see the disk in the same moods.
  private static let batchesPerTurn = 20
  /// Free memory that a turn may take, in turns' bytes: the cached pages of the store and of the plain
  /// file, and the batches on their way.
  private static let touchedTurns = 4

  var batches: Int { (rows + batchSize - 1) / batchSize }
  /// Bytes of all vectors, ids and metadata.
  var byteCount: Int { rows * pattern.bytesPerRow }

  private var options: CollectionOptions {
    CollectionOptions(
      dimension: pattern.dimension,
      element: pattern.element,
      indexing: isIndexed ? .background : .manual
    )
  }

  /// Inserts all rows into a fresh store; `plain` gets the same bytes, turn by turn, so that both see the
  /// disk in the same mood.
  func insert(at path: String, besides plain: PlainFile? = nil) async throws -> Result {
    let before = ProcessIO.now()
    var result = try await VectorStore.with(path, StoreOptions()) { store in
      try await store.createCollection(Self.collection, options)
      let result = try await insert(into: store, besides: plain)
      if isIndexed { try await store.index(Self.collection) }
      return result
    }
    if let before, let after = ProcessIO.now() {
      let all = after.since(before)
      result.written = plain.map { all.since($0.written) } ?? all
    }
    result.plainSeconds = plain?.seconds ?? 0
    result.latencies.sort()
    return result
  }

  private func insert(into store: VectorStore, besides plain: PlainFile?) async throws -> Result {
    var result = Result()
    let perTurn = max(callers, Self.madeAheadBytes / (batchSize * pattern.bytesPerRow))
    for turn in turns(of: perTurn) {
      let made = make(turn)
      result.add(try await send(made, to: store))
      try plain?.append(batches: made.count)
    }
    return result
  }

  /// What one caller and what all of them see who insert all rows, into a fresh store each.
  ///
  /// Without a pace by turns, so that both see the disk in the same moods. At a pace that leaves room for
  /// both they insert at the same time: a disk that makes a few commits in a thousand wait decides what
  /// the slowest of them take, and it would be chance whose turn it falls into.
  func compareCallers(pace: Double?, at path: String) async throws -> (one: Result, all: Result) {
    let one = with(callers: 1, pace: pace)
    let all = with(callers: callers, pace: pace)
    var results = (one: Result(), all: Result())
    try await VectorStore.with(path + "-one", StoreOptions()) { storeOfOne in
      try await storeOfOne.createCollection(Self.collection, options)
      try await VectorStore.with(path + "-all", StoreOptions()) { storeOfAll in
        try await storeOfAll.createCollection(Self.collection, options)
        for turn in turns(of: callers * Self.batchesPerTurn) {
          let made = make(turn)
          let ofOne: Result
          let ofAll: Result
          if pace == nil {
            ofOne = try await one.send(made, to: storeOfOne)
            ofAll = try await all.send(made, to: storeOfAll)
          } else {
            async let first = one.send(made, to: storeOfOne)
            async let second = all.send(made, to: storeOfAll)
            (ofOne, ofAll) = try await (first, second)
          }
          results.one.add(ofOne)
          results.all.add(ofAll)
        }
      }
    }
    results.one.latencies.sort()
    results.all.latencies.sort()
    return results
  }

  private func with(callers: Int, pace: Double?) -> WriteLoad {
    var load = self
    (load.callers, load.pace) = (callers, pace)
    return load
  }

  /// The batches, so many at a time.
  private func turns(of count: Int) -> [Range<Int>] {
    stride(from: 0, to: batches, by: count).map { $0..<min(batches, $0 + count) }
  }

  /// Makes batches ahead of the clock, and sees to it that there is memory for them.
  private func make(_ turn: Range<Int>) -> [RecordBatch] {
    let made = turn.map { batch in
      let row = batch * batchSize
      return pattern.batch(first: row, count: min(batchSize, rows - row))
    }
    FreeMemory.touch(byteCount: Self.touchedTurns * made.count * batchSize * pattern.bytesPerRow)
    return made
  }

  /// Sends batches from all callers.
  private func send(_ made: [RecordBatch], to store: VectorStore) async throws -> Result {
    let start = ContinuousClock.now
    let parts = try await withThrowingTaskGroup(of: Result.self) { group in
      for caller in 0..<callers {
        group.addTask { try await send(made, of: caller, to: store, from: start) }
      }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    var result = Result()
    for part in parts { result.add(part) }
    result.seconds = (ContinuousClock.now - start) / .seconds(1)
    return result
  }

  /// One caller's share of the batches.
  private func send(
    _ made: [RecordBatch],
    of caller: Int,
    to store: VectorStore,
    from start: ContinuousClock.Instant
  ) async throws -> Result {
    var result = Result()
    var waiting: [(batch: QueuedBatch, first: RecordID, began: ContinuousClock.Instant)] = []
    func settle(_ count: Int) async throws {
      while waiting.count > count {
        let oldest = waiting.removeFirst()
        _ = try await oldest.batch.receipt()
        result.latencies.append((ContinuousClock.now - oldest.began) / .seconds(1))
        if callers > 1 {
          let found = try store.get([oldest.first], from: Self.collection, including: [])
          if found[0] == nil { result.unseen += 1 }
        }
      }
    }
    for index in stride(from: caller, to: made.count, by: callers) {
      let due = pace.map { start + .seconds(Double(index) / $0) }
      if let due { try await Task.sleep(until: due, clock: .continuous) }
      let began = due ?? ContinuousClock.now
      let queued = try await store.enqueueBatch(made[index], into: Self.collection)
      waiting.append((queued, made[index].ids[0], began))
      try await settle(inFlight - 1)
    }
    try await settle(0)
    return result
  }
}
