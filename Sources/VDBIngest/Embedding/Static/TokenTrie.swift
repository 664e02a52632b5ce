/// The tokens of a vocabulary by their UTF-8 bytes, for the longest match in one pass over a word.
///
/// A trie whose edges stand in one hash table with open addressing: a step is one probe of it, and
/// nothing is allocated. Continuations (`##ing`) are the branch under `##`, where a word never begins,
/// as punctuation stands alone.
struct TokenTrie: Sendable {
  /// Edges: node and byte above, the node they lead to below; 0 is free.
  private var slots: [UInt64]
  private var shift: UInt64
  private var edges = 0
  /// The token that ends at each node, or -1.
  ///
  /// Node 0 is the root, and no edge leads to it.
  private var tokens: [Int32] = [-1]
  /// Where continuations begin; `nil` if there are none.
  private(set) var continuation: Int32?

  static let root: Int32 = 0
  /// Bytes of all tokens together at most, so that node and byte fit an edge's key.
  static let byteLimit = 1 << 24 - 1

  /// A trie for about `byteCount` bytes of tokens, fewer than ``byteLimit``.
  init(byteCount: Int) {
    let bits = max(8, Int.bitWidth - byteCount.leadingZeroBitCount + 1)
    slots = [UInt64](repeating: 0, count: 1 << bits)
    shift = UInt64(64 - bits)
  }

  /// Adds a token; returns `false` if it is there already.
  mutating func insert(_ bytes: Span<UInt8>, token: Int32) -> Bool {
    var node = Self.root
    for index in bytes.indices { node = child(of: node, adding: bytes[index]) }
    if tokens[Int(node)] >= 0 { return false }
    tokens[Int(node)] = token
    return true
  }

  /// To be called after the last token.
  mutating func close() {
    let mark = UInt8(ascii: "#")
    guard let first = child(of: Self.root, mark) else { return }
    continuation = child(of: first, mark)
  }

  /// The longest token that begins at `start` of the word, and where it ends.
  @inline(__always)
  func longestMatch(
    _ word: Span<UInt8>,
    from start: Int,
    under origin: Int32
  ) -> (token: Int32, end: Int)? {
    var node = origin
    var best: (token: Int32, end: Int)?
    var index = start
    while index < word.count, let next = child(of: node, word[index]) {
      node = next
      index &+= 1
      let token = tokens[Int(node)]
      if token >= 0 { best = (token, index) }
    }
    return best
  }

  @inline(__always)
  private static func key(_ node: Int32, _ byte: UInt8) -> UInt64 {
    UInt64(UInt32(bitPattern: node)) << 8 | UInt64(byte)
  }

  @inline(__always)
  private func home(_ key: UInt64) -> Int {
    // Fibonacci hashing (Knuth, volume 3, 6.4).
    Int(truncatingIfNeeded: (key &* 0x9E37_79B9_7F4A_7C15) >> shift)
  }

  @inline(__always)
  private func child(of node: Int32, _ byte: UInt8) -> Int32? {
    let key = Self.key(node, byte)
    var position = home(key)
    while true {
      let slot = slots[position]
      if slot == 0 { return nil }
      if slot >> 32 == key { return Int32(truncatingIfNeeded: slot) }
      position = (position &+ 1) & (slots.count &- 1)
    }
  }

  private mutating func child(of node: Int32, adding byte: UInt8) -> Int32 {
    if let existing = child(of: node, byte) { return existing }
    precondition(tokens.count <= Self.byteLimit, "the vocabulary is larger than its limit")
    let new = Int32(tokens.count)
    tokens.append(-1)
    edges += 1
    if edges * 2 > slots.count { grow() }
    place(Self.key(node, byte) << 32 | UInt64(new))
    return new
  }

  private mutating func place(_ slot: UInt64) {
    var position = home(slot >> 32)
    while slots[position] != 0 { position = (position + 1) & (slots.count - 1) }
    slots[position] = slot
  }

  private mutating func grow() {
    let old = slots
    slots = [UInt64](repeating: 0, count: old.count * 2)
    shift -= 1
    for slot in old where slot != 0 { place(slot) }
  }
}
