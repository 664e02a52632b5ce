import ArgumentParser
import Foundation
import VDB
import VDBIngest

/// What makes vectors of texts, as named on the command line.
enum EmbedderName: ExpressibleByArgument, CustomStringConvertible {
  case builtin
  /// No vectors: ids, texts and metadata alone.
  case none
  /// Hashed features, for tests and for texts in which equal words are all that counts.
  case hash(Int)
  case folder(String)

  init?(argument: String) {
    switch argument {
    case "builtin": self = .builtin
    case "none": self = .none
    case "hash": self = .hash(256)
    case _ where argument.hasPrefix("hash:"):
      guard let dimension = Int(argument.dropFirst(5)), dimension > 0,
        VDBLimits.dimension.contains(dimension)
      else {
        return nil
      }
      self = .hash(dimension)
    case _ where argument.contains("/"): self = .folder(argument)
    default: return nil
    }
  }

  static var allValueStrings: [String] { ["builtin", "none", "hash", "hash:DIMENSION", "FOLDER/"] }

  var description: String {
    switch self {
    case .builtin: "builtin"
    case .none: "none"
    case .hash(let dimension): "hash:\(dimension)"
    case .folder(let path): path
    }
  }

  func load() throws -> any Embedder {
    switch self {
    case .builtin: try StaticEmbedder.builtin()
    case .none: NoEmbedder()
    case .hash(let dimension): HashingEmbedder(dimension: dimension)
    case .folder(let path): try StaticEmbedder(folder: path)
    }
  }

  /// The embedder for queries of a collection: the one named, or the one that made its vectors.
  ///
  /// - Throws: `.modelMismatch` when the named one made other vectors, and a sentence that says how to
  ///   go on when none is named and the collection's model is none that is built in.
  static func load(_ named: EmbedderName?, for collection: CollectionInfo) throws -> any Embedder {
    guard collection.options.hasVectors else {
      throw VectorStoreError.noVectors(collection: collection.name)
    }
    if let named {
      let embedder = try named.load()
      try embedder.check(collection)
      return embedder
    }
    for known in [EmbedderName.builtin, .hash(collection.options.dimension)] {
      let embedder = try known.load()
      if embedder.modelIdentity == collection.options.model { return embedder }
    }
    let model =
      collection.options.model.map { "come from the model '\($0)', which is not built in" }
      ?? "do not say which model made them"
    throw Failure(
      status: .data,
      message: "The vectors of '\(collection.name)' \(model). Name the embedder with --embed, "
        + "give the query's vector with --vectors, or make vectors of a built-in model with "
        + "'vdbtool reprocess'."
    )
  }
}
