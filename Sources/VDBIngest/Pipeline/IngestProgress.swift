/// How far a run is: what each stage has done, and what waits before it.
public struct IngestStatus: Sendable, Hashable, Codable {
  /// One stage.
  public struct Stage: Sendable, Hashable, Codable {
    /// The stages, in their order.
    public enum Name: String, Sendable, Codable, CaseIterable {
      case read, clean, embed, write
    }
    /// Which stage.
    public let name: Name
    /// Entries that have passed it.
    public let done: Int
    /// Entries per second since the previous status; since the beginning in the first one.
    public internal(set) var rate: Double
    /// Batches that wait before it; a full queue says that this stage is the slowest.
    public let waiting: Int
    /// Batches that may wait.
    public let capacity: Int
  }

  /// In their order.
  public internal(set) var stages: [Stage]
  /// Entries there are, when the source knows.
  public let count: Int?
  /// Entries left out as duplicates so far.
  public let duplicates: Int
  /// Entries that could not be stored so far.
  public let failed: Int
  /// Seconds since the beginning.
  public let elapsedSeconds: Double
  /// Seconds left at the rate so far, when the source knows how far it is.
  public let etaSeconds: Double?
  /// Whether this is the last one.
  public let isFinished: Bool
}

/// The states of an ingestor's run, one an interval, until it has ended; a last one then.
///
/// Waits for a run to begin. A consumer that is slow misses states and delays nothing.
public struct IngestProgress: AsyncSequence, Sendable {
  let interval: Duration
  let status: @Sendable () -> IngestStatus?

  /// Steps through the states.
  public struct AsyncIterator: AsyncIteratorProtocol {
    let interval: Duration
    let status: @Sendable () -> IngestStatus?
    private var previous: IngestStatus?

    init(_ progress: IngestProgress) {
      interval = progress.interval
      status = progress.status
    }

    /// The next state; `nil` after the last one, or when the task is cancelled.
    public mutating func next() async -> IngestStatus? {
      if previous?.isFinished == true { return nil }
      while true {
        do { try await Task.sleep(for: interval) } catch { return nil }
        guard var current = status() else { continue }
        if let previous {
          let seconds = current.elapsedSeconds - previous.elapsedSeconds
          for (index, before) in previous.stages.enumerated() where seconds > 0 {
            current.stages[index].rate = Double(current.stages[index].done - before.done) / seconds
          }
        }
        previous = current
        return current
      }
    }
  }

  /// Steps through the states.
  public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(self) }
}
