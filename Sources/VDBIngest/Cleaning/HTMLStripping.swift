/// Takes HTML tags, comments, scripts and styles away and replaces character references.
///
/// It reads what people write, not what the standard allows: a `<` that no letter, `/` or `!` follows
/// is a less-than sign, and a tag that never closes stays as it is. Ends of blocks become line ends.
public struct HTMLStripping: TextCleaner {
  /// `html`.
  public let name = "html"

  /// A cleaner without settings.
  public init() {}

  /// The text without markup; a text with neither `<` nor `&` is returned as it is.
  public func clean(_ text: String) -> String? {
    guard text.utf8.contains(where: { $0 == 0x3C || $0 == 0x26 }) else { return text }
    let bytes = Array(text.utf8)
    var result: [UInt8] = []
    result.reserveCapacity(bytes.count)
    var position = 0
    while position < bytes.count {
      switch bytes[position] {
      case 0x3C: position = Self.skipTag(bytes, position, &result)
      case 0x26: position = Self.reference(bytes, position, &result)
      default:
        result.append(bytes[position])
        position += 1
      }
    }
    return String(decoding: result, as: UTF8.self)
  }

  private static let blocks: Set<String> = [
    "p", "div", "br", "li", "ul", "ol", "tr", "td", "th", "table", "h1", "h2", "h3", "h4", "h5",
    "h6", "hr", "pre", "blockquote", "section", "article", "header", "footer", "title", "dd", "dt",
  ]

  /// Steps over the tag at `start`; returns where the text goes on.
  private static func skipTag(_ bytes: [UInt8], _ start: Int, _ result: inout [UInt8]) -> Int {
    if matches(bytes, start, "<!--") {
      // One that does not end hides the rest, as in a browser.
      return find("-->", in: bytes, from: start + 4).map { $0 + 3 } ?? bytes.count
    }
    var name = start + 1
    let isClosing = name < bytes.count && bytes[name] == 0x2F
    if isClosing { name += 1 }
    guard name < bytes.count, isLetter(bytes[name]) || (bytes[name] == 0x21 && !isClosing) else {
      return keep(bytes, start, &result)
    }
    var end = name
    while end < bytes.count, isLetter(bytes[end]) || isDigit(bytes[end]) { end += 1 }
    let tag = String(decoding: bytes[name..<end], as: UTF8.self).lowercased()
    guard let close = closing(bytes, end) else { return keep(bytes, start, &result) }
    if blocks.contains(tag) { result.append(0x0A) }
    if !isClosing, tag == "script" || tag == "style" {
      guard let content = find("</\(tag)", in: bytes, from: close) else { return bytes.count }
      return closing(bytes, content).map { $0 + 1 } ?? bytes.count
    }
    return close + 1
  }

  /// The `>` that ends a tag, outside quotes; `nil` when another tag begins or the text ends first.
  private static func closing(_ bytes: [UInt8], _ start: Int) -> Int? {
    var quote: UInt8?
    for index in start..<bytes.count {
      let byte = bytes[index]
      if let open = quote {
        if byte == open { quote = nil }
      } else if byte == 0x3E {
        return index
      } else if byte == 0x3C, index > start {
        return nil
      } else if (byte == 0x22 || byte == 0x27), bytes[index - 1] == 0x3D {
        quote = byte
      }
    }
    return nil
  }

  /// Replaces the character reference at `start`; returns where the text goes on.
  private static func reference(_ bytes: [UInt8], _ start: Int, _ result: inout [UInt8]) -> Int {
    let limit = min(start + 34, bytes.count)
    guard let end = bytes[start..<limit].firstIndex(of: 0x3B), end > start + 1 else {
      return keep(bytes, start, &result)
    }
    let name = String(decoding: bytes[(start + 1)..<end], as: UTF8.self)
    let scalar: Unicode.Scalar?
    if name.hasPrefix("#x") || name.hasPrefix("#X") {
      scalar = UInt32(name.dropFirst(2), radix: 16).flatMap(Unicode.Scalar.init)
    } else if name.hasPrefix("#") {
      scalar = UInt32(name.dropFirst()).flatMap(Unicode.Scalar.init)
    } else {
      scalar = HTMLEntities.named[name]
    }
    guard let scalar else { return keep(bytes, start, &result) }
    result.append(contentsOf: String(Character(scalar)).utf8)
    return end + 1
  }

  private static func keep(_ bytes: [UInt8], _ start: Int, _ result: inout [UInt8]) -> Int {
    result.append(bytes[start])
    return start + 1
  }

  private static func isLetter(_ byte: UInt8) -> Bool {
    (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
  }

  private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

  /// Whether `word`, in lower case, is at `start`, in any case.
  private static func matches(_ bytes: [UInt8], _ start: Int, _ word: String) -> Bool {
    guard start + word.utf8.count <= bytes.count else { return false }
    return zip(bytes[start...], word.utf8).allSatisfy { byte, letter in
      byte == letter || (isLetter(byte) && byte | 0x20 == letter)
    }
  }

  private static func find(_ word: String, in bytes: [UInt8], from start: Int) -> Int? {
    guard start < bytes.count else { return nil }
    return (start..<bytes.count).first { matches(bytes, $0, word) }
  }
}
