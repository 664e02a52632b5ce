#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// What one meta page says of a tree.
struct TreeRoot {
  static let noPage = UInt64.max

  let depth: Int
  let entries: UInt64
  let page: UInt64
  /// Pages of all kinds that the tree has.
  let pages: UInt64

  /// Reads the 48 bytes of LMDB's `MDB_db`.
  init(_ bytes: some PageBytes, at offset: Int) {
    depth = Int(bytes.number(offset + 6, UInt16.self))
    let counts = stride(from: 8, through: 24, by: 8).map { bytes.number(offset + $0, UInt64.self) }
    // Damaged counts may not fit.
    pages = counts.reduce(0) { sum, count in
      let (total, isBeyond) = sum.addingReportingOverflow(count)
      return isBeyond ? .max : total
    }
    entries = bytes.number(offset + 32, UInt64.self)
    page = bytes.number(offset + 40, UInt64.self)
  }
}

/// Bytes of the file, read as numbers; an offset outside of them traps.
protocol PageBytes {
  var bytes: [UInt8] { get }
}

extension PageBytes {
  func number<Number: FixedWidthInteger>(_ offset: Int, _ type: Number.Type) -> Number {
    precondition(offset >= 0 && offset + MemoryLayout<Number>.size <= bytes.count)
    return unsafe bytes.withUnsafeBytes { raw in
      unsafe Number(littleEndian: raw.loadUnaligned(fromByteOffset: offset, as: type))
    }
  }
}

/// Follows the roots of one meta page by plain reads.
///
/// To the tables' root pages, and through the list of free pages. A root that a flipped bit moved leads to a page of another kind, past the end, or to
/// an older state, whose pages the list names as free.
struct RootPages {
  private static let branch: UInt16 = 0x01
  private static let leaf: UInt16 = 0x02
  private static let overflow: UInt16 = 0x04
  private static let headerBytes = 16
  private static let nodeHeaderBytes = 8
  private static let treeBytes = 48
  /// A node's value is a page number; a node's value is a table's tree.
  private static let largeValue: UInt16 = 0x01
  private static let table: UInt16 = 0x02

  let descriptor: Int32
  let pageSize: Int
  let lastPage: UInt64
  /// Pages that the file is long.
  let filePages: UInt64

  private struct Page: PageBytes {
    let bytes: [UInt8]
    var count: Int { (Int(number(12, UInt16.self)) - RootPages.headerBytes) / 2 }
  }

  private struct Node {
    let flags: UInt16
    /// The value's size, or a branch's child without its upper bits.
    let low: UInt32
    let key: Range<Int>
    var valueStart: Int { key.upperBound }
    var child: UInt64 { UInt64(low) | UInt64(flags) << 32 }
  }

  /// What is in use, as the tables' records say.
  struct InUse {
    var roots: Set<UInt64> = []
    /// Pages of the trees; the two meta pages to begin with.
    var pages: UInt64 = 2

    mutating func add(_ tree: TreeRoot) {
      let (total, isBeyond) = pages.addingReportingOverflow(tree.pages)
      pages = isBeyond ? .max : total
      if tree.page != TreeRoot.noPage { roots.insert(tree.page) }
    }
  }

  /// The main tree and every table in it, if that is one page deep.
  func checkTables(_ main: TreeRoot) throws(LMDBError) -> InUse {
    var inUse = InUse()
    inUse.add(main)
    guard let page = try rootPage(main), main.depth == 1 else { return inUse }
    for index in 0..<page.count {
      let node = try node(index, of: page)
      let end = node.valueStart + Self.treeBytes
      guard node.flags == Self.table, Int(node.low) == Self.treeBytes, end <= pageSize else {
        throw damage(main.page, "holds something else than tables")
      }
      let tree = TreeRoot(page, at: node.valueStart)
      if try rootPage(tree) != nil, inUse.roots.contains(tree.page) {
        throw damage(tree.page, "is the root of two tables")
      }
      inUse.add(tree)
    }
    return inUse
  }

  /// Walks the list of free pages, none of which may be among those `inUse`.
  ///
  /// - Returns: the last transaction that freed pages, 0 if none did.
  /// - Throws: `badMetaPages` for a list that cannot be this transaction's.
  func checkFree(
    _ free: TreeRoot,
    upTo transaction: UInt64,
    inUse: InUse
  ) throws(LMDBError) -> UInt64 {
    var found = Found()
    if try rootPage(free) != nil {
      try walkFree(free.page, levels: free.depth, upTo: transaction, inUse: inUse.roots, &found)
    }
    // A last page that is too low would let the next commit write over live pages. Fewer than there
    // are is no danger: pages that nobody will use again.
    guard inUse.pages <= lastPage + 1, inUse.pages + found.pages <= lastPage + 1 else {
      throw .badMetaPages("\(inUse.pages) pages in use, \(found.pages) free, of \(lastPage + 1)")
    }
    // Pages at the end that were freed before they were ever written may be missing; no others.
    guard filePages > lastPage || found.pastEnd == lastPage + 1 - filePages else {
      throw .badMetaPages("\(lastPage + 1) pages in a file of \(filePages)")
    }
    guard found.entries == free.entries else {
      throw damage(free.page, "has \(found.entries) entries below it")
    }
    return found.lastKey
  }

