internal import Foundation

/// Composes characters (Unicode NFC), so that the same text has the same bytes.
public struct Composition: TextCleaner {
  /// `nfc`.
  public let name = "nfc"

  /// A cleaner without settings.
  public init() {}

  /// The composed text; ASCII is composed already.
  public func clean(_ text: String) -> String? {
    if text.utf8.allSatisfy({ $0 < 0x80 }) { return text }
    return text.precomposedStringWithCanonicalMapping
  }
}

/// Takes away control and invisible format characters; line ends and tabs stay.
///
/// Joiners (U+200C, U+200D) stay, because scripts and emoji need them. Carriage returns become line
/// feeds. What stands for bytes that were no text (U+FFFD) goes.
public struct ControlCharacters: TextCleaner {
  /// `control`.
  public let name = "control"

  /// A cleaner without settings.
  public init() {}

  /// The text without them.
  public func clean(_ text: String) -> String? {
    let isPlain = text.utf8.allSatisfy { $0 < 0x7F && ($0 >= 0x20 || $0 == 0x0A || $0 == 0x09) }
    if isPlain { return text }
    var result = String.UnicodeScalarView()
    var wasReturn = false
    for scalar in text.unicodeScalars {
      if scalar == "\r" {
        result.append("\n")
      } else if !(scalar == "\n" && wasReturn), Self.isKept(scalar) {
        result.append(scalar)
      }
      wasReturn = scalar == "\r"
    }
    return String(result)
  }

  private static func isKept(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x09, 0x0A, 0x200C, 0x200D: true
    case 0x20..<0x7F: true
    case 0..<0xA0, 0xFFFD: false
    // Tags spell out flags of regions within emoji.
    case 0xE0020...0xE007F: true
    default:
      switch scalar.properties.generalCategory {
      case .control, .format, .surrogate, .unassigned, .privateUse: false
      default: true
      }
    }
  }
}

/// Makes one space of white space, and keeps line ends only where paragraphs or lines end.
public struct Whitespace: TextCleaner {
  /// Whether line ends stay, at most two in a row.
  public var keepsLines: Bool
  /// `whitespace`, or `lines` when they are kept.
  public var name: String { keepsLines ? "lines" : "whitespace" }

  /// A cleaner that makes one line of a text unless `keepsLines`.
  public init(keepsLines: Bool = false) { self.keepsLines = keepsLines }

  /// The text with single spaces, and none at its ends.
  public func clean(_ text: String) -> String? {
    if isClean(text.utf8) { return text }
    var result = String.UnicodeScalarView()
    var isSpaced = false
    var lines = 0
    for scalar in text.unicodeScalars {
      if scalar.properties.isWhitespace {
        isSpaced = true
        if scalar == "\n" || scalar == "\u{2028}" { lines += 1 }
        if scalar == "\u{2029}" { lines += 2 }
        continue
      }
      if isSpaced, !result.isEmpty {
        if keepsLines, lines > 0 {
          for _ in 0..<min(lines, 2) { result.append("\n") }
        } else {
          result.append(" ")
        }
      }
      (isSpaced, lines) = (false, 0)
      result.append(scalar)
    }
    return String(result)
  }

  /// Whether an ASCII text needs no change; most do not.
  private func isClean(_ bytes: String.UTF8View) -> Bool {
    var last: UInt8 = 0x20
    for byte in bytes {
      if byte >= 0x80 || byte < 0x20 || (byte == 0x20 && last == 0x20) { return false }
      last = byte
    }
    return last != 0x20 || bytes.isEmpty
  }
}

/// Refuses texts that are too short and cuts those that are too long, at a character's end.
public struct Length: TextCleaner {
  /// Characters a text has at least; 1 refuses empty ones.
  public var atLeast: Int
  /// Bytes of UTF-8 after which a text is cut.
  public var cutBytes: Int
  /// The limits.
  public var name: String { "length(\(atLeast)…\(cutBytes) B)" }

  /// A cleaner with these limits; by default one that only refuses empty texts.
  ///
  /// - Precondition: `cutBytes` is at least 16, the longest common character.
  public init(atLeast: Int = 1, cutBytes: Int = 1 << 20) {
    precondition(cutBytes >= 16, "a text of \(cutBytes) bytes has no room for a character")
    self.atLeast = atLeast
    self.cutBytes = cutBytes
  }

  /// The text, cut if need be; `nil` when it is too short.
  public func clean(_ text: String) -> String? {
    if text.utf8.count < atLeast { return nil }
    if atLeast > 1, text.count < atLeast { return nil }
    if text.utf8.count <= cutBytes { return text }
    var end = text.utf8.index(text.startIndex, offsetBy: cutBytes)
    // Back to where a scalar starts: at most three bytes that continue one.
    while text.utf8[end] & 0xC0 == 0x80 { end = text.utf8.index(before: end) }
    let head = text[..<end]
    // A cut within a character would leave part of it; one that fills the limit alone is cut.
    // The index is made anew, because one of `head` remembers its character's length there.
    let start = head[..<head.index(before: head.endIndex)].utf8.count
    let last = text.utf8.index(text.startIndex, offsetBy: start)
    return String(text.index(after: last) == end || last == text.startIndex ? head : head[..<last])
  }
}
