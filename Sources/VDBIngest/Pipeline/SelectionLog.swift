/// What a run learnt about the texts and ids of some entries, so that another run can go on knowing it.
struct SelectionLog: Sendable, Equatable {
  /// The hash of each text.
  var texts: [UInt64] = []
  /// The hash of each id, 0 for an entry without one.
  var ids: [UInt64] = []

  /// Entries of one part: what fits a mark.
  static let partEntries = 32_768

  /// As bytes, in parts of at most ``partEntries`` entries: texts, then ids, each as 8 bytes,
  /// little-endian.
  var parts: [[UInt8]] {
    stride(from: 0, to: texts.count, by: Self.partEntries).map { start in
      let range = start..<min(start + Self.partEntries, texts.count)
      var bytes: [UInt8] = []
      bytes.reserveCapacity(16 * range.count)
      for number in [texts[range], ids[range]].joined() {
        unsafe withUnsafeBytes(of: number.littleEndian) { unsafe bytes.append(contentsOf: $0) }
      }
      return bytes
    }
  }

  init() {}

  /// From one part; `nil` if the bytes are none.
  init?(part: [UInt8]) {
    guard part.count % 16 == 0 else { return nil }
    let numbers = stride(from: 0, to: part.count, by: 8).map { start in
      part[start..<start + 8].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    }
    texts = Array(numbers[..<(numbers.count / 2)])
    ids = Array(numbers[(numbers.count / 2)...])
  }
}
