/// Which rows of a collection are deleted: a bitmap in pages that snapshots share.
struct LiveRows: Sendable {
  /// Rows of one page, which is one value of `tombstones`.
  static let pageRows = 8192
  static let pageShift: UInt32 = 13

  /// The bits of a page; set: deleted.
  final class Page: Sendable {
    let words: [UInt64]
    init(words: [UInt64]) { self.words = words }
  }

  private var pages: [Page?] = []
  private(set) var deletedCount = 0

  var isEmpty: Bool { deletedCount == 0 }

  func isDeleted(_ row: Row) -> Bool {
    let index = Int(row >> Self.pageShift)
    guard index < pages.count, let page = pages[index] else { return false }
    let bit = row & UInt32(Self.pageRows - 1)
    return page.words[Int(bit >> 6)] >> UInt64(bit & 63) & 1 == 1
  }

  /// Marks rows and returns the numbers of the pages that changed, ascending.
  mutating func markDeleted(_ rows: [Row]) -> [UInt32] {
    var changed: [UInt32: [UInt64]] = [:]
    for row in rows where !isDeleted(row) {
      let number = row >> Self.pageShift
      let bit = row & UInt32(Self.pageRows - 1)
      let mask = UInt64(1) << UInt64(bit & 63)
      var words = changed[number] ?? words(of: number)
      if words[Int(bit >> 6)] & mask == 0 { deletedCount += 1 }
      words[Int(bit >> 6)] |= mask
      changed[number] = words
    }
    for (number, words) in changed { setPage(number, words: words) }
    return changed.keys.sorted()
  }

  /// The bits of a page, all zero where nothing is deleted.
  func words(of number: UInt32) -> [UInt64] {
    let index = Int(number)
    guard index < pages.count, let page = pages[index] else {
      return [UInt64](repeating: 0, count: Self.pageRows / 64)
    }
    return page.words
  }

  /// Takes over a page read from disk.
  mutating func load(_ number: UInt32, words: [UInt64]) {
    deletedCount += words.reduce(0) { $0 + $1.nonzeroBitCount }
    setPage(number, words: words)
  }

  private mutating func setPage(_ number: UInt32, words: [UInt64]) {
    let index = Int(number)
    while pages.count <= index { pages.append(nil) }
    pages[index] = Page(words: words)
  }
}
