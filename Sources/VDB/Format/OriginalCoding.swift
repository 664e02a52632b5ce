/// The text before cleaning, as what it has of its own beside the document: most cleaning changes little.
enum OriginalCoding {
  private static let mark: UInt8 = 1

  /// Appends the section, unless both texts have the same bytes; returns whether it did.
  ///
  /// Strings are compared as bytes here: composed and decomposed characters are equal as text, and the
  /// difference is just what cleaning changes.
  static func encode(
    _ original: String,
    document: String?,
    into writer: inout ByteWriter
  ) -> Bool {
    let text = Array(original.utf8)
    let cleaned = Array((document ?? "").utf8)
    if document != nil, text == cleaned { return false }
    let shorter = min(text.count, cleaned.count)
    var prefix = 0
    while prefix < shorter, text[prefix] == cleaned[prefix] { prefix += 1 }
    var suffix = 0
    while suffix < shorter - prefix,
      text[text.count - 1 - suffix] == cleaned[cleaned.count - 1 - suffix]
    {
      suffix += 1
    }
    writer.put(mark)
    writer.put(UInt32(prefix))
    writer.put(UInt32(suffix))
    writer.put(UInt32(text.count - prefix - suffix))
    writer.put(contentsOf: text[prefix..<(text.count - suffix)])
    return true
  }

  /// The section as bytes; valid as long as the record's value.
  @safe
  struct Parts {
    let prefix: Int
    let suffix: Int
    let between: UnsafeRawBufferPointer

    /// Of the text.
    var byteCount: Int { unsafe prefix + between.count + suffix }

    /// The text, put together with what it shares with the document.
    func text(with document: UnsafeRawBufferPointer?) throws(MalformedBytes) -> String {
      var bytes: [UInt8] = []
      bytes.reserveCapacity(byteCount)
      if let document = unsafe document { unsafe bytes.append(contentsOf: document.prefix(prefix)) }
      unsafe bytes.append(contentsOf: between)
      if let document = unsafe document { unsafe bytes.append(contentsOf: document.suffix(suffix)) }
      guard let text = String(validating: bytes, as: UTF8.self) else {
        throw MalformedBytes("the original is not UTF-8")
      }
      return text
    }
  }

  /// Takes the section, which is there unless the record ends here.
  static func parts(
    _ reader: inout ByteReader,
    document: UnsafeRawBufferPointer?
  ) throws(MalformedBytes) -> Parts? {
    if reader.remaining == 0 { return nil }
    guard try reader.take(UInt8.self) == mark else {
      throw MalformedBytes("something unknown follows the document")
    }
    let prefix = Int(try reader.take(UInt32.self))
    let suffix = Int(try reader.take(UInt32.self))
    let shared = unsafe document?.count ?? 0
    guard prefix + suffix <= shared else {
      throw MalformedBytes("the original shares \(prefix + suffix) bytes with \(shared)")
    }
    let between = try unsafe reader.take(count: Int(reader.take(UInt32.self)))
    return unsafe Parts(prefix: prefix, suffix: suffix, between: between)
  }
}
