internal import Foundation
internal import VectorKernels

/// Embeds texts by a table of one vector a token: no network, no waiting, tens of thousands of texts
/// per second and core.
///
/// A text's embedding is the sum of the rows of its tokens, scaled to unit length; it knows words, not
/// their order. Texts without tokens have none (``EmbeddingError/noEmbedding(indices:)``). Copies share
/// the table.
///
/// Source: the form of Model2Vec (MinishLab/model2vec, `StaticModel.encode`), which takes the mean; scaled
/// to unit length, mean and sum are the same.
public struct StaticEmbedder: Embedder {
  /// Numbers per vector.
  public let dimension: Int
  /// `static-`, the language if the model names one, the dimension, `@` and a checksum of the files.
  ///
  /// It follows from what is in the files alone: a copy in another place is the same model.
  public let modelIdentity: String
  /// Tokens of a text at most; what comes after them is not looked at.
  public let tokenLimit: Int
  /// The tokeniser, for those who cut long texts into pieces by tokens.
  public let tokenizer: WordPieceTokenizer
  /// One call may carry any number; this keeps its result to a few megabytes.
  public var batchLimit: Int { 4_096 }

  private let table: TokenTable
  /// Whether unknown words count; Model2Vec's own models leave them out.
  private let countsUnknown: Bool

  /// Loads a model's folder.
  ///
  /// - Parameter folder: with `model.safetensors` (one tensor `embeddings`, I8, F16 or F32, a row a
  ///   token), `config.json` and the vocabulary of BERT uncased's tokeniser: `vocab.txt` (a token a line;
  ///   unknown words count as `[UNK]`), or `tokenizer.json` as Model2Vec writes it (unknown words are left
  ///   out, as Model2Vec does).
  /// - Throws: which file is missing, damaged or of another form, and where in it.
  public init(folder: String) throws(VectorFileError) {
    try self.init(ModelFiles(folder: folder))
  }

  init(_ files: ModelFiles) throws(VectorFileError) {
    let configuration = try files.readConfiguration()
    let vocabulary = files.vocabulary
    tokenizer =
      files.isTokenizerJSON
      ? try Vocabulary.tokenizer(json: vocabulary.bytes.span, path: vocabulary.path)
      : try Vocabulary.tokenizer(lines: vocabulary.bytes.span, path: vocabulary.path)
    countsUnknown = !files.isTokenizerJSON
    table = try TokenTable(files.table)
    guard table.count == tokenizer.count else {
      throw VectorFileError(
        path: files.table.path,
        reason: "\(table.count) rows do not fit the \(tokenizer.count) tokens of the vocabulary",
        remedy: "Fetch table and vocabulary of the same model"
      )
    }
    guard configuration.dimension ?? table.dimension == table.dimension else {
      throw VectorFileError(
        path: files.table.path,
        reason: "rows of \(table.dimension) numbers do not fit the hidden_dim of config.json",
        remedy: "Fetch table and configuration of the same model"
      )
    }
    dimension = table.dimension
    tokenLimit = configuration.tokenLimit
    let sum = [files.table, files.vocabulary].reduce(UInt32(0)) { sum, file in
      unsafe file.bytes.withUnsafeBytes { unsafe Checksum.crc32c($0, seed: sum) }
    }
    let digits = String(sum, radix: 16)
    let parts = ["static", configuration.language, String(table.dimension)].compactMap { $0 }
    modelIdentity =
      parts.joined(separator: "-") + "@" + String(repeating: "0", count: 8 - digits.count) + digits
  }

  /// The vector of one text, at once and on this thread.
  ///
  /// - Returns: `nil` if the text has no embedding.
  public func embedding(of text: String) -> [Float]? {
    var worker = Worker(self)
    return worker.embedding(of: text)
  }

  /// The vectors of any number of texts, by all cores if there are many.
  public func embed(_ texts: [String]) async throws(EmbeddingError) -> [[Float]] {
    if Task.isCancelled { throw .cancelled }
    let share = Self.share(of: texts.count)
    let found =
      share >= texts.count ? embed(texts[...]) : await embed(texts, inSharesOf: share)
    guard let found, found.count == texts.count else { throw .cancelled }
    let missing = found.indices.filter { found[$0].isEmpty }
    if !missing.isEmpty { throw .noEmbedding(indices: missing) }
    return found
  }

  /// Few enough texts that cores finish together, enough that a task is worth its start.
  private static func share(of count: Int) -> Int {
    max(64, min(1_024, count / (4 * ProcessInfo.processInfo.activeProcessorCount)))
  }

  private func embed(_ texts: [String], inSharesOf share: Int) async -> [[Float]]? {
    await withTaskGroup(of: (start: Int, vectors: [[Float]]?).self) { group in
      for start in stride(from: 0, to: texts.count, by: share) {
        let part = texts[start..<min(start + share, texts.count)]
        group.addTask { (start, embed(part)) }
      }
      var found = [[Float]](repeating: [], count: texts.count)
      for await result in group {
        guard let vectors = result.vectors else {
          group.cancelAll()
          return nil
        }
        for (index, vector) in vectors.enumerated() { found[result.start + index] = vector }
      }
      return found
    }
  }

  /// One vector a text, empty for those without an embedding; `nil` if the task is cancelled.
  private func embed(_ texts: ArraySlice<String>) -> [[Float]]? {
    if Task.isCancelled { return nil }
    var worker = Worker(self)
    return texts.map { worker.embedding(of: $0) ?? [] }
  }

  /// What one task needs to embed text after text.
  private struct Worker {
    let embedder: StaticEmbedder
    var scratch = WordPieceTokenizer.Scratch()
    var sums: TokenTable.Sums

    init(_ embedder: StaticEmbedder) {
      self.embedder = embedder
      sums = TokenTable.Sums(dimension: embedder.dimension)
    }

    mutating func embedding(of text: String) -> [Float]? {
      let tokenizer = embedder.tokenizer
      tokenizer.tokenize(text, limit: embedder.tokenLimit, &scratch)
      if !embedder.countsUnknown { scratch.tokens.removeAll { $0 == tokenizer.unknownToken } }
      return embedder.table.embedding(of: scratch.tokens, &sums)
    }
  }
}
