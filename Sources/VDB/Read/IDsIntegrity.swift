import LMDB
import Synchronization

/// Whether the `ids` of a collection are whole, asked once in a process, when an id is first not found
/// there: a value's checksum proves that an id is there, and only the whole table that it is not.
///
/// The table is derived: where it is damaged, rows are found through their records, and it is made again
/// (I8).
final class IDsIntegrity: Sendable {
  private enum State: UInt8 {
    case unchecked = 0
    case intact = 1
    case damaged = 2
  }

  private let state: Atomic<UInt8>
  /// The ids in the table, once `state` says that all were seen; `nil` where they are too many.
  private let filter = Guarded<IDFilter?>(IDFilter())
  private let filterLimit: Int
  /// Ids that are added while others wait for the filter.
  private static let idsAtOnce = 4_096
  /// Ids of a collection that are kept in a filter: it takes two bytes for each.
  static let mostFiltered = 1 << 25

  /// - Parameters:
  ///   - isNew: nothing of the table was read from disk.
  ///   - filterLimit: ids beyond which there is no filter.
  init(isNew: Bool, filterLimit: Int = mostFiltered) {
    state = Atomic((isNew ? State.intact : State.unchecked).rawValue)
    self.filterLimit = filterLimit
  }

  /// Whether the absence of an id means anything; the first caller pays for the check.
  func isIntact<Failure: Error>(_ check: () throws(Failure) -> Bool) throws(Failure) -> Bool {
    switch State(rawValue: state.load(ordering: .relaxed)) {
    case .intact: return true
    case .damaged: return false
    default:
      let good = try check()
      state.store((good ? State.intact : State.damaged).rawValue, ordering: .releasing)
      return good
    }
  }

  /// Notes ids that were found in the table.
  func add(_ found: IDFilter.Part) {
    filter.withLock { filter in
      filter?.add(found)
      dropIfTooLarge(&filter)
    }
  }

  /// Notes ids that will be in the table; before anyone can find them there.
  func add(hashes: [UInt64]) {
    for start in stride(from: 0, to: hashes.count, by: Self.idsAtOnce) {
      filter.withLock { filter in
        for hash in hashes[start..<min(start + Self.idsAtOnce, hashes.count)] {
          filter?.insert(hash)
        }
        dropIfTooLarge(&filter)
      }
    }
  }

  private func dropIfTooLarge(_ filter: inout IDFilter?) {
    if let count = filter?.count, count > filterLimit { filter = nil }
  }

  /// For each id whether the table may have it; `nil` where that is not known.
  ///
  /// For the process that writes: what others merge is not seen here.
  func mayContain(_ hashes: [UInt64]) -> [Bool]? {
    guard State(rawValue: state.load(ordering: .acquiring)) == .intact else { return nil }
    return filter.withLock { filter in
      filter.map { filter in hashes.map { filter.mayContain($0) } }
    }
  }
}

/// Goes through the entries of one collection's `ids` and holds them against the digest.
@safe
struct IDsCheck {
  private let expected: UInt64
  private var digest: UInt64 = 0
  private var lastPage: UInt = 0
  private var isWhole = true
  /// Keys at the ends of the table's pages: if a lookup reaches these, it reaches what is between them.
  private(set) var pageEnds: [[UInt8]] = []
  private var previousKey: [UInt8] = []

  init(_ record: CollectionRecord) { expected = record.idsDigest }

  mutating func add(key: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer) {
    do throws(MalformedBytes) {
      var reader = unsafe ByteReader(try SealedValue.open(value, key: key))
      let row = try reader.take(UInt32.self)
      unsafe digest &+= Self.term(row: row, sealed: Array(unsafe value))
    } catch {
      isWhole = false
    }
    let page = UInt(bitPattern: value.baseAddress) >> 12
    if page != lastPage {
      if !previousKey.isEmpty { pageEnds.append(previousKey) }
      unsafe pageEnds.append(Array(unsafe key))
      lastPage = page
    }
    previousKey = unsafe Array(unsafe key)
  }

  /// Whether all entries were there; lookups of `pageEnds` are the other half of the check.
  mutating func finish() -> Bool {
    if !previousKey.isEmpty { pageEnds.append(previousKey) }
    return isWhole && digest == expected
  }

  /// What an entry adds to the digest.
  static func term(row: Row, sealed: [UInt8]) -> UInt64 {
    let checksum = sealed.suffix(4).reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
    return CollectionRecord.digestTerm(row: row, checksum: checksum)
  }
}

extension CollectionSnapshot {
  /// Whether the table of merged ids is whole.
  func areIDsIntact(in reading: SharedReadTransaction) throws(VectorStoreError) -> Bool {
    try idsIntegrity.isIntact { () throws(VectorStoreError) in
      var check = IDsCheck(record)
      var found = IDFilter.Part(capacity: min(Int(record.merged), IDsIntegrity.mostFiltered))
      let prefix = Key.prefix(record.id)
      do throws(VectorStoreError) {
        unsafe try Loader(reading: reading).forEach(
          prefix: prefix,
          in: reading.tables.ids
        ) { key, value in
          unsafe check.add(key: key, value: value)
          let id = unsafe UnsafeRawBufferPointer(rebasing: key.dropFirst(prefix.count))
          found.insert(unsafe PendingIDs.hash(id))
        }
      } catch {
        return false
      }
      guard check.finish() else { return false }
      for key in check.pageEnds {
        let isFound = unsafe key.withRawBytes { key in
          do throws(LMDBError) {
            return try unsafe reading.transaction.address(forKey: key, in: reading.tables.ids)
              != nil
          } catch {
            return false
          }
        }
        if !isFound { return false }
      }
      idsIntegrity.add(found)
      return true
    }
  }

  /// The live row of an id by its record alone, for when the table cannot be trusted.
  ///
  /// O(rows).
  func rowByRecords(
    ofID id: [UInt8],
    in reading: SharedReadTransaction
  ) throws(VectorStoreError) -> Row? {
    for row in 0..<record.merged where !live.isDeleted(row) {
      let matches = try withRecord(row, in: reading) { parts in
        unsafe id.withRawBytes { unsafe parts.hasID($0) }
      }
      if matches { return row }
    }
    return nil
  }
}
