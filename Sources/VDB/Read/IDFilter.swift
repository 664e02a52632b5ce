/// Which ids may be in the table of merged ids, so that new ones are not looked up there: a look-up in a
/// large table costs more than all else that is done for a new id.
///
/// A Bloom filter whose bits of one id are in one word, as in Putze, Sanders and Singler, "Cache-, hash-
/// and space-efficient Bloom filters" (2007). Of ids that are not there a full part takes one in
/// 200 for one that may be; it is never wrong the other way. Ids are only added.
struct IDFilter: Sendable {
  /// A filter of a fixed size.
  struct Part: Sendable {
    private static let bitsPerID = 16
    /// Ids that it was made for.
    let capacity: Int
    private(set) var count = 0
    private var words: [UInt64]

    init(capacity: Int) {
      self.capacity = max(capacity, 1)
      words = [UInt64](repeating: 0, count: self.capacity * Self.bitsPerID / 64 + 1)
    }

    mutating func insert(_ hash: UInt64) {
      words[word(of: hash)] |= Self.bits(of: hash)
      count += 1
    }

    func mayContain(_ hash: UInt64) -> Bool {
      let bits = Self.bits(of: hash)
      return words[word(of: hash)] & bits == bits
    }

    private func word(of hash: UInt64) -> Int {
      Int(truncatingIfNeeded: hash.multipliedFullWidth(by: UInt64(words.count)).high)
    }

    /// Four bits, named by the lower bits of the hash; the upper ones name the word.
    private static func bits(of hash: UInt64) -> UInt64 {
      (1 << (hash & 63)) | (1 << (hash >> 6 & 63)) | (1 << (hash >> 12 & 63))
        | (1 << (hash >> 18 & 63))
    }
  }

  private static let leastCapacity = 65_536
  private var parts: [Part] = []
  /// Ids in it; those that were added twice count twice.
  var count: Int { parts.reduce(0) { $0 + $1.count } }

  /// Adds the ids of a filter that was made elsewhere.
  mutating func add(_ part: Part) {
    // The last part is the one that takes more ids.
    parts.insert(part, at: 0)
  }

  mutating func insert(_ hash: UInt64) {
    if parts.last.map({ $0.count >= $0.capacity }) ?? true {
      // In proportion to what is there, so that the parts stay few.
      parts.append(Part(capacity: max(Self.leastCapacity, count)))
    }
    parts[parts.count - 1].insert(hash)
  }

  func mayContain(_ hash: UInt64) -> Bool { parts.contains { $0.mayContain(hash) } }
}
