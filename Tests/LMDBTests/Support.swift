import Foundation
import LMDB
import Testing

/// A small map, so that tests side by side reserve little.
let small = EnvironmentOptions(mapSizeBytes: 128 << 20)

extension Environment {
  /// Runs `body` in a write transaction and commits it; an error aborts it.
  ///
  /// Also what lets an asynchronous test write, as the whole transaction stays on one thread.
  func write<Result>(_ body: (inout WriteTransaction) throws -> Result) throws -> Result {
    var transaction = try WriteTransaction(self)
    let result = try body(&transaction)
    try transaction.commit()
    return result
  }

  func read<Result>(_ body: (borrowing ReadTransaction) throws -> Result) throws -> Result {
    let transaction = try ReadTransaction(self)
    return try body(transaction)
  }

  // In snapshots of their own, for expectations, which cannot hold closures that throw.
  func value(of key: [UInt8], in table: Table) throws -> [UInt8]? {
    try ReadTransaction(self).value(of: key, in: table)
  }
  func contents(of table: Table) throws -> [[UInt8]: [UInt8]] {
    try ReadTransaction(self).contents(of: table)
  }
  func keys(in table: Table) throws -> [[UInt8]] { try ReadTransaction(self).keys(in: table) }
  func statistics(of table: Table) throws -> TableStatistics {
    try ReadTransaction(self).statistics(of: table)
  }
  func freePageCount() throws -> Int { try ReadTransaction(self).freePageCount() }
  func readID() throws -> Int { try ReadTransaction(self).id }

  /// A new environment with one table.
  static func withTable(
    at folder: String,
    options: EnvironmentOptions = small
  ) throws -> (Environment, Table) {
    let environment = try create(at: folder, options: options)
    let table = try environment.write { write in try write.openTable(named: "table") }
    return (environment, table)
  }

  /// The table that `withTable` made, of an environment that was opened again.
  func existingTable(named name: String = "table") throws -> Table? {
    let read = try ReadTransaction(self)
    let table = try read.openTable(named: name)
    try read.keepTables()
    return table
  }
}

extension ReadTransaction {
  borrowing func value(of key: [UInt8], in table: Table) throws(LMDBError) -> [UInt8]? {
    try key.withBytes { (key) throws(LMDBError) in
      try address(forKey: key, in: table).map { Array($0) }
    }
  }

  /// Keys from `start` on for as long as they begin with `prefix`.
  borrowing func keys(
    from start: [UInt8] = [],
    prefix: [UInt8] = [],
    in table: Table
  ) throws(LMDBError) -> [[UInt8]] {
    var keys: [[UInt8]] = []
    try start.withBytes { (start) throws(LMDBError) in
      try forEach(from: start, in: table, failure: { $0 }) { (key, _) throws(LMDBError) in
        guard key.starts(with: prefix) else { return false }
        keys.append(Array(key))
        return true
      }
    }
    return keys
  }

  /// Everything in a table.
  borrowing func contents(of table: Table) throws(LMDBError) -> [[UInt8]: [UInt8]] {
    var contents: [[UInt8]: [UInt8]] = [:]
    let start = UnsafeRawBufferPointer(start: nil, count: 0)
    try forEach(from: start, in: table, failure: { $0 }) { (key, value) throws(LMDBError) in
      contents[Array(key)] = Array(value)
      return true
    }
    return contents
  }
}

extension WriteTransaction {
  borrowing func value(of key: [UInt8], in table: Table) throws(LMDBError) -> [UInt8]? {
    try key.withBytes { (key) throws(LMDBError) in
      try address(forKey: key, in: table).map { Array($0) }
    }
  }

  mutating func append(_ value: [UInt8], forKey key: [UInt8], in table: Table) throws(LMDBError) {
    try key.withBytes { (key) throws(LMDBError) in
      try value.withBytes { (value) throws(LMDBError) in
        try put(value, forKey: key, in: table, append: true)
      }
    }
  }
}

extension [UInt8] {
  init(_ text: String) { self.init(text.utf8) }

  /// Eight bytes, so that keys sort as their numbers do.
  init(number: Int) {
    self = (0..<8).map { UInt8(truncatingIfNeeded: number >> (56 - 8 * $0)) }
  }

  /// `withUnsafeBytes` that keeps the type of a thrown error.
  func withBytes<Result>(
    _ body: (UnsafeRawBufferPointer) throws(LMDBError) -> Result
  ) throws(LMDBError) -> Result {
    try withUnsafeBufferPointer { (buffer) throws(LMDBError) -> Result in
      try body(UnsafeRawBufferPointer(buffer))
    }
  }
}

/// A read transaction that several holders share.
final class ReadBox: Sendable {
  let transaction: ReadTransaction
  init(_ environment: Environment) throws(LMDBError) {
    transaction = try ReadTransaction(environment)
  }
}

/// One line of LMDB's reader table, which tests can make.
struct Reader: Hashable {
  let processID: Int
  let transactionID: Int?
  init(_ processID: Int, _ transactionID: Int?) {
    self.processID = processID
    self.transactionID = transactionID
  }
}

extension MetaPages {
  /// The pages of the data file in a folder.
  static func at(_ folder: String) throws -> MetaPages {
    let file = try FileHandle(forReadingFrom: URL(filePath: folder + "/" + Environment.dataFile))
    defer { closeQuietly(file) }
    return try MetaPages(descriptor: file.fileDescriptor)
  }
}

private func closeQuietly(_ file: FileHandle) {
  do { try file.close() } catch { print("not closed: \(error)") }
}

/// The permission bits of a file or folder.
func permissions(_ path: String) throws -> Int? {
  let attributes = try FileManager.default.attributesOfItem(atPath: path)
  return (attributes[.posixPermissions] as? NSNumber)?.intValue
}

/// `#expect` for what a transaction says: the macro cannot hold a value that cannot be copied.
func expect<Value: Equatable>(
  _ value: Value,
  is expected: Value,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  #expect(value == expected, sourceLocation: sourceLocation)
}
