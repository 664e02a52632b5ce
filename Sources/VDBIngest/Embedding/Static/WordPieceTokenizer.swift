/// Cuts texts into the tokens of a BERT vocabulary, in lower case and without special tokens.
///
/// The same as `bert-base-uncased` with `add_special_tokens=False`: words are found as `BERTFolding`
/// says, and each is cut into the longest tokens of the vocabulary from its start on, those within a word
/// being written `##…`. A word that cannot be cut so, or of more than 100 characters, is one unknown token.
///
/// Source: google-research/bert, tokenization.py (`WordpieceTokenizer`); Devlin et al. 2018, section 3.
public struct WordPieceTokenizer: Sendable {
  let trie: TokenTrie
  /// The token of words that have no other.
  public let unknownToken: Int32
  /// Number of tokens; ids are 0 up to it.
  public let count: Int
  /// Characters of a word at most.
  public let wordLimit: Int

  /// A word with more characters than this is unknown.
  public static let defaultWordLimit = 100

  init(trie: TokenTrie, unknownToken: Int32, count: Int, wordLimit: Int) {
    self.trie = trie
    self.unknownToken = unknownToken
    self.count = count
    self.wordLimit = wordLimit
  }

  /// The ids of the text's tokens, the first `limit` of them.
  ///
  /// - Complexity: O(length of the text) for texts of words; one allocation for the result.
  public func tokenIDs(of text: String, limit: Int = .max) -> [Int32] {
    var scratch = Scratch()
    tokenize(text, limit: limit, &scratch)
    return scratch.tokens
  }

  /// What one task needs to tokenise text after text without allocating.
  struct Scratch {
    /// The result.
    var tokens: [Int32] = []
    fileprivate var folding = BERTFolding()
    /// The word so far, folded; cut off when it has more characters than a word may have.
    fileprivate var word: [UInt8] = []
    /// Characters of the word so far.
    fileprivate var length = 0

    init() {
      tokens.reserveCapacity(512)
      word.reserveCapacity(512)
    }
  }

  /// Leaves the ids of the text's first `limit` tokens in `scratch.tokens`.
  func tokenize(_ text: String, limit: Int, _ scratch: inout Scratch) {
    var text = text
    text.withUTF8 { unsafe tokenize($0.span, limit: limit, &scratch) }
  }

  /// The same for valid UTF-8, as a `String` has it.
  private func tokenize(_ text: Span<UInt8>, limit: Int, _ scratch: inout Scratch) {
    scratch.tokens.removeAll(keepingCapacity: true)
    scratch.word.removeAll(keepingCapacity: true)
    scratch.length = 0
    let meanings = BERTFolding.ASCII.table
    let table = meanings.span
    var index = 0
    while index < text.count, scratch.tokens.count < limit {
      let byte = text[index]
      if byte < 0x80 {
        index &+= 1
        let meaning = table[Int(byte)]
        if meaning > BERTFolding.ASCII.punctuation {
          append(meaning, &scratch)
        } else if meaning == BERTFolding.ASCII.space {
          endWord(&scratch)
        } else if meaning == BERTFolding.ASCII.punctuation {
          endWord(&scratch)
          append(byte, &scratch)
          endWord(&scratch)
        }
      } else {
        let scalar = Self.scalar(text, &index)
        for byte in scratch.folding.fold(scalar) {
          if byte == 0x20 { endWord(&scratch) } else { append(byte, &scratch) }
        }
      }
    }
    endWord(&scratch)
    if scratch.tokens.count > limit {
      scratch.tokens.removeLast(scratch.tokens.count - limit)
    }
  }

  /// The character at `index` that is not ASCII, and `index` after it.
  private static func scalar(_ text: Span<UInt8>, _ index: inout Int) -> Unicode.Scalar {
    let first = UInt32(text[index])
    let count = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2
    var value = first & (0xFF >> UInt32(count + 1))
    for offset in 1..<count { value = value << 6 | UInt32(text[index + offset] & 0x3F) }
    index += count
    return Unicode.Scalar(value) ?? "\u{FFFD}"
  }

  @inline(__always)
  private func append(_ byte: UInt8, _ scratch: inout Scratch) {
    // Bytes after the first of a character do not count.
    if byte & 0xC0 != 0x80 { scratch.length &+= 1 }
    if scratch.length <= wordLimit { scratch.word.append(byte) }
  }

  @inline(__always)
  private func endWord(_ scratch: inout Scratch) {
    if scratch.length == 0 { return }
    cut(&scratch)
    scratch.word.removeAll(keepingCapacity: true)
    scratch.length = 0
  }

  /// Appends the tokens of the word.
  private func cut(_ scratch: inout Scratch) {
    let before = scratch.tokens.count
    var start = 0
    var origin: Int32? = TokenTrie.root
    while scratch.length <= wordLimit, start < scratch.word.count {
      guard let under = origin,
        let match = trie.longestMatch(scratch.word.span, from: start, under: under)
      else { break }
      scratch.tokens.append(match.token)
      start = match.end
      origin = trie.continuation
    }
    if scratch.length <= wordLimit, start == scratch.word.count { return }
    scratch.tokens.removeLast(scratch.tokens.count - before)
    scratch.tokens.append(unknownToken)
  }
}
