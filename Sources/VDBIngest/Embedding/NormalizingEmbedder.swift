/// Scales another embedder's vectors to unit length, for models that do not.
///
/// Under the `dot` metric it makes them comparable as under `cosine`.
public struct NormalizingEmbedder<Base: Embedder>: Embedder {
  /// The embedder whose vectors are scaled.
  public let base: Base
  /// That of the base.
  public var dimension: Int { base.dimension }
  /// That of the base with `+unit`, as the numbers differ.
  public var modelIdentity: String { base.modelIdentity + "+unit" }
  /// That of the base.
  public var batchLimit: Int { base.batchLimit }

  /// Scales the vectors of `base`.
  public init(_ base: Base) { self.base = base }

  /// The vectors of the base, scaled; a vector of length 0 is no embedding.
  public func embed(_ texts: [String]) async throws(EmbeddingError) -> [[Float]] {
    let vectors = try await base.embed(texts)
    try EmbeddingError.check(vectors, texts: texts.count, dimension: dimension)
    var missing: [Int] = []
    let scaled = vectors.enumerated().map { index, vector -> [Float] in
      // Squares of all finite numbers fit a double.
      let squares = vector.reduce(0.0) { $0 + Double($1) * Double($1) }
      if squares == 0 { missing.append(index) }
      let scale = 1 / squares.squareRoot()
      return vector.map { Float(Double($0) * scale) }
    }
    if !missing.isEmpty { throw .noEmbedding(indices: missing) }
    return scaled
  }
}
