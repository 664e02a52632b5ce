import Foundation
import LMDB
import TestSupport
import Testing

@Suite struct EnvironmentTests {
  @Test func `the flags are LMDB's defaults and MDB_NOTLS, nothing else`() throws {
    // MDB_NOTLS by its number in lmdb.h, so that nothing renames it under this test.
    #expect(Environment.expectedFlags == 0x20_0000)
    try TemporaryFolder.with { folder in
      do {
        let environment = try Environment.create(at: folder, options: small)
        #expect(try environment.flags() == 0x20_0000)
      }
      do {
        let environment = try Environment(opening: folder, options: small)
        #expect(try environment.flags() == 0x20_0000)
      }
      var options = small
      options.isReadOnly = true
      let environment = try Environment(opening: folder, options: options)
      #expect(environment.isReadOnly)
      #expect(try environment.flags() == 0x22_0000)  // MDB_RDONLY
    }
  }

  @Test func `a read-only environment reads and refuses to write`() throws {
    try TemporaryFolder.with { folder in
      do {
        let (environment, table) = try Environment.withTable(at: folder)
        try environment.write { write in try write.put([1], forKey: [1], in: table) }
      }
      let options = EnvironmentOptions(mapSizeBytes: 1 << 20, isReadOnly: true)
      let environment = try Environment(opening: folder, options: options)
      let table = try #require(try environment.existingTable())
      #expect(try environment.contents(of: table) == [[1]: [1]])
      do {
        try environment.write { _ in }
        Issue.record("a write transaction began")
      } catch let error as LMDBError {
        #expect(error.isPermission, "\(error)")
      }
    }
  }

