import VDB
import VDBIngest
#if HTTPEmbedding
  import VDBHTTPEmbedding
#endif

/// Makes the embedder of a service from what the command line and the collection say.
struct ServiceLoader {
  /// `openai`, `jina`, `vllm`, `tei` or an address.
  let name: String
  let options: ServiceOptions
  /// The collection, if it is there already: what is not given is taken from its model.
  let collection: CollectionInfo?

  #if HTTPEmbedding
    /// How long an import is patient with a service that is busy: half a minute, or as long as it asks.
    static let retries = 5
    static let retryDelay: Duration = .seconds(1)

    /// An embedder for many texts, after a first call that shows what is wrong before anything is read.
    func connect() async throws -> any Embedder {
      let service = try service()
      if let collection, let known = collection.options.model, known != service.modelIdentity {
        throw VectorStoreError.modelMismatch(
          collection: collection.name,
          existing: known,
          requested: service.modelIdentity
        )
      }
      return try await HTTPEmbedder.connect(to: service)
    }

    /// An embedder for a query of the collection, without a first call.
    func query(_ collection: CollectionInfo) throws -> any Embedder {
      let embedder = try HTTPEmbedder(service(), dimension: collection.options.dimension)
      return RetryingEmbedder(embedder)
    }

    private func service() throws -> EmbeddingService {
      let preset = EmbeddingService.Preset(rawValue: name)
      let known = collection?.options.model.flatMap(ServiceModel.init)
      let isSame = known?.service == (preset?.rawValue ?? "http")
      guard let model = options.model ?? (isSame ? known?.model : nil) else {
        throw Failure(status: .usage, message: "Name the service's model with --model.")
      }
      // The dimension asked for belongs to the collection's model, not to another one.
      let pinned = isSame && model == known?.model ? known?.dimensions : nil
      let dimensions = options.dimensions ?? pinned
      let key = try key(preset)
      var service: EmbeddingService
      if let preset {
        service = EmbeddingService(
          preset,
          model: model,
          dimensions: dimensions,
          apiKey: key,
          baseURL: options.baseURL
        )
      } else {
        service = EmbeddingService(
          baseURL: options.baseURL ?? name,
          model: model,
          dimensions: dimensions,
          apiKey: key
        )
      }
      service.allowsKeyOverPlainHTTP = options.allowPlainHTTPKey
      return service
    }

    private func key(_ preset: EmbeddingService.Preset?) throws -> APIKey? {
      if let path = options.apiKeyFile { return try APIKey.file(path) }
      let variable = preset?.keyVariable ?? "EMBEDDING_API_KEY"
      if let key = try APIKey.environment(variable) { return key }
      guard preset?.needsKey == true else { return nil }
      throw Failure(
        status: .usage,
        message:
          "'\(name)' wants an API key and there is none. Set the variable \(variable), or name "
          + "a file that holds it with --api-key-file."
      )
    }
  #else
    static let retries = 3
    static let retryDelay: Duration = .milliseconds(200)

    func connect() async throws -> any Embedder { throw Self.missing }
    func query(_ collection: CollectionInfo) throws -> any Embedder { throw Self.missing }

    private static let missing = Failure(
      status: .usage,
      message: "This vdbtool was built without services; build it with them by "
        + "'swift build -c release --product vdbtool --traits HTTPEmbedding'."
    )
  #endif
}
