import Foundation
import TestSupport

@testable import VDBIngest

/// Where the built-in model's files stand in the package.
let modelFolder = URL(filePath: #filePath)
  .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
  .deletingLastPathComponent()
  .appending(path: "Sources/CBuiltinModel/static-en-256").path()

/// A text with what the reference made of it.
struct ReferenceVector: Decodable, Sendable {
  let text: String
  let tokens: [Int32]
  let embedding_head: [Float]

  static func all() throws -> [ReferenceVector] {
    try read(modelFolder + "/vectors.jsonl")
  }

  static func read(_ path: String) throws -> [ReferenceVector] {
    let lines = try Data(contentsOf: URL(filePath: path)).split(separator: 0x0A)
    return try lines.map { try JSONDecoder().decode(ReferenceVector.self, from: $0) }
  }
}

/// The files of a small model, each of which may be replaced by something hostile.
struct TestModel {
  static let words = [
    "[PAD]", "[UNK]", "play", "##ing", "##ed", "un", "##a", "##ff", "##able", "to", "day", "!",
  ]

  var vocabulary: Bytes? = Bytes(Self.words.joined(separator: "\n") + "\n")
  var tokenizer: Bytes?
  var configuration: Bytes? = Bytes(#"{"model_type":"model2vec","hidden_dim":3}"#)
  var table: Bytes? = TestModel.safetensors(
    #"{"embeddings":{"dtype":"I8","shape":[12,3],"data_offsets":[0,36]}}"#,
    (0..<36).map { UInt8($0) }
  )

  /// A file with any header and data.
  static func safetensors(_ header: String, _ data: [UInt8], length: UInt64? = nil) -> Bytes {
    Bytes().adding(length ?? UInt64(header.utf8.count)).adding(Array(header.utf8)).adding(data)
  }

  func load() throws -> StaticEmbedder {
    try TemporaryFolder.with { folder in
      let files = [
        ("vocab.txt", vocabulary), ("tokenizer.json", tokenizer), ("config.json", configuration),
        ("model.safetensors", table),
      ]
      for case (let name, let bytes?) in files {
        try Data(bytes.data).write(to: URL(filePath: folder + "/" + name))
      }
      return try StaticEmbedder(folder: folder)
    }
  }
}
