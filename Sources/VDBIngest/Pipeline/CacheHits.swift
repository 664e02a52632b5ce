internal import VDB

/// An embedder that remembers texts and counts how many it knew.
private protocol CountsCacheHits {
  var statistics: EmbeddingStatistics { get }
}

extension CachingEmbedder: CountsCacheHits {}
extension StoredEmbedder: CountsCacheHits {}

extension Embedder {
  /// Texts that took no embedding so far; 0 for an embedder without a cache.
  var cacheHits: Int { (self as? any CountsCacheHits)?.statistics.cacheHits ?? 0 }
}

/// An embedder that keeps vectors where that may fail.
private protocol KeepsVectors {
  var failure: VectorStoreError? { get }
}

extension StoredEmbedder: KeepsVectors {}

extension Embedder {
  /// Why vectors are no longer kept for later runs; `nil` where they are, or never were.
  var keepingFailure: VectorStoreError? { (self as? any KeepsVectors)?.failure }
}
