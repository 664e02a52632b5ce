internal import VDB

/// How texts are cleaned, embedded and written; what is `nil` is chosen from the data and the machine.
public struct IngestConfiguration: Sendable {
  /// What makes texts fit for embedding.
  public var cleaner: any TextCleaner
  /// Tasks that clean, and tasks that embed, 1 to 64.
  public var workers: Int?
  /// Entries read at a time.
  public var loadBatch: Int?
  /// Entries a cleaning task takes at a time.
  public var cleanBatch: Int?
  /// Texts of one embedding call; the embedder's own limit holds as well.
  public var embedBatch: Int?
  /// Records of one commit.
  public var writeBatch: Int?
  /// Batches that may wait before each stage.
  public var queueDepth: Int?
  /// How often a failed batch is tried again.
  public var retries: Int
  /// The wait before the first repetition; it doubles with each further one.
  public var retryDelay: Duration
  /// The longest wait; a batch whose model asks for a longer one is reported instead.
  public var longestRetryWait: Duration
  /// How long a source may keep the pipeline waiting before what it has given is committed.
  ///
  /// Otherwise entries that come slowly are stored only when there are enough for a commit, or at the end.
  /// `nil` waits for that.
  public var idleTime: Duration?
  /// How to wait before an embedding call is repeated; throws when the task is cancelled meanwhile.
  public var sleep: @Sendable (Duration) async throws -> Void
  /// Stores entries whose text was there before in this run.
  ///
  /// Without it the first of several entries with the same id or the same cleaned text is kept.
  public var allowsDuplicates: Bool
  /// Leaves out entries that the collection has with the same id, text, metadata and, where originals
  /// are kept, original.
  ///
  /// This is what makes it quick to run an interrupted or partly failed import again.
  public var skipsStored: Bool
  /// Keeps the text as it came beside the cleaned one, where cleaning changed it, so that it can be
  /// cleaned anew later.
  public var keepOriginal: Bool
  /// Goes on where an interrupted run on the same source had committed, without reading what is before.
  ///
  /// Where that place cannot be trusted, because the source or a setting has changed, all is read and
  /// what is stored is left out, as ``skipsStored`` does.
  public var resumes: Bool
  /// How to wait for ``idleTime``; a test decides here when it is over.
  var idleTimer: @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }
  /// Ids, as text, to which the run is limited; `nil` takes all.
  public var only: Set<String>?

  /// Everything chosen from the data and the machine unless given.
  public init(
    cleaner: any TextCleaner = CleaningChain.standard,
    workers: Int? = nil,
    loadBatch: Int? = nil,
    cleanBatch: Int? = nil,
    embedBatch: Int? = nil,
    writeBatch: Int? = nil,
    queueDepth: Int? = nil,
    retries: Int = 3,
    retryDelay: Duration = .milliseconds(200),
    longestRetryWait: Duration = .seconds(120),
    idleTime: Duration? = .seconds(1),
    sleep: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) },
    allowsDuplicates: Bool = false,
    skipsStored: Bool = true,
    keepOriginal: Bool = true,
    resumes: Bool = false,
    only: Set<String>? = nil
  ) {
    self.cleaner = cleaner
    self.workers = workers
    self.loadBatch = loadBatch
    self.cleanBatch = cleanBatch
    self.embedBatch = embedBatch
    self.writeBatch = writeBatch
    self.queueDepth = queueDepth
    self.retries = retries
    self.retryDelay = retryDelay
    self.longestRetryWait = longestRetryWait
    self.idleTime = idleTime
    self.sleep = sleep
    self.allowsDuplicates = allowsDuplicates
    self.skipsStored = skipsStored
    self.keepOriginal = keepOriginal
    self.resumes = resumes
    self.only = only
  }

  /// Full cleaning; entries that are stored already are left out.
  public static var standard: IngestConfiguration { IngestConfiguration() }

  /// The cheapest cleaning and no look at what is stored: for large first imports.
  public static var fast: IngestConfiguration {
    IngestConfiguration(cleaner: CleaningChain.fast, skipsStored: false)
  }
}

/// The settings a run used, chosen or given.
public struct IngestSettings: Sendable, Hashable, Codable {
  /// The cleaners' names.
  public let cleaner: String
  /// Tasks that clean, and tasks that embed.
  public let workers: Int
  /// Entries read at a time.
  public let loadBatch: Int
  /// Entries a cleaning task takes at a time.
  public let cleanBatch: Int
  /// Texts of one embedding call.
  public let embedBatch: Int
  /// Records of one commit.
  public let writeBatch: Int
  /// Batches that may wait before each stage.
  public let queueDepth: Int
  /// How often a failed batch is tried again.
  public let retries: Int

  /// Bytes of vectors that one commit has at most.
  static let commitBytes = 32 << 20

  /// Chooses what is not given.
  ///
  /// Few entries are cut into enough pieces for all workers; wide vectors make smaller commits, so
  /// that what is in flight stays within some commits of ``commitBytes``.
  ///
  /// - Throws: `.invalidArgument` for a setting outside its range.
  init(
    _ wanted: IngestConfiguration,
    count: Int?,
    dimension: Int,
    batchLimit: Int,
    processors: Int
  ) throws(VectorStoreError) {
    func checked(
      _ name: String,
      _ value: Int?,
      _ range: ClosedRange<Int>
    ) throws(VectorStoreError) -> Int? {
      if let value, !range.contains(value) {
        let reason = "must be \(range.lowerBound) to \(range.upperBound), not \(value)"
        throw .invalidArgument(name: name, reason: reason)
      }
      return value
    }
    let batches = 1...1_000_000
    cleaner = wanted.cleaner.name
    let workers = try checked("workers", wanted.workers, 1...64) ?? min(16, max(2, processors))
    let share = count.map { max(64, $0 / (workers * 4)) } ?? Int.max
    let load = try checked("loadBatch", wanted.loadBatch, batches) ?? 10_000
    let widest = Self.commitBytes / max(1, 4 * dimension)
    // Without embedding a batch is only handed through.
    let usualEmbedBatch = dimension == 0 ? 5_000 : 256
    self.workers = workers
    loadBatch = load
    cleanBatch = try checked("cleanBatch", wanted.cleanBatch, batches) ?? min(5_000, load, share)
    embedBatch = min(
      try checked("embedBatch", wanted.embedBatch, batches) ?? min(usualEmbedBatch, share),
      max(1, batchLimit)
    )
    writeBatch = min(
      try checked("writeBatch", wanted.writeBatch, batches) ?? 10_000,
      max(1, widest)
    )
    queueDepth = try checked("queueDepth", wanted.queueDepth, 1...1024) ?? 4
    retries = try checked("retries", wanted.retries, 0...100) ?? 0
  }
}
