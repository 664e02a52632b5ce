/// Vectors by text, of which those asked for least recently are given up when a limit is reached.
///
/// A dictionary into an array of entries that are linked in the order of their last use; every step is
/// O(1) and nothing is allocated once the array has its size.
struct LeastRecentlyUsed {
  private struct Entry {
    var text: String
    var vector: [Float]
    /// The entry used just after this one; -1 for the most recent.
    var newer: Int
    /// The entry used just before this one; -1 for the least recent.
    var older: Int
  }

  let entryLimit: Int
  let byteLimit: Int
  /// Bytes held, as ``cost(_:_:)`` counts them.
  private(set) var bytes = 0

  private var entries: [Entry] = []
  private var positions: [String: Int] = [:]
  private var free: [Int] = []
  private var newest = -1
  private var oldest = -1

  init(entryLimit: Int, byteLimit: Int) {
    self.entryLimit = entryLimit
    self.byteLimit = byteLimit
  }

  var count: Int { positions.count }

  /// Bytes that an entry takes: its text, its numbers, and about what holding them costs.
  static func cost(_ text: String, _ vector: [Float]) -> Int {
    text.utf8.count + vector.count * MemoryLayout<Float>.size + 128
  }

  /// The vector of `text`, which becomes the most recent.
  mutating func value(of text: String) -> [Float]? {
    guard let position = positions[text] else { return nil }
    unlink(position)
    link(position)
    return entries[position].vector
  }

  /// Keeps a vector as the most recent one, unless it alone is larger than the limit.
  mutating func insert(_ vector: [Float], for text: String) {
    remove(text)
    let cost = Self.cost(text, vector)
    guard entryLimit > 0, cost <= byteLimit else { return }
    while count >= entryLimit || bytes > byteLimit - cost { remove(entries[oldest].text) }
    let entry = Entry(text: text, vector: vector, newer: -1, older: -1)
    let position: Int
    if let reused = free.popLast() {
      position = reused
      entries[position] = entry
    } else {
      position = entries.count
      entries.append(entry)
    }
    positions[text] = position
    bytes += cost
    link(position)
  }

  /// The texts held, the least recently used first.
  var texts: [String] {
    var texts: [String] = []
    var position = oldest
    while position >= 0 {
      texts.append(entries[position].text)
      position = entries[position].newer
    }
    return texts
  }

  private mutating func remove(_ text: String) {
    guard let position = positions.removeValue(forKey: text) else { return }
    unlink(position)
    bytes -= Self.cost(entries[position].text, entries[position].vector)
    entries[position].text = ""
    entries[position].vector = []
    free.append(position)
  }

  private mutating func link(_ position: Int) {
    entries[position].older = newest
    entries[position].newer = -1
    if newest >= 0 { entries[newest].newer = position } else { oldest = position }
    newest = position
  }

  private mutating func unlink(_ position: Int) {
    let (newer, older) = (entries[position].newer, entries[position].older)
    if newer >= 0 { entries[newer].older = older } else { newest = older }
    if older >= 0 { entries[older].newer = newer } else { oldest = newer }
  }
}
