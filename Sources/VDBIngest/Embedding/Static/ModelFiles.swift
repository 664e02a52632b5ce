/// The files of a model, as bytes, and what is read from them before the table itself.
struct ModelFiles {
  /// One file's bytes, and its name for messages.
  struct File {
    let path: String
    let bytes: [UInt8]
  }

  let table: File
  let vocabulary: File
  /// Whether the vocabulary is a `tokenizer.json`.
  let isTokenizerJSON: Bool
  let configuration: File

  /// What `config.json` says.
  struct Configuration {
    var dimension: Int?
    var language: String?
    var tokenLimit = 512
  }

  /// Bytes of each file at most, checked before anything is read.
  private enum Limits {
    static let table = 1 << 32
    static let vocabulary = 256 << 20
    static let configuration = 1 << 20
  }

  init(table: File, vocabulary: File, configuration: File) {
    self.table = table
    self.vocabulary = vocabulary
    self.configuration = configuration
    isTokenizerJSON = false
  }

  /// Reads the files of a folder; `vocab.txt` is preferred to `tokenizer.json`.
  init(folder: String) throws(VectorFileError) {
    configuration = try Self.read(folder + "/config.json", limit: Limits.configuration)
    table = try Self.read(folder + "/model.safetensors", limit: Limits.table)
    do throws(VectorFileError) {
      vocabulary = try Self.read(folder + "/vocab.txt", limit: Limits.vocabulary)
      isTokenizerJSON = false
    } catch {
      guard error.kind == .missing else { throw error }
      vocabulary = try Self.read(folder + "/tokenizer.json", limit: Limits.vocabulary)
      isTokenizerJSON = true
    }
  }

  private static func read(_ path: String, limit: Int) throws(VectorFileError) -> File {
    let file = try InputFile(path, as: .regular)
    let size = file.size ?? 0
    guard size <= limit else {
      throw VectorFileError(
        path: path,
        reason: "\(size) bytes are more than the \(limit) that this file of a model may have",
        remedy: "Check that this is the folder of a static embedding model"
      )
    }
    return File(path: path, bytes: try file.readValues(size, as: UInt8.self))
  }

  /// A JSON file as a tree.
  static func json(_ file: Span<UInt8>, path: String) throws(VectorFileError) -> ModelJSON {
    do throws(JSONFault) {
      return try ModelJSON(file)
    } catch {
      throw invalid(path, at: error)
    }
  }

  /// A fault at a byte of a file, as the error that names the file.
  static func invalid(_ path: String, at fault: JSONFault) -> VectorFileError {
    VectorFileError(
      path: path,
      place: .offset(fault.offset),
      reason: fault.reason,
      remedy: "The file is damaged or of another form; fetch the model again"
    )
  }

  /// Reads and checks `config.json`.
  func readConfiguration() throws(VectorFileError) -> Configuration {
    let tree = try Self.json(configuration.bytes.span, path: configuration.path)
    func error(_ reason: String) -> VectorFileError {
      VectorFileError(
        path: configuration.path,
        reason: reason,
        remedy: "Check that this is a static embedding model in the Model2Vec form"
      )
    }
    guard tree.object != nil else { throw error("it is no JSON object") }
    guard tree["model_type"]?.string == "model2vec" else {
      throw error("model_type is not \"model2vec\"")
    }
    var result = Configuration()
    if let value = tree["hidden_dim"] {
      guard let count = value.count, count > 0 else { throw error("hidden_dim is no dimension") }
      result.dimension = count
    }
    if let value = tree["max_tokens"] {
      guard let count = value.count, (1...1 << 20).contains(count) else {
        throw error("max_tokens is not from 1 to \(1 << 20)")
      }
      result.tokenLimit = count
    }
    // Part of the model's identity only if it is one word, such as "en".
    if let language = tree["language"]?.string, (1...16).contains(language.utf8.count),
      language.utf8.allSatisfy({ (0x61...0x7A).contains($0) })
    {
      result.language = language
    }
    return result
  }
}
