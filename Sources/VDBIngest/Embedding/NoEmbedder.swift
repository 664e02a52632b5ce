/// Makes no vectors: the texts are stored with their ids and metadata, to be fetched by id now and
/// embedded later.
///
/// Its collections have dimension 0; a search in one is an error that says so.
public struct NoEmbedder: Embedder {
  /// 0: no vectors.
  public var dimension: Int { 0 }
  /// `none`; collections without vectors pin no model.
  public let modelIdentity = "none"
  /// Any number of texts.
  public let batchLimit = Int.max

  /// An embedder that is not one.
  public init() {}

  /// An empty vector a text.
  public func embed(_ texts: [String]) async throws(EmbeddingError) -> [[Float]] {
    [[Float]](repeating: [], count: texts.count)
  }
}

extension Embedder {
  /// What a collection of these vectors is pinned to: nothing where there are none.
  package var pinnedModel: String? { dimension == 0 ? nil : modelIdentity }
}
