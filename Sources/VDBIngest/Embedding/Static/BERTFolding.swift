internal import Foundation

/// What BERT's normalisation makes of single characters.
///
/// Steps, in the order of the reference (`BertNormalizer` and `BertPreTokenizer` of huggingface/tokenizers,
/// after `BasicTokenizer` in google-research/bert's tokenization.py): control characters are dropped,
/// white space becomes a space, Chinese characters stand alone, text is decomposed (NFD) and loses its
/// non-spacing marks, letters become lower case, punctuation stands alone.
///
/// Each step depends on one character at a time, so that a table of characters is the whole algorithm.
/// Where BERT's two implementations differ (a Greek Σ at the end of a word), this follows the one that
/// sentence-transformers models are run with: σ, as Rust's and Unicode's simple mapping say.
struct BERTFolding {
  /// What an ASCII byte means.
  enum ASCII {
    static let dropped: UInt8 = 0
    static let space: UInt8 = 1
    static let punctuation: UInt8 = 2
    // Any other value is the byte of a word, in lower case.

    static let table: [UInt8] = (0..<128).map { (byte: UInt8) -> UInt8 in
      switch byte {
      case 0x09, 0x0A, 0x0D, 0x20: space
      case 0..<0x20, 0x7F: dropped
      case UInt8(ascii: "A")...UInt8(ascii: "Z"): byte | 0x20
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): byte
      default: punctuation
      }
    }
  }

  /// Results for the characters of the texts at hand; emptied when full.
  private var known: [UInt32: [UInt8]] = [:]
  private static let knownLimit = 8_192

  /// The UTF-8 bytes that take the place of a character beyond ASCII; a space ends a word.
  mutating func fold(_ scalar: Unicode.Scalar) -> [UInt8] {
    if let bytes = known[scalar.value] { return bytes }
    let bytes = Self.compute(scalar)
    if known.count >= Self.knownLimit { known.removeAll(keepingCapacity: true) }
    known[scalar.value] = bytes
    return bytes
  }

  private static func compute(_ scalar: Unicode.Scalar) -> [UInt8] {
    if scalar.value == 0xFFFD { return [] }
    let category = category(scalar)
    if category == .control { return [] }
    if scalar.properties.isWhitespace { return [0x20] }
    // Newer characters than the reference knows have no decomposition there.
    let parts =
      category == .unknown
      ? String(Character(scalar))
      : String(Character(scalar)).decomposedStringWithCanonicalMapping
    var bytes: [UInt8] = []
    for part in parts.unicodeScalars where Self.category(part) != .nonspacingMark {
      // The full mapping of one character, without the context of its neighbours.
      for letter in part.properties.lowercaseMapping.unicodeScalars {
        let encoded = Array(String(Character(letter)).utf8)
        let standsAlone = Self.category(letter) == .punctuation
        bytes += standsAlone ? [0x20] + encoded + [0x20] : encoded
      }
    }
    return isChinese(scalar) ? [0x20] + bytes + [0x20] : bytes
  }

  /// What the reference distinguishes.
  private enum Category {
    case control
    case nonspacingMark
    case punctuation
    /// Letters, and all else that makes words.
    case other
    /// Not in Unicode 8: part of a word, whatever it is.
    case unknown
  }

  /// The category in Unicode 8, whose tables the reference uses: the result must not change with the
  /// version of Unicode that this system has.
  private static func category(_ scalar: Unicode.Scalar) -> Category {
    if scalar.value < 128 {
      return ASCII.table[Int(scalar.value)] == ASCII.punctuation ? .punctuation : .other
    }
    // Those whose category later versions changed.
    switch scalar.value {
    case 0x166D, 0x111C9: return .punctuation
    case 0x1734, 0x1171E: return .nonspacingMark
    case 0x1885, 0x1886, 0xA9BD: return .other
    default: break
    }
    switch scalar.properties.generalCategory {
    // These have an age of their own: they are never assigned to characters.
    case .privateUse: return .control
    case let category:
      guard let age = scalar.properties.age, age.major <= 8 else { return .unknown }
      switch category {
      case .control, .format: return .control
      case .nonspacingMark: return .nonspacingMark
      case .connectorPunctuation, .dashPunctuation, .openPunctuation, .closePunctuation,
        .initialPunctuation, .finalPunctuation, .otherPunctuation:
        return .punctuation
      default: return .other
      }
    }
  }

  /// The CJK Unified Ideographs that BERT takes for words of their own.
  ///
  /// Google's list has 0x2B820 where the reference followed here has 0x2B920.
  private static func isChinese(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x4E00...0x9FFF, 0x3400...0x4DBF, 0x20000...0x2A6DF, 0x2A700...0x2B73F, 0x2B740...0x2B81F,
      0x2B920...0x2CEAF, 0xF900...0xFAFF, 0x2F800...0x2FA1F:
      true
    default: false
    }
  }
}