  @Test func `creating over a store or over nothing writable is refused`() throws {
    try TemporaryFolder.with { folder in
      let path = folder + "/data.mdb"
      do {
        let (environment, table) = try Environment.withTable(at: folder)
        #expect(throws: LMDBError.exists(path: path)) {
          try Environment.create(at: folder, options: small)
        }
        try environment.write { write in try write.put([1], forKey: [1], in: table) }
      }
      #expect(throws: LMDBError.exists(path: path)) {
        try Environment.create(at: folder, options: small)
      }
      #expect(throws: LMDBError.code(ENOENT)) {
        try Environment.create(at: folder + "/a/b", options: small)
      }
      #expect(throws: LMDBError.code(ENOTDIR)) {
        try Environment.create(at: path, options: small)
      }
    }
  }

  @Test func `a second opening in one process is refused by whatever path`() throws {
    try TemporaryFolder.with { parent in
      let folder = parent + "/store"
      let (environment, table) = try Environment.withTable(at: folder)
      let files = FileManager.default
      try files.createSymbolicLink(atPath: parent + "/link", withDestinationPath: folder)
      try files.createDirectory(atPath: parent + "/other", withIntermediateDirectories: false)
      try files.linkItem(atPath: folder + "/data.mdb", toPath: parent + "/other/data.mdb")
      for path in [folder, folder + "/", parent + "/./store", parent + "/link", parent + "/other"] {
        #expect(throws: LMDBError.alreadyOpen(path: path)) {
          try Environment(opening: path, options: small)
        }
      }
      // The refusals must not have dropped LMDB's own locks or the first one's use.
      try environment.write { write in try write.put([1], forKey: [1], in: table) }
      environment.shutDown()
      for path in [parent + "/link", folder] {
        let again = try Environment(opening: path, options: small)
        let table = try #require(try again.existingTable())
        #expect(try again.contents(of: table) == [[1]: [1]])
      }
    }
  }

  @Test func `what is shut down refuses transactions and can be opened again`() throws {
    try TemporaryFolder.with { folder in
      let (environment, table) = try Environment.withTable(at: folder)
      try environment.write { write in try write.put([1], forKey: [1], in: table) }
      environment.shutDown()
      environment.shutDown()
      #expect(throws: LMDBError.closed) { try environment.readID() }
      #expect(throws: LMDBError.closed) { try environment.write { _ in } }
      for round in 1...3 {
        let again = try Environment(opening: folder, options: small)
        let table = try #require(try again.existingTable())
        try again.write { write in try write.put([1], forKey: [UInt8(round)], in: table) }
        #expect(try again.keys(in: table).count == round)
        again.shutDown()
      }
    }
  }

  @Test func `a read transaction outlives the shutting down, and then lets the file go`() throws {
    try TemporaryFolder.with { folder in
      let (environment, table) = try Environment.withTable(at: folder)
      let value = [UInt8](repeating: 5, count: 20_000)
      try environment.write { write in try write.put(value, forKey: [1], in: table) }
      do {
        let read = try ReadTransaction(environment)
        environment.shutDown()
        #expect(try read.value(of: [1], in: table) == value)
        #expect(throws: LMDBError.closed) { try environment.readID() }
        #expect(throws: LMDBError.alreadyOpen(path: folder)) {
          try Environment(opening: folder, options: small)
        }
        #expect(try read.value(of: [1], in: table) == value)
      }
      let again = try Environment(opening: folder, options: small)
      let found = try #require(try again.existingTable())
      #expect(try again.contents(of: found) == [[1]: value])
    }
  }

  @Test func `a read transaction alone keeps the map open`() throws {
    try TemporaryFolder.with { folder in
      let (read, table) = try { () throws -> (ReadBox, Table) in
        let (environment, table) = try Environment.withTable(at: folder)
        try environment.write { write in try write.put([1], forKey: [1], in: table) }
        return (try ReadBox(environment), table)
      }()
      #expect(try read.transaction.value(of: [1], in: table) == [1])
    }
  }

  @Test func `a refused opening leaves nothing registered`() throws {
    try TemporaryFolder.with { folder in
      do { _ = try Environment.create(at: folder, options: small) }
      // More readers than LMDB can lock for: the opening fails behind the registry.
      var options = small
      options.maxTables = .max
      do {
        _ = try Environment(opening: folder, options: options)
      } catch let error as LMDBError {
        #expect(error != .alreadyOpen(path: folder))
      }
      _ = try Environment(opening: folder, options: small)
    }
  }

  @Test func `the map may be larger than memory and disk`() throws {
    try TemporaryFolder.with { folder in
      let environment = try Environment.create(at: folder, options: EnvironmentOptions())
      #expect(environment.mapSizeBytes >= 1 << 30)
      let size = try FileManager.default.attributesOfItem(atPath: folder + "/data.mdb")[.size]
      #expect((size as? Int ?? .max) < 1 << 20)
    }
  }

  @Test func `what the environment says of itself is true`() throws {
    try TemporaryFolder.with { folder in
      let (environment, _) = try Environment.withTable(at: folder)
      let info = try environment.info()
      #expect(info.pageSize == environment.pageSize && info.pageSize >= 4096)
      #expect(info.lastTransactionID == 1 && environment.lastTransactionID == 1)
      #expect(info.maxReaders >= 1024)
      let pages = try MetaPages.at(folder)
      #expect(pages.transactionID == 1 && pages.pageSize == info.pageSize)
      #expect(pages.lastPage == UInt64(info.lastPage))
    }
  }

  @Test func `the first pages read well at any moment of another's commits`() throws {
    try TemporaryFolder.with { folder in
      let (environment, table) = try Environment.withTable(at: folder)
      final class Seen: Sendable {
        let isOver = Guarded(false)
        let faults = Guarded<[String]>([])
        let reads = Guarded(0)
      }
      let seen = Seen()
      let threads = DispatchGroup()
      threads.enter()
      Thread.detachNewThread {
        defer { threads.leave() }
        while !seen.isOver.withLock({ $0 }) {
          do {
            _ = try MetaPages.at(folder)
          } catch {
            seen.faults.withLock { $0.append("\(error)") }
          }
          seen.reads.withLock { $0 += 1 }
        }
      }
      // As long as it takes until enough was read beside them, however the threads are scheduled.
      var number = 0
      while number < 400 || seen.reads.withLock({ $0 }) < 100 {
        number += 1
        try environment.write { write in
          try write.put(
            [UInt8](repeating: 1, count: 5000),
            forKey: [UInt8](number: number % 20),
            in: table
          )
        }
      }
      seen.isOver.withLock { $0 = true }
      threads.wait()
      #expect(seen.faults.withLock { $0 } == [])
    }
  }

  @Test func `readers are listed with their process and snapshot`() throws {
    try TemporaryFolder.with { folder in
      let (environment, table) = try Environment.withTable(at: folder)
      #expect(environment.readers() == [])
      let pid = Int(getpid())
      do {
        let first = try ReadTransaction(environment)
        try environment.write { write in try write.put([1], forKey: [1], in: table) }
        let second = try ReadTransaction(environment)
        let expected: Set = [
          Reader(pid, first.id), Reader(pid, second.id),
        ]
        #expect(
          Set(environment.readers().map { Reader($0.processID, $0.transactionID) }) == expected
        )
        #expect(second.id == first.id + 1)
        #expect(try environment.clearStaleReaders() == 0)
        #expect(environment.readers().count == 2)
      }
      #expect(environment.readers() == [])
    }
  }

  @Test func `readers over the limit are refused until one ends`() throws {
    try TemporaryFolder.with { folder in
      let options = EnvironmentOptions(mapSizeBytes: 1 << 20, maxReaders: 8)
      let (environment, _) = try Environment.withTable(at: folder, options: options)
      let limit = try environment.info().maxReaders
      var readers: [ReadBox] = []
      for _ in 0..<limit { readers.append(try ReadBox(environment)) }
      do {
        readers.append(try ReadBox(environment))
        Issue.record("reader \(limit + 1) of \(limit) was let in")
      } catch let error as LMDBError {
        #expect(error.isReadersFull, "\(error)")
      }
      readers.removeFirst()
      readers.append(try ReadBox(environment))
      #expect(readers.count == limit)
    }
  }

  @Test func `a compacted copy holds the same, is smaller, and never replaces a file`() throws {
    try TemporaryFolder.with { parent in
      let (environment, table) = try Environment.withTable(at: parent + "/store")
      let value = [UInt8](repeating: 9, count: 30_000)
      try environment.write { write in
        for number in 0..<60 { try write.put(value, forKey: [UInt8](number: number), in: table) }
      }
      try environment.write { write in
        for number in 0..<50 { try write.delete([UInt8](number: number), in: table) }
      }
      let contents = try environment.contents(of: table)
      try FileManager.default.createDirectory(
        atPath: parent + "/copy",
        withIntermediateDirectories: false
      )
      let path = parent + "/copy/data.mdb"
      try environment.copyCompacted(to: path)
      #expect(try permissions(path) == 0o600)
      #expect(
        try MetaPages.at(parent + "/copy").lastPage < MetaPages.at(parent + "/store").lastPage / 2
      )
      #expect(throws: LMDBError.code(EEXIST)) { try environment.copyCompacted(to: path) }
      try FileManager.default.createSymbolicLink(
        atPath: parent + "/copy/link",
        withDestinationPath: parent + "/elsewhere"
      )
      #expect(throws: LMDBError.self) { try environment.copyCompacted(to: parent + "/copy/link") }
      #expect(!FileManager.default.fileExists(atPath: parent + "/elsewhere"))
      let copy = try Environment(opening: parent + "/copy", options: small)
      let copied = try #require(try copy.existingTable())
      #expect(try copy.contents(of: copied) == contents)
      #expect(contents.count == 10)
    }
  }

  #if os(Linux)
    @Test func `no descriptor of LMDB's is left open in programs that are started`() throws {
      try TemporaryFolder.with { folder in
        let environment = try Environment.create(at: folder, options: small)
        let lock = try WriterLock(folder: folder)
        let names = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")
        var found: Set<String> = []
        for descriptor in names.compactMap({ Int32($0) }) {
          var target = [CChar](repeating: 0, count: 4096)
          let count = readlink("/proc/self/fd/\(descriptor)", &target, target.count - 1)
          guard count > 0 else { continue }
          let path = String(
            decoding: target.prefix(count).map { UInt8(bitPattern: $0) },
            as: UTF8.self
          )
          guard path.hasPrefix(folder) else { continue }
          found.insert(String(path.split(separator: "/").last ?? ""))
          #expect(fcntl(descriptor, F_GETFD) & FD_CLOEXEC != 0, "\(path)")
        }
        #expect(found == ["data.mdb", "lock.mdb", "writer.lock"])
        withExtendedLifetime((environment, lock)) {}
      }
    }
  #endif
}
