/// Repeats another embedder's calls that fail, as for a query.
///
/// A ``TextIngestor`` does this by itself; around its embedder this one would multiply the attempts.
public struct RetryingEmbedder<Base: Embedder>: Embedder {
  /// The embedder that is called.
  public let base: Base
  /// When its calls are repeated.
  public let policy: RetryPolicy
  /// That of the base.
  public var dimension: Int { base.dimension }
  /// That of the base: the vectors are the same.
  public var modelIdentity: String { base.modelIdentity }
  /// That of the base.
  public var batchLimit: Int { base.batchLimit }

  /// Repeats calls of `base` under `policy`.
  public init(_ base: Base, policy: RetryPolicy = RetryPolicy()) {
    self.base = base
    self.policy = policy
  }

  /// The vectors of the base.
  ///
  /// - Throws: the error of the last attempt.
  public func embed(_ texts: [String]) async throws(EmbeddingError) -> [[Float]] {
    try await policy.run { () async throws(EmbeddingError) in
      let vectors = try await base.embed(texts)
      try EmbeddingError.check(vectors, texts: texts.count, dimension: dimension)
      return vectors
    }
  }
}
