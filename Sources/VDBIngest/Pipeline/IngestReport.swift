public import VDB

/// What became of the entries of one run; each is counted once.
public struct IngestReport: Sendable, Hashable, Codable {
  /// A batch of which at least one entry was not stored.
  public struct FailedBatch: Sendable, Hashable, Codable {
    /// The embedding batch's number, from 0, in the order of the input.
    public let index: Int
    /// The entries that were not stored.
    public let ids: [RecordID]
    /// What happened at each attempt, in their order.
    public let errors: [String]
  }

  /// What embedding took.
  public struct Embedding: Sendable, Hashable, Codable {
    /// The model.
    public internal(set) var model = ""
    /// Texts embedded, those that a cache knew included.
    public internal(set) var texts = 0
    /// Texts of those that a ``CachingEmbedder`` knew.
    public internal(set) var cacheHits = 0
    /// Calls of the embedder, repeated ones included.
    public internal(set) var calls = 0
    /// Calls that were repeated after an error.
    public internal(set) var repeatedCalls = 0
    /// Seconds of all calls together; more than the run took when several ran side by side.
    public internal(set) var seconds = 0.0
  }

  /// Where the run began, when it was to go on from an interrupted one.
  public struct Resumption: Sendable, Hashable, Codable {
    /// Entries before that place, which were settled then and not read now.
    public let entries: Int
    /// Why the run began at the source's beginning; `nil` when it did not.
    public let note: String?
  }

  /// What became of the entries that the run was limited to.
  public struct Retry: Sendable, Hashable, Codable {
    /// Entries asked for.
    public let wanted: Int
    /// Entries of those that the source still has.
    public let found: Int
  }

  /// Entries read.
  public internal(set) var total = 0
  /// Records that are new.
  public internal(set) var inserted = 0
  /// Records that took the place of one with the same id.
  public internal(set) var replaced = 0
  /// Entries that the collection had already, word for word.
  public internal(set) var unchanged = 0
  /// Entries left out because their id or their text was there before in this run.
  public internal(set) var duplicates = 0
  /// Entries that the cleaner refused, empty ones for instance.
  public internal(set) var rejected = 0
  /// Entries outside ``IngestConfiguration/only``.
  public internal(set) var skipped = 0
  /// Originals over ``VDBLimits/documentBytes``, which are not kept beside their cleaned text.
  public internal(set) var originalsLeftOut = 0
  /// Where the run began; `nil` unless ``IngestConfiguration/resumes``.
  public internal(set) var resumption: Resumption?
  /// What became of ``IngestConfiguration/only``; `nil` without it.
  public internal(set) var retry: Retry?
  /// Entries that could not be embedded or written; their ids are in ``failedBatches``.
  public internal(set) var failed = 0
  /// The last commit; what ``Consistency/atLeast(_:)`` takes.
  public internal(set) var last = SequenceNumber(0)
  /// Seconds from beginning to end.
  public internal(set) var elapsedSeconds = 0.0
  /// Entries read per second.
  public internal(set) var throughput = 0.0
  /// What embedding took.
  public internal(set) var embedding = Embedding()
  /// In the order of their index.
  public internal(set) var failedBatches: [FailedBatch] = []
  /// The settings used.
  public internal(set) var settings: IngestSettings
  /// What to change next time, if anything stood out.
  public internal(set) var advice: [String] = []

  init(settings: IngestSettings) { self.settings = settings }

  /// Entries that are in the store now.
  public var stored: Int { inserted + replaced + unchanged }
}

/// A run that ended early, with what it did until then.
///
/// What it counts as inserted or replaced is committed. Entries that were read and are in no other
/// count were on their way and are not stored; running the same ingestion again stores them.
public struct IngestStopped: Error, CustomStringConvertible {
  /// What was done.
  public let report: IngestReport
  /// Why it ended: an error of the source or the store, or `CancellationError`.
  public let cause: any Error

  /// The cause, and how much is stored.
  public var description: String {
    "\(cause) (\(report.stored) of \(report.total) entries read so far are stored.)"
  }
}

extension IngestReport {
  /// Says what stood out and what to change.
  mutating func advise() {
    if failed > 0 {
      advice.append("Entries that failed are tried again, alone, by running the same once more.")
    }
    if originalsLeftOut > 0 {
      advice.append(
        "\(originalsLeftOut) texts are longer than \(VDBLimits.documentBytes) bytes before cleaning; "
          + "only the cleaned ones are kept."
      )
    }
    let calls = embedding.calls - embedding.repeatedCalls
    if embedding.repeatedCalls > calls / 10, embedding.repeatedCalls > 1 {
      advice.append(
        "\(embedding.repeatedCalls) embedding calls were repeated; fewer workers or a smaller "
          + "embedding batch than \(settings.embedBatch) put less load on the model."
      )
    }
    if elapsedSeconds > 10, embedding.seconds > 0.8 * elapsedSeconds * Double(settings.workers) {
      advice.append(
        "All \(settings.workers) workers were embedding nearly all the time: embedding is the "
          + "slowest stage. More workers help if the model has room for them."
      )
    }
  }
}