  private struct Found {
    var entries: UInt64 = 0
    var lastKey: UInt64 = 0
    /// Free pages.
    var pages: UInt64 = 0
    /// Free pages that the file is too short for.
    var pastEnd: UInt64 = 0
  }

  private func walkFree(
    _ number: UInt64,
    levels: Int,
    upTo transaction: UInt64,
    inUse: Set<UInt64>,
    _ found: inout Found
  ) throws(LMDBError) {
    let page = try page(number, Self.kind(levels: levels))
    for index in 0..<page.count {
      let node = try node(index, of: page)
      if levels > 1 {
        try walkFree(node.child, levels: levels - 1, upTo: transaction, inUse: inUse, &found)
        continue
      }
      found.entries += 1
      guard found.entries <= lastPage else { throw damage(number, "is one of too many") }
      let key = node.key.count == 8 ? page.number(node.key.lowerBound, UInt64.self) : .max
      guard key <= transaction else { throw damage(number, "frees pages for a later transaction") }
      found.lastKey = max(found.lastKey, key)
      let list = try value(of: node, in: page, number)
      let count = list.bytes.count >= 8 ? list.number(0, UInt64.self) : .max
      guard count <= UInt64(list.bytes.count / 8 - 1) else { throw damage(number, "cuts a list") }
      found.pages += count
      for index in 0..<Int(count) {
        let free = list.number(8 + 8 * index, UInt64.self)
        guard free > 1, free <= lastPage, !inUse.contains(free) else {
          throw damage(free, "is in use and free, or none at all")
        }
        if free >= filePages { found.pastEnd += 1 }
      }
    }
  }

  private func value(
    of node: Node,
    in page: Page,
    _ number: UInt64
  ) throws(LMDBError) -> Page {
    let size = Int(node.low)
    if node.flags == 0 {
      guard node.valueStart + size <= pageSize else { throw damage(number, "cuts a value") }
      return Page(bytes: Array(page.bytes[node.valueStart..<node.valueStart + size]))
    }
    guard node.flags == Self.largeValue, node.valueStart + 8 <= pageSize else {
      throw damage(number, "has a strange value")
    }
    let first = page.number(node.valueStart, UInt64.self)
    _ = try self.page(first, Self.overflow)
    // No list is longer than the pages there are.
    guard UInt64(size) <= (lastPage + 2) * 8 else { throw damage(first, "has \(size) bytes") }
    return Page(bytes: try read(size, at: first * UInt64(pageSize) + UInt64(Self.headerBytes)))
  }

  private func rootPage(_ tree: TreeRoot) throws(LMDBError) -> Page? {
    guard tree.page != TreeRoot.noPage, tree.depth > 0 else {
      guard tree.page == TreeRoot.noPage, tree.depth == 0, tree.entries == 0 else {
        throw .badMetaPages("\(tree.entries) entries without a root")
      }
      return nil
    }
    let page = try page(tree.page, Self.kind(levels: tree.depth))
    guard tree.depth > 1 || UInt64(page.count) == tree.entries else {
      throw damage(tree.page, "has \(page.count) entries of \(tree.entries)")
    }
    return page
  }

  private static func kind(levels: Int) -> UInt16 { levels > 1 ? branch : leaf }

  private func page(_ number: UInt64, _ kind: UInt16) throws(LMDBError) -> Page {
    guard number > 1, number <= lastPage else { throw damage(number, "is none of \(lastPage)") }
    let page = Page(bytes: try read(pageSize, at: number * UInt64(pageSize)))
    guard page.number(0, UInt64.self) == number else { throw damage(number, "has another number") }
    // 0x10 is left behind by a transaction that wrote the page.
    guard page.number(10, UInt16.self) & ~0x10 == kind else {
      throw damage(number, "is no such page")
    }
    if kind == Self.overflow { return page }
    let lower = Int(page.number(12, UInt16.self))
    let upper = Int(page.number(14, UInt16.self))
    guard lower > Self.headerBytes, lower <= upper, upper <= pageSize, lower & 1 == 0 else {
      throw damage(number, "has no room for itself")
    }
    return page
  }

  private func node(_ index: Int, of page: Page) throws(LMDBError) -> Node {
    let offset = Int(page.number(Self.headerBytes + 2 * index, UInt16.self))
    let number = page.number(0, UInt64.self)
    guard offset >= Self.headerBytes, offset + Self.nodeHeaderBytes <= pageSize else {
      throw damage(number, "points past its end")
    }
    let start = offset + Self.nodeHeaderBytes
    let end = start + Int(page.number(offset + 6, UInt16.self))
    guard end <= pageSize else { throw damage(number, "has a key past its end") }
    return Node(
      flags: page.number(offset + 4, UInt16.self),
      low: page.number(offset, UInt32.self),
      key: start..<end
    )
  }

  private func read(_ count: Int, at offset: UInt64) throws(LMDBError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    let got = unsafe bytes.withUnsafeMutableBytes { raw in
      unsafe pread(descriptor, raw.baseAddress, raw.count, off_t(offset))
    }
    guard got == count else { throw damage(offset / UInt64(pageSize), "is past the file's end") }
    return bytes
  }

  private func damage(_ page: UInt64, _ what: String) -> LMDBError {
    .badMetaPages("page \(page) \(what)")
  }
}
