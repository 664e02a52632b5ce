#if HTTPEmbedding
  internal import Foundation
  internal import VDB
  public import VDBIngest

  /// Has texts embedded by a service that speaks OpenAI's `/v1/embeddings`: OpenAI, Jina, vLLM,
  /// text-embeddings-inference and others.
  ///
  /// One call is one request. What fails in passing is repeated by whoever has a
  /// ``RetryPolicy``: a ``TextIngestor``, which also halves what is too large, or a ``RetryingEmbedder``.
  /// Connections are kept between calls and closed with the embedder.
  public final class HTTPEmbedder: Embedder {
    /// The service, as it was given.
    public let service: EmbeddingService
    /// Numbers per vector.
    public let dimension: Int
    /// The service's name, the model and the dimension asked for.
    public var modelIdentity: String { service.modelIdentity }
    /// That of the service.
    public var batchLimit: Int { service.batchLimit }

    private let caller: ServiceCaller

    /// An embedder whose dimension is known, without a call.
    ///
    /// - Parameters:
    ///   - service: where and what.
    ///   - dimension: numbers per vector; other vectors are refused. `nil` takes the dimension asked for.
    /// - Throws: `.invalidSetting`.
    public convenience init(
      _ service: EmbeddingService,
      dimension: Int? = nil
    ) throws(EmbeddingError) {
      guard let dimension = dimension ?? service.dimensions else {
        throw .invalidSetting(
          name: "dimension",
          reason: "it is not known; give it, or connect to learn it"
        )
      }
      try self.init(ServiceCaller(service), dimension: dimension)
    }

    /// An embedder whose dimension is that of a first vector, for which one text is sent.
    ///
    /// What is wrong with address, key or model shows here, before anything else is done.
    ///
    /// - Parameters:
    ///   - service: where and what.
    ///   - retry: when the call is repeated.
    /// - Returns: an embedder that is ready.
    /// - Throws: ``EmbeddingError``: `.invalidSetting` without a call, and what calls throw.
    public static func connect(
      to service: EmbeddingService,
      retry: RetryPolicy = RetryPolicy()
    ) async throws(EmbeddingError) -> HTTPEmbedder {
      try await connect(ServiceCaller(service), retry: retry)
    }

    static func connect(
      _ caller: ServiceCaller,
      retry: RetryPolicy
    ) async throws(EmbeddingError) -> HTTPEmbedder {
      let expected = caller.service.dimensions
      let dimension = try await retry.run { () async throws(EmbeddingError) in
        let vectors = try await caller.vectors(of: ["dimension"], dimension: expected)
        try EmbeddingError.check(vectors, texts: 1, dimension: expected ?? vectors[0].count)
        return vectors[0].count
      }
      guard EmbeddingService.dimensionRange.contains(dimension) else {
        throw .invalidAnswer(reason: "its vectors have \(dimension) numbers")
      }
      return try HTTPEmbedder(caller, dimension: dimension)
    }

    init(_ caller: ServiceCaller, dimension: Int) throws(EmbeddingError) {
      let range = EmbeddingService.dimensionRange
      guard range.contains(dimension) else {
        throw .invalidSetting(
          name: "dimension",
          reason: "it is \(range.lowerBound) to \(range.upperBound), not \(dimension)"
        )
      }
      if let asked = caller.service.dimensions, asked != dimension {
        throw .invalidSetting(name: "dimension", reason: "\(asked) are asked for, not \(dimension)")
      }
      self.caller = caller
      self.dimension = dimension
      service = caller.service
    }

    /// The vectors of texts, by one request.
    ///
    /// - Throws: `.noEmbedding` for blank texts, without a request; `.tooLarge` for more than
    ///   ``batchLimit`` texts, and when the service says so or runs out of memory; `.service` and
    ///   `.timedOut`; `.invalidAnswer`, `.answerTooLarge`, `.wrongCount`, `.wrongDimension` and
    ///   `.notFinite` for answers that are of no use.
    public func embed(_ texts: [String]) async throws(EmbeddingError) -> [[Float]] {
      if texts.isEmpty { return [] }
      guard texts.count <= batchLimit else {
        throw .tooLarge(message: "\(texts.count) texts, of which a call takes \(batchLimit)")
      }
      // Services refuse the whole call for one of them.
      let blank = texts.indices.filter { texts[$0].allSatisfy(\.isWhitespace) }
      if !blank.isEmpty { throw .noEmbedding(indices: blank) }
      let vectors = try await caller.vectors(of: texts, dimension: dimension)
      try EmbeddingError.check(vectors, texts: texts.count, dimension: dimension)
      return vectors
    }

    /// Closes the connections; calls from here on fail.
    ///
    /// Dropping the embedder does the same, in passing.
    public func close() async { await caller.close() }
  }
#else
  /// Is there only if the package is built with its trait `HTTPEmbedding`.
  @available(*, unavailable, message: "Add traits: [\"HTTPEmbedding\"] to the dependency on vdb.")
  public struct HTTPEmbedder {}
#endif
