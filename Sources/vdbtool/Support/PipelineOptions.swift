import ArgumentParser
import VDB
import VDBIngest

/// What every command asks that runs the pipeline: `import` of texts, and `reprocess`.
struct PipelineOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Tasks that clean, and tasks that embed.", valueName: "n"))
  var workers: Int?

  @Option(help: ArgumentHelp("Texts of one embedding call.", valueName: "n"))
  var embedBatch: Int?

  @Option(help: ArgumentHelp("Records of one commit.", valueName: "n"))
  var writeBatch: Int?

  @Flag(help: "Keep cleaned texts only, not what they were before cleaning.")
  var noKeepOriginal = false

  @Flag(
    help: ArgumentHelp(
      "Keep vectors of texts in the store, for later runs.",
      discussion: """
        A text that the same model embedded before with this option costs no call. The vectors are in a \
        collection of their own, embeddings-…; drop it to forget them.
        """
    )
  )
  var embeddingCache = false

  @Option(help: ArgumentHelp("Write the report to a file, as JSON.", valueName: "file"))
  var report: String?

  /// The options, each with whether it was given.
  var given: [(String, Bool)] {
    [
      ("workers", workers != nil), ("embed-batch", embedBatch != nil),
      ("write-batch", writeBatch != nil), ("no-keep-original", noKeepOriginal),
      ("embedding-cache", embeddingCache), ("report", report != nil),
    ]
  }

  /// An embedder that keeps its vectors in the store, if that was asked for.
  func keeping(
    _ embedder: some Embedder,
    in store: VectorStore
  ) async throws -> any Embedder {
    guard embeddingCache, embedder.dimension > 0 else { return embedder }
    return try await StoredEmbedder(embedder, in: store)
  }

  /// Puts what was given into a configuration, with the patience that a service needs.
  func apply(to configuration: inout IngestConfiguration, with embed: EmbedderName?) {
    configuration.workers = workers
    configuration.embedBatch = embedBatch
    configuration.writeBatch = writeBatch
    configuration.keepOriginal = !noKeepOriginal
    if embed?.isService == true {
      configuration.retries = ServiceLoader.retries
      configuration.retryDelay = ServiceLoader.retryDelay
    }
  }
}
