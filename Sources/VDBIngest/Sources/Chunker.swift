/// Cuts a long text into pieces that a model can take, at headings and ends of sentences.
///
/// A piece has at most `words` words; a character of Chinese, Japanese or Korean counts as one. It
/// repeats the last sentences of the piece before it, up to `overlap` words, unless a heading stands
/// between them. Only a sentence that is longer than a whole piece is cut elsewhere. The same text
/// always gives the same pieces.
public struct Chunker: Sendable, Hashable {
  /// A piece of a text.
  public struct Chunk: Sendable, Hashable {
    /// The piece, without white space at its ends.
    public let text: String
    /// The heading that it stands under, without its marks; `nil` before the first one.
    public let heading: String?
  }

  /// Words of a piece at most.
  public let words: Int
  /// Words that a piece repeats of the one before at most.
  public let overlap: Int
  /// Whether lines that begin with `#` are headings.
  public let readsHeadings: Bool

  /// - Precondition: `words` is at least 1, and `overlap` from 0 to less than half of it.
  public init(words: Int = 200, overlap: Int = 30, readsHeadings: Bool = true) {
    precondition(words >= 1 && overlap >= 0 && 2 * overlap < max(words, 2), "see the precondition")
    self.words = words
    self.overlap = overlap
    self.readsHeadings = readsHeadings
  }

  /// A sentence, or what is cut of one, with its number of words.
  private struct Piece {
    var text: Substring
    var words: Int
  }

  /// The pieces of a text in their order; none for a blank text.
  public func chunks(of text: String) -> [Chunk] {
    var chunks: [Chunk] = []
    for section in sections(of: text) {
      var pieces: [Piece] = []
      var count = 0
      var isNew = false
      for piece in Self.sentences(of: section.body).flatMap(cut) {
        if count + piece.words > words, !pieces.isEmpty {
          chunks.append(chunk(pieces, section.heading))
          pieces = tail(pieces, leaving: words - piece.words)
          count = pieces.reduce(0) { $0 + $1.words }
          isNew = false
        }
        pieces.append(piece)
        count += piece.words
        isNew = true
      }
      if isNew { chunks.append(chunk(pieces, section.heading)) }
    }
    return chunks
  }

  private func chunk(_ pieces: [Piece], _ heading: String?) -> Chunk {
    Chunk(text: pieces.map { String($0.text) }.joined(separator: " "), heading: heading)
  }

  /// The last sentences that are repeated, with room for what comes next.
  private func tail(_ pieces: [Piece], leaving room: Int) -> [Piece] {
    var kept: [Piece] = []
    var count = 0
    for piece in pieces.reversed() {
      count += piece.words
      if count > min(overlap, room) { break }
      kept.insert(piece, at: 0)
    }
    return kept
  }

  private func sections(of text: String) -> [(heading: String?, body: Substring)] {
    guard readsHeadings else { return [(nil, text[...])] }
    var sections: [(heading: String?, body: Substring)] = []
    var heading: String?
    var start = text.startIndex
    var line = text.startIndex
    var isCode = false
    while line < text.endIndex {
      let end = text[line...].firstIndex(where: \.isNewline) ?? text.endIndex
      let next = end < text.endIndex ? text.index(after: end) : end
      let content = text[line..<end]
      if content.hasPrefix("```") { isCode.toggle() }
      if !isCode, let title = Self.heading(content) {
        sections.append((heading, text[start..<line]))
        heading = title
        start = line
      }
      line = next
    }
    sections.append((heading, text[start...]))
    return sections
  }

  /// The title of a Markdown heading.
  private static func heading(_ line: Substring) -> String? {
    let marks = line.prefix { $0 == "#" }
    let rest = line[marks.endIndex...]
    guard (1...6).contains(marks.count), rest.first == " " else { return nil }
    let title = rest.drop { $0 == " " }
    return title.isEmpty ? nil : String(title)
  }

  /// Sentences end after `.`, `!`, `?` or `…` before white space, after their East Asian forms, and at
  /// blank lines and headings.
  private static func sentences(of text: Substring) -> [Piece] {
    var pieces: [Piece] = []
    var start = text.startIndex
    var index = text.startIndex
    func take(_ end: Substring.Index) {
      let sentence = text[start..<end].trimmed
      if !sentence.isEmpty { pieces.append(Piece(text: sentence, words: words(in: sentence))) }
      start = end
    }
    let isHeading = text.first == "#"
    while index < text.endIndex {
      let character = text[index]
      let next = text.index(after: index)
      let following = next < text.endIndex ? text[next] : " "
      if "。！？".contains(character) || (".!?…".contains(character) && following.isWhitespace)
        || (character.isNewline && (following.isNewline || (isHeading && pieces.isEmpty)))
      {
        take(next)
      }
      index = next
    }
    take(text.endIndex)
    return pieces
  }

  /// A sentence that is longer than a piece, in parts of whole words.
  private func cut(_ piece: Piece) -> [Piece] {
    if piece.words <= words { return [piece] }
    var parts: [Piece] = []
    var start = piece.text.startIndex
    var count = 0
    for end in Self.wordEnds(in: piece.text) {
      count += 1
      if count == words {
        parts.append(Piece(text: piece.text[start..<end].trimmed, words: count))
        (start, count) = (end, 0)
      }
    }
    if count > 0 { parts.append(Piece(text: piece.text[start...].trimmed, words: count)) }
    return parts
  }

  private static func words(in text: Substring) -> Int { wordEnds(in: text).count }

  /// Where each word ends.
  private static func wordEnds(in text: Substring) -> [Substring.Index] {
    var ends: [Substring.Index] = []
    var isInWord = false
    for index in text.unicodeScalars.indices {
      let scalar = text.unicodeScalars[index]
      let isAlone = isWordAlone(scalar)
      if isInWord, isAlone || scalar.properties.isWhitespace {
        ends.append(index)
        isInWord = false
      }
      if isAlone {
        ends.append(text.unicodeScalars.index(after: index))
      } else if !scalar.properties.isWhitespace {
        isInWord = true
      }
    }
    if isInWord { ends.append(text.endIndex) }
    return ends
  }

  /// Scripts that put no spaces between words.
  private static func isWordAlone(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x3040...0x30FF, 0x3400...0x4DBF, 0x4E00...0x9FFF, 0xAC00...0xD7AF, 0xF900...0xFAFF,
      0x20000...0x3FFFF:
      true
    default: false
    }
  }
}

extension Substring {
  /// Without white space at both ends.
  fileprivate var trimmed: Substring {
    var text = drop(while: \.isWhitespace)
    while text.last?.isWhitespace == true { text.removeLast() }
    return text
  }
}
