internal import VDB

/// A service that speaks OpenAI's `/v1/embeddings`: where it is, which model is wanted, within which limits.
///
///     let key = try APIKey.environment("OPENAI_API_KEY")
///     let service = EmbeddingService(.openAI, model: "text-embedding-3-small", apiKey: key)
///     let embedder = try await HTTPEmbedder.connect(to: service)
public struct EmbeddingService: Sendable {
  /// How numbers are asked for; both are understood, whichever comes.
  public enum Encoding: String, Sendable {
    /// Decimal digits in JSON, which every service can send.
    case float
    /// The bytes of float32 numbers, little-endian: about a third of the size and quicker to read.
    case base64
  }

  /// The service's name, the first part of ``modelIdentity``.
  public var name: String
  /// The address to which `/embeddings` is appended, usually ending with `/v1`.
  public var baseURL: String
  /// The model's name, as the service knows it.
  public var model: String
  /// Numbers per vector to ask for; `nil` takes the model's own.
  ///
  /// Only some models can give others than their own, and refuse to be asked otherwise.
  public var dimensions: Int?
  /// The secret to send along, if the service wants one.
  public var apiKey: APIKey?
  /// Sends the key over unencrypted HTTP to other machines, where everybody on the way can read it.
  public var allowsKeyOverPlainHTTP = false
  /// How numbers are asked for.
  public var encoding: Encoding
  /// Whether an answer must name ``model``, because the service does not look at the name asked for.
  public var checksModel: Bool
  /// The most texts of one call, from 1.
  public var batchLimit: Int
  /// The most calls at the same time, from 1; further ones wait.
  public var concurrencyLimit = 8
  /// The time that connecting may take.
  public var connectTimeout: Duration = .seconds(10)
  /// The time that a whole call may take, from the start of the connection to the last byte.
  public var requestTimeout: Duration = .seconds(120)

  /// What identifies the vectors: `openai:text-embedding-3-small`, with `@512` if so many were asked for.
  public var modelIdentity: String {
    "\(name):\(model)" + (dimensions.map { "@\($0)" } ?? "")
  }

  /// A service of a known kind.
  ///
  /// - Parameters:
  ///   - preset: the kind, which decides what is not given here.
  ///   - model: the model's name, as the service knows it.
  ///   - dimensions: numbers per vector to ask for; `nil` takes the model's own.
  ///   - apiKey: the secret to send along; OpenAI and Jina want one.
  ///   - baseURL: the address, if it is another than the kind's usual one.
  public init(
    _ preset: Preset,
    model: String,
    dimensions: Int? = nil,
    apiKey: APIKey? = nil,
    baseURL: String? = nil
  ) {
    name = preset.rawValue
    self.model = model
    self.dimensions = dimensions
    self.apiKey = apiKey
    self.baseURL = baseURL ?? preset.baseURL
    encoding = preset.encoding
    batchLimit = preset.batchLimit
    checksModel = preset == .textEmbeddingsInference
  }

  /// Another service of the same form.
  ///
  /// - Parameters:
  ///   - name: the first part of the model's identity; the same for services whose vectors of a model
  ///     may stand in one collection.
  ///   - baseURL: the address to which `/embeddings` is appended.
  ///   - model: the model's name, as the service knows it.
  ///   - dimensions: numbers per vector to ask for; `nil` takes the model's own.
  ///   - apiKey: the secret to send along.
  public init(
    name: String = "http",
    baseURL: String,
    model: String,
    dimensions: Int? = nil,
    apiKey: APIKey? = nil
  ) {
    self.name = name
    self.baseURL = baseURL
    self.model = model
    self.dimensions = dimensions
    self.apiKey = apiKey
    encoding = .float
    batchLimit = 64
    checksModel = false
  }
}

extension EmbeddingService {
  /// Numbers that a vector may have; a collection may do without vectors, a service not.
  static let dimensionRange = 1...VDBLimits.dimension.upperBound

  /// Kinds of services whose address, limits and habits are known.
  public enum Preset: String, Sendable, CaseIterable {
    /// OpenAI.
    case openAI = "openai"
    /// Jina AI.
    case jina
    /// vLLM on this machine.
    case vLLM = "vllm"
    /// Hugging Face's text-embeddings-inference on this machine.
    case textEmbeddingsInference = "tei"

    /// The usual address.
    public var baseURL: String {
      switch self {
      case .openAI: "https://api.openai.com/v1"
      case .jina: "https://api.jina.ai/v1"
      case .vLLM: "http://localhost:8000/v1"
      case .textEmbeddingsInference: "http://localhost:8080/v1"
      }
    }

    /// The environment variable that usually holds the key.
    public var keyVariable: String {
      switch self {
      case .openAI: "OPENAI_API_KEY"
      case .jina: "JINA_API_KEY"
      case .vLLM: "VLLM_API_KEY"
      case .textEmbeddingsInference: "TEI_API_KEY"
      }
    }

    /// Whether nothing is answered without a key.
    public var needsKey: Bool { self == .openAI || self == .jina }

    var encoding: Encoding {
      switch self {
      case .openAI, .vLLM: .base64
      case .jina, .textEmbeddingsInference: .float
      }
    }

    /// What the service takes by default, or less: texts of one call share its fate.
    var batchLimit: Int {
      switch self {
      case .openAI: 2048
      case .jina: 512
      case .vLLM: 256
      case .textEmbeddingsInference: 32
      }
    }
  }
}
