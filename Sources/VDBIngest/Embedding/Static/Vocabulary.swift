/// Reads the vocabulary of a model's folder: `vocab.txt`, or what `tokenizer.json` says.
enum Vocabulary {
  /// The token that the reference gives to words without another.
  private static let unknown = "[UNK]"

  /// One token a line, whose number from 0 is the token's id; lines end in LF or CRLF.
  ///
  /// - Throws: the line, from 1, and what is wrong with it.
  static func tokenizer(
    lines file: Span<UInt8>,
    path: String
  ) throws(VectorFileError) -> WordPieceTokenizer {
    func error(_ place: VectorFileError.Place, _ reason: String) -> VectorFileError {
      VectorFileError(
        path: path,
        place: place,
        reason: reason,
        remedy: "Fetch the model's vocabulary again"
      )
    }
    guard file.count < TokenTrie.byteLimit else {
      throw error(.file, "\(file.count) bytes are more than a vocabulary may have")
    }
    guard
      unsafe file.withUnsafeBufferPointer({ unsafe String(validating: $0, as: UTF8.self) }) != nil
    else { throw error(.file, "it is not UTF-8") }
    var trie = TokenTrie(byteCount: file.count)
    var count = 0
    var unknownID: Int32?
    var start = 0
    while start < file.count {
      var end = start
      while end < file.count, file[end] != 0x0A { end += 1 }
      let next = end + 1
      if end > start, file[end - 1] == 0x0D { end -= 1 }
      if end == start { throw error(.line(count + 1, column: nil), "the line has no token") }
      let token = file.extracting(start..<end)
      guard trie.insert(token, token: Int32(count)) else {
        throw error(.line(count + 1, column: nil), "the token stands in an earlier line too")
      }
      if equal(token, unknown) { unknownID = Int32(count) }
      count += 1
      start = next
    }
    guard let unknownID else { throw error(.file, "the token \(unknown) is missing") }
    trie.close()
    return WordPieceTokenizer(
      trie: trie,
      unknownToken: unknownID,
      count: count,
      wordLimit: WordPieceTokenizer.defaultWordLimit
    )
  }

  /// A `tokenizer.json` of huggingface/tokenizers, if it describes BERT's tokenisation in lower case.
  static func tokenizer(
    json file: Span<UInt8>,
    path: String
  ) throws(VectorFileError) -> WordPieceTokenizer {
    func error(_ reason: String) -> VectorFileError {
      VectorFileError(
        path: path,
        reason: reason,
        remedy: "Use a model with the WordPiece tokeniser of BERT uncased"
      )
    }
    let tree = try ModelFiles.json(file, path: path)
    guard let model = tree["model"], model["type"]?.string == "WordPiece" else {
      throw error("the tokeniser's model is not WordPiece")
    }
    guard let normalizer = tree["normalizer"], normalizer["type"]?.string == "BertNormalizer",
      normalizer["lowercase"]?.bool == true, normalizer["strip_accents"]?.bool != false,
      normalizer["clean_text"]?.bool != false, normalizer["handle_chinese_chars"]?.bool != false
    else { throw error("the normaliser is not that of BERT uncased") }
    guard tree["pre_tokenizer"]?["type"]?.string == "BertPreTokenizer" else {
      throw error("words are not found as BERT does")
    }
    guard model["continuing_subword_prefix"]?.string ?? "##" == "##" else {
      throw error("parts of words are not written with ##")
    }
    let wordLimit =
      model["max_input_chars_per_word"]?.count ?? WordPieceTokenizer.defaultWordLimit
    guard (1...1_000).contains(wordLimit) else { throw error("words have no limit from 1 to 1000") }
    guard let vocabulary = model["vocab"]?.object else { throw error("there is no vocabulary") }
    let bytes = vocabulary.keys.reduce(0) { $0 + $1.utf8.count }
    guard bytes < TokenTrie.byteLimit else { throw error("the vocabulary has \(bytes) bytes") }

    var trie = TokenTrie(byteCount: bytes)
    var taken = [Bool](repeating: false, count: vocabulary.count)
    for (token, value) in vocabulary {
      guard let id = value.count, id < taken.count, !taken[id], !token.isEmpty else {
        throw error("the ids of the vocabulary are not 0 to \(taken.count - 1), each once")
      }
      taken[id] = true
      guard trie.insert(Array(token.utf8).span, token: Int32(id)) else {
        throw error("the token \"\(token)\" stands twice in the vocabulary")
      }
    }
    trie.close()
    let name = model["unk_token"]?.string ?? unknown
    guard let id = vocabulary[name]?.count else { throw error("the token \(name) is missing") }
    return WordPieceTokenizer(
      trie: trie,
      unknownToken: Int32(id),
      count: taken.count,
      wordLimit: wordLimit
    )
  }

  private static func equal(_ bytes: Span<UInt8>, _ text: String) -> Bool {
    guard bytes.count == text.utf8.count else { return false }
    return zip(bytes.indices, text.utf8).allSatisfy { bytes[$0] == $1 }
  }
}
