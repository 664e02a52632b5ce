import LMDB
import TestSupport
import Testing

@Suite struct TableTests {
  @Test func `handles that were kept serve every later transaction`() throws {
    try TemporaryFolder.with { folder in
      do {
        let (environment, table) = try Environment.withTable(at: folder)
        try environment.write { write in try write.put([1], forKey: [1], in: table) }
      }
      let environment = try Environment(opening: folder, options: small)
      let table = try #require(try environment.existingTable())
      #expect(try environment.value(of: [1], in: table) == [1])
      try environment.write { write in try write.put([2], forKey: [2], in: table) }
      #expect(try environment.contents(of: table) == [[1]: [1], [2]: [2]])
    }
  }

  @Test func `a handle of a transaction that was dropped is refused, not followed`() throws {
    try TemporaryFolder.with { folder in
      do {
        let (environment, table) = try Environment.withTable(at: folder)
        try environment.write { write in try write.put([1], forKey: [1], in: table) }
      }
      let environment = try Environment(opening: folder, options: small)
      let lost = try environment.read { read in try read.openTable(named: "table") }
      let table = try #require(lost)
      #expect(throws: LMDBError.self) { try environment.value(of: [1], in: table) }
    }
  }

  @Test func `a name that is not there is no table, and opening twice gives one`() throws {
    try TemporaryFolder.with { folder in
      let (environment, table) = try Environment.withTable(at: folder)
      #expect(try environment.existingTable(named: "other") == nil)
      try environment.write { write in
        expect(try write.openTable(named: "table"), is: table)
        let other = try write.openTable(named: "other")
        #expect(other != table)
      }
    }
  }

  @Test func `tables over the limit are refused`() throws {
    try TemporaryFolder.with { folder in
      let options = EnvironmentOptions(mapSizeBytes: 1 << 20, maxTables: 3)
      let environment = try Environment.create(at: folder, options: options)
      #expect(throws: LMDBError.self) {
        try environment.write { write in
          for number in 0..<4 { _ = try write.openTable(named: "table \(number)") }
        }
      }
      try environment.write { write in _ = try write.openTable(named: "table") }
      #expect(try environment.existingTable() != nil)
    }
  }
}
