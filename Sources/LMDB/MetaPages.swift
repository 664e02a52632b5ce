#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// What LMDB's two meta pages say, checked by plain reads before LMDB maps the file: LMDB believes what
/// it reads there, and dies of what it believes wrongly.
///
/// The roots are followed one step (`RootPages`); the check of the whole page structure belongs beside
/// this file.
package struct MetaPages: Equatable {
  package let pageSize: Int
  package let lastPage: UInt64
  package let transactionID: UInt64
  /// Bytes that the file has.
  package let fileBytes: UInt64

  /// Bytes that a file with all its pages has.
  package var neededBytes: UInt64 { (lastPage + 1) * UInt64(pageSize) }

  /// Pages at the end that may be missing: LMDB does not write what a transaction took and freed again.
  package static let unwrittenPageLimit: UInt64 = 1_024

  private static let magic: UInt32 = 0xBEEF_C0DE
  private static let dataVersion: UInt32 = 1
  private static let metaFlag: UInt16 = 0x08
  /// Bytes of the page header, behind which the meta data are.
  private static let headerBytes = 16
  private static let noPage = UInt64.max

  /// One of the two pages, as read.
  private struct Page: PageBytes, Equatable {
    let bytes: [UInt8]

    var pageNumber: UInt64 { number(0, UInt64.self) }
    var flags: UInt16 { number(10, UInt16.self) }
    var magic: UInt32 { number(headerBytes, UInt32.self) }
    var version: UInt32 { number(headerBytes + 4, UInt32.self) }
    var address: UInt64 { number(headerBytes + 8, UInt64.self) }
    var mapSize: UInt64 { number(headerBytes + 16, UInt64.self) }
    /// The free database's record begins with the page size.
    var pageSize: UInt32 { number(headerBytes + 24, UInt32.self) }
    /// Flags of the free and the main database: which of LMDB's key orders and value forms they have.
    var freeFlags: UInt16 { number(headerBytes + 28, UInt16.self) }
    var mainFlags: UInt16 { number(headerBytes + 76, UInt16.self) }
    var freeDepth: UInt16 { number(headerBytes + 30, UInt16.self) }
    var mainDepth: UInt16 { number(headerBytes + 78, UInt16.self) }
    var freeRoot: UInt64 { number(headerBytes + 64, UInt64.self) }
    var mainRoot: UInt64 { number(headerBytes + 112, UInt64.self) }
    var lastPage: UInt64 { number(headerBytes + 120, UInt64.self) }
    var transactionID: UInt64 { number(headerBytes + 128, UInt64.self) }
    var free: TreeRoot { TreeRoot(self, at: headerBytes + 24) }
    var main: TreeRoot { TreeRoot(self, at: headerBytes + 72) }
  }

  /// Reads and checks both pages of an open file, again while another process changes them.
  package init(descriptor: Int32) throws(LMDBError) {
    // A commit between two reads shows pages that never were there together.
    for _ in 0..<100 {
      let before = try Self.readBoth(descriptor)
      do throws(LMDBError) {
        try self.init(descriptor, before)
        return
      } catch {
        // What does not change is damage.
        if try Self.readBoth(descriptor) == before { throw error }
      }
    }
    throw .badMetaPages("they change faster than they can be read")
  }

  private init(_ descriptor: Int32, _ pages: [Page]) throws(LMDBError) {
    let (first, second) = (pages[0], pages[1])
    let pageSize = Int(first.pageSize)
    var status = stat()
    guard unsafe fstat(descriptor, &status) == 0 else { throw .lastErrno }
    let fileBytes = UInt64(max(0, status.st_size))
    for (number, page) in pages.enumerated() {
      try Self.check(page, number: UInt64(number), pageSize: pageSize, fileBytes: fileBytes)
    }
    let (a, b) = (first.transactionID, second.transactionID)
    // Both are 0 only before the first commit.
    guard max(a, b) - min(a, b) == 1 || (a == 0 && b == 0) else {
      throw .badMetaPages("transactions \(a) and \(b) do not follow each other")
    }
    let newest = a >= b ? first : second
    // The older state is whole as well: LMDB spares its pages until the next commit.
    for page in pages {
      let roots = RootPages(
        descriptor: descriptor,
        pageSize: pageSize,
        lastPage: page.lastPage,
        filePages: fileBytes / UInt64(pageSize)
      )
      var inUse = try roots.checkTables(page.main)
      inUse.add(page.free)
      let freed = try roots.checkFree(page.free, upTo: page.transactionID, inUse: inUse)
      // Each commit writes the main root anew and frees the one before.
      let older = page == first ? second : first
      let mustFree = page == newest && older.mainRoot != TreeRoot.noPage
      guard !mustFree || freed == page.transactionID else {
        throw .badMetaPages("transaction \(page.transactionID) freed nothing")
      }
    }
    self.pageSize = pageSize
    lastPage = newest.lastPage
    transactionID = newest.transactionID
    self.fileBytes = fileBytes
    guard neededBytes <= fileBytes + Self.unwrittenPageLimit * UInt64(pageSize) else {
      throw .badMetaPages("the file has \(fileBytes) bytes, its pages need \(neededBytes)")
    }
  }

  private static func readBoth(_ descriptor: Int32) throws(LMDBError) -> [Page] {
    let first = Page(bytes: try read(descriptor, at: 0))
    guard first.magic == magic else { throw .badMetaPages("no LMDB magic number") }
    let pageSize = Int(first.pageSize)
    guard (4096...32768).contains(pageSize), pageSize & (pageSize - 1) == 0 else {
      throw .badMetaPages("a page size of \(pageSize)")
    }
    return [first, Page(bytes: try read(descriptor, at: pageSize))]
  }

  private static func read(_ descriptor: Int32, at offset: Int) throws(LMDBError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: headerBytes + 136)
    let count = unsafe bytes.withUnsafeMutableBytes { raw in
      unsafe pread(descriptor, raw.baseAddress, raw.count, off_t(offset))
    }
    guard count == bytes.count else { throw .badMetaPages("the file ends within them") }
    return bytes
  }

  private static func check(
    _ page: Page,
    number: UInt64,
    pageSize: Int,
    fileBytes: UInt64
  ) throws(LMDBError) {
    guard page.magic == magic else { throw .badMetaPages("no magic number on page \(number)") }
    guard page.version == dataVersion else {
      throw .badMetaPages("LMDB data format \(page.version), this library reads \(dataVersion)")
    }
    guard page.pageNumber == number, page.flags == metaFlag else {
      throw .badMetaPages("page \(number) is no meta page")
    }
    guard Int(page.pageSize) == pageSize else { throw .badMetaPages("two page sizes") }
    guard page.address == 0 else { throw .badMetaPages("a fixed map address") }
    guard page.mapSize <= 1 << 46 else { throw .badMetaPages("a map of \(page.mapSize) bytes") }
    guard page.transactionID == 0 || page.transactionID & 1 == number else {
      throw .badMetaPages("transaction \(page.transactionID) on page \(number)")
    }
    // The free database has integer keys; the main one is plain. Anything else was not made by us.
    guard page.freeFlags & 0x7FFF == 0x08, page.mainFlags == 0 else {
      throw .badMetaPages("strange database flags on page \(number)")
    }
    guard page.freeDepth <= 32, page.mainDepth <= 32 else {
      throw .badMetaPages("trees \(page.freeDepth) and \(page.mainDepth) deep")
    }
    guard page.lastPage >= 1, page.lastPage < 1 << 34 else {
      throw .badMetaPages("a last page \(page.lastPage)")
    }
    for root in [page.freeRoot, page.mainRoot] where root != noPage {
      guard root > 1, root <= page.lastPage, (root + 1) * UInt64(pageSize) <= fileBytes else {
        throw .badMetaPages("a root on page \(root) of \(page.lastPage)")
      }
    }
    guard page.transactionID == 0 || page.mainRoot != noPage || page.lastPage == 1 else {
      throw .badMetaPages("pages without a root")
    }
  }
}
