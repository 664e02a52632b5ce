/// Turns texts into vectors: a table in memory, a service on the network, or a stand-in for tests.
///
/// An embedder is shared by all workers of a pipeline, so it is safe to call from many tasks at once.
/// The same text always gives the same vector as long as ``modelIdentity`` is the same.
public protocol Embedder: Sendable {
  /// Numbers per vector; the same for the embedder's whole life. 0 makes none, as ``NoEmbedder``.
  var dimension: Int { get }

  /// Names the model so exactly that vectors of equal identity can be compared with each other.
  ///
  /// A collection pins it: vectors of another identity are refused there.
  var modelIdentity: String { get }

  /// The most texts one call should carry, at least 1. Callers split longer lists.
  var batchLimit: Int { get }

  /// The vectors of `texts`, in the order of the texts.
  ///
  /// - Parameter texts: up to ``batchLimit`` texts; none gives no vectors.
  /// - Returns: one vector of ``dimension`` finite numbers a text.
  /// - Throws: ``EmbeddingError``, for the call as a whole: no vector of a failed call is usable.
  ///   ``EmbeddingError/noEmbedding(indices:)`` names every text of the call that has no vector, so
  ///   that leaving those out and calling once more is enough.
  func embed(_ texts: [String]) async throws(EmbeddingError) -> [[Float]]
}

extension Embedder {
  /// The vector of one text, as for a query.
  ///
  /// - Throws: as the call with a list does; `noEmbedding(indices: [0])` if it has none.
  public func embed(_ text: String) async throws(EmbeddingError) -> [Float] {
    let vectors = try await embed([text])
    try EmbeddingError.check(vectors, texts: 1, dimension: dimension)
    return vectors[0]
  }

  /// The vectors of any number of texts, with `nil` for each text that has none.
  ///
  /// Splits by ``batchLimit``, leaves out what ``EmbeddingError/noEmbedding(indices:)`` names and
  /// checks count, dimension and finiteness of what comes back. For a pipeline, in which one blank
  /// text must not stop the others of its batch.
  ///
  /// - Throws: every other ``EmbeddingError``, with indices in `texts`.
  public func embedWherePossible(
    _ texts: [String]
  ) async throws(EmbeddingError) -> [[Float]?] {
    var result = [[Float]?](repeating: nil, count: texts.count)
    let step = max(1, batchLimit)
    for start in stride(from: 0, to: texts.count, by: step) {
      var remaining = Array(start..<min(start + step, texts.count))
      while !remaining.isEmpty {
        do throws(EmbeddingError) {
          let vectors = try await embed(remaining.map { texts[$0] })
          try EmbeddingError.check(vectors, texts: remaining.count, dimension: dimension)
          for (index, vector) in zip(remaining, vectors) { result[index] = vector }
          remaining = []
        } catch {
          guard case .noEmbedding(let indices) = error else {
            throw error.mapIndices(to: remaining)
          }
          let kept = Set(remaining.indices).subtracting(indices)
          // An embedder that names no text of the call would be asked the same for ever.
          if kept.count == remaining.count { throw error }
          remaining = kept.sorted().map { remaining[$0] }
        }
      }
    }
    return result
  }
}

/// What an embedder was asked and what it took.
public struct EmbeddingStatistics: Hashable, Sendable, Codable {
  /// Texts that were asked for.
  public var texts = 0
  /// Texts of those that took no embedding: known, or being embedded for another caller already.
  public var cacheHits = 0
  /// Calls of the model.
  public var calls = 0
  /// Time spent in those calls, in seconds; calls at the same time count each.
  public var seconds = 0.0

  /// Nothing yet.
  public init() {}
}
