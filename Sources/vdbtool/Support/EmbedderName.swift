import ArgumentParser
import Foundation
import VDB
import VDBIngest

/// What makes vectors of texts, as named on the command line.
enum EmbedderName: ExpressibleByArgument, CustomStringConvertible {
  case builtin
  /// Hashed features, for tests and for texts in which equal words are all that counts.
  case hash(Int)
  case folder(String)
  /// A service, by its name or address.
  case service(String)

  /// The services whose address is known.
  static let services = ["openai", "jina", "vllm", "tei"]

  init?(argument: String) {
    switch argument {
    case "builtin": self = .builtin
    case "hash": self = .hash(256)
    case _ where argument.hasPrefix("hash:"):
      guard let dimension = Int(argument.dropFirst(5)), VDBLimits.dimension.contains(dimension)
      else {
        return nil
      }
      self = .hash(dimension)
    case _ where Self.services.contains(argument): self = .service(argument)
    case _ where argument.hasPrefix("http://") || argument.hasPrefix("https://"):
      self = .service(argument)
    case _ where argument.contains("/"): self = .folder(argument)
    default: return nil
    }
  }

  static var allValueStrings: [String] {
    ["builtin", "hash", "hash:DIMENSION", "FOLDER/"] + services + ["URL"]
  }

  var description: String {
    switch self {
    case .builtin: "builtin"
    case .hash(let dimension): "hash:\(dimension)"
    case .folder(let path): path
    case .service(let name): name
    }
  }

  /// Whether calls go to another program.
  var isService: Bool { if case .service = self { true } else { false } }

  /// The embedder for texts that go into a collection, which need not exist yet.
  func load(
    _ options: ServiceOptions,
    for collection: CollectionInfo?
  ) async throws -> any Embedder {
    switch self {
    case .builtin: try StaticEmbedder.builtin()
    case .hash(let dimension): HashingEmbedder(dimension: dimension)
    case .folder(let path): try StaticEmbedder(folder: path)
    case .service(let name):
      try await ServiceLoader(name: name, options: options, collection: collection).connect()
    }
  }

  /// The embedder for queries of a collection: the one named, or the one that made its vectors.
  ///
  /// - Throws: `.modelMismatch` when the named one made other vectors, and a sentence that says how to
  ///   go on when none is named and the collection's model is none that is built in.
  static func query(
    _ named: EmbedderName?,
    _ options: ServiceOptions,
    for collection: CollectionInfo
  ) async throws -> any Embedder {
    if let named {
      let embedder =
        if case .service(let name) = named {
          try ServiceLoader(name: name, options: options, collection: collection).query(collection)
        } else {
          try await named.load(options, for: collection)
        }
      try embedder.check(collection)
      return embedder
    }
    for known in [EmbedderName.builtin, .hash(collection.options.dimension)] {
      let embedder = try await known.load(options, for: collection)
      if embedder.modelIdentity == collection.options.model { return embedder }
    }
    let model =
      collection.options.model.map { "come from the model '\($0)', which is not built in" }
      ?? "do not say which model made them"
    let option = collection.options.model.flatMap(ServiceModel.init)?.option ?? "--embed"
    throw Failure(
      status: .data,
      message: "The vectors of '\(collection.name)' \(model). Name the embedder with \(option), "
        + "or give the query's vector with --vectors."
    )
  }
}
