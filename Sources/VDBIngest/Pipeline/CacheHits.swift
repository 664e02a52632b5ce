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
