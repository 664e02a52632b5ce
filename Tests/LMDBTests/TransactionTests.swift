import LMDB
import TestSupport
import Testing

@Suite struct TransactionTests {
  private func withTable(
    options: EnvironmentOptions = small,
    _ body: (Environment, Table) throws -> Void
  ) throws {
    try TemporaryFolder.with { folder in
      let (environment, table) = try Environment.withTable(at: folder, options: options)
      try body(environment, table)
    }
  }

  @Test(arguments: [0, 1, 7, 2037, 2038, 2039, 4080, 4081, 100_000])
  func `a value comes back byte for byte, small or with pages of its own`(count: Int) throws {
    try withTable { environment, table in
      var generator = SeededGenerator(seed: UInt64(count))
      let value = (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
      for key in [[0], [UInt8](repeating: 0xFF, count: 511)] as [[UInt8]] {
        try environment.write { write in
          try write.put(value, forKey: key, in: table)
          #expect(try write.value(of: key, in: table) == value)
        }
        #expect(try environment.value(of: key, in: table) == value)
      }
    }
  }

  @Test func `a key of no bytes or of 512 is refused and the transaction goes on`() throws {
    try withTable { environment, table in
      try environment.write { write in
        for count in [0, 512] {
          do {
            try write.put([1], forKey: [UInt8](repeating: 1, count: count), in: table)
            Issue.record("a key of \(count) bytes was taken")
          } catch let error as LMDBError {
            #expect(error.rawCode != 0, "\(error)")
          }
        }
        try write.put([2], forKey: [2], in: table)
      }
      #expect(try environment.contents(of: table) == [[2]: [2]])
    }
  }

  @Test func `random writes and deletes leave what a dictionary holds`() throws {
    let seed: UInt64 = 11
    try withTable { environment, table in
      var generator = SeededGenerator(seed: seed)
      var model: [[UInt8]: [UInt8]] = [:]
      for round in 0..<40 {
        let isKept = Int.random(in: 0..<4, using: &generator) != 0
        let before = model
        var write = try WriteTransaction(environment)
        for _ in 0..<50 {
          let key = [UInt8](number: .random(in: 0..<300, using: &generator))
          if Int.random(in: 0..<3, using: &generator) == 0 {
            let isThere = model.removeValue(forKey: key) != nil
            #expect(try write.delete(key, in: table) == isThere)
          } else {
            let count = [3, 300, 9000].randomElement(using: &generator) ?? 3
            let value = [UInt8](repeating: .random(in: 0...255, using: &generator), count: count)
            try write.put(value, forKey: key, in: table)
            model[key] = value
          }
        }
        if isKept {
          try write.commit()
        } else {
          _ = consume write
          model = before
        }
        let contents = try environment.contents(of: table)
        #expect(contents == model, "seed \(seed), round \(round)")
        let entries = try environment.statistics(of: table).entries
        #expect(entries == model.count)
      }
    }
  }

  @Test func `iteration begins at the first key at or after the start and keeps byte order`() throws
  {
    try withTable { environment, table in
      let keys =
        ["a", "ab", "ab\0", "abc", "b", "c"].map { [UInt8]($0) } + [[0xFF], [0xFF, 0xFF]]
      try environment.write { write in
        for key in keys.shuffled() { try write.put(key, forKey: key, in: table) }
      }
      try environment.read { read in
        expect(try read.keys(in: table), is: keys)
        expect(try read.keys(from: [UInt8]("ab"), in: table), is: Array(keys[1...]))
        expect(try read.keys(from: [UInt8]("abb"), in: table), is: Array(keys[3...]))
        expect(try read.keys(from: [0xFF, 0xFF, 0], in: table), is: [])
        let ab = [UInt8]("ab")
        expect(try read.keys(from: ab, prefix: ab, in: table), is: Array(keys[1...3]))
        expect(try read.keys(from: [0xFF], prefix: [0xFF], in: table), is: Array(keys[6...]))
        expect(try read.keys(from: [UInt8]("bb"), prefix: [UInt8]("bb"), in: table), is: [])
      }
    }
  }

  @Test func `iteration stops when told and passes on what its body throws`() throws {
    struct Enough: Error {}
    try withTable { environment, table in
      try environment.write { write in
        for number in 0..<10 { try write.put([], forKey: [UInt8](number: number), in: table) }
      }
      try environment.read { read in
        var seen = 0
        let start = UnsafeRawBufferPointer(start: nil, count: 0)
        try read.forEach(from: start, in: table, failure: { $0 }) { (_, _) throws(LMDBError) in
          seen += 1
          return seen < 4
        }
        #expect(seen == 4)
        #expect(throws: Enough.self) {
          try read.forEach(from: start, in: table, failure: { _ in Enough() }) {
            (_, _) throws(Enough) in throw Enough()
          }
        }
      }
    }
  }

  @Test func `appending out of order is refused and changes nothing`() throws {
    try withTable { environment, table in
      try environment.write { write in
        try write.append([1], forKey: [5], in: table)
        try write.append([2], forKey: [6], in: table)
        for key in [[6], [5], [1]] as [[UInt8]] {
          do {
            try write.append([9], forKey: key, in: table)
            Issue.record("\(key) was appended behind 6")
          } catch let error as LMDBError {
            #expect(error.isKeyExists, "\(error)")
          }
        }
        try write.append([3], forKey: [7], in: table)
      }
      let contents = try environment.contents(of: table)
      #expect(contents == [[5]: [1], [6]: [2], [7]: [3]])
    }
  }

  @Test(arguments: [0, 1, 500, 3000, 70_000])
  func `a value filled in place is there whole and leaves its neighbours alone`(count: Int) throws {
    try withTable { environment, table in
      try environment.write { write in
        try write.put([1, 2, 3], forKey: [1], in: table)
        try write.put([4, 5, 6], forKey: [3], in: table)
        try write.put(byteCount: count, forKey: [2], in: table) { room in
          #expect(room.count == count)
          for index in room.indices { room[index] = UInt8(truncatingIfNeeded: index &* 31) }
        }
      }
      let value = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31) }
      let contents = try environment.contents(of: table)
      #expect(contents == [[1]: [1, 2, 3], [2]: value, [3]: [4, 5, 6]])
    }
  }

  @Test func `deleting a prefix keeps to its limit and to its keys`() throws {
    try withTable { environment, table in
      let others: [[UInt8]] = [[6, 0xFF], [7], [8]]
      try environment.write { write in
        for key in others { try write.put([], forKey: key, in: table) }
        for number in 0..<10 { try write.put([], forKey: [7, UInt8(number)], in: table) }
      }
      try environment.write { write in
        expect(try write.deletePrefix([7, 3], in: table, limit: 5), is: 1)
        expect(try write.deletePrefix([7, 3], in: table, limit: 5), is: 0)
        expect(try write.deletePrefix([9], in: table, limit: 5), is: 0)
        expect(try write.deletePrefix([7], in: table, limit: 0), is: 0)
        expect(try write.deletePrefix([7], in: table, limit: 4), is: 4)  // [7] itself is the first.
      }
      let left: [[UInt8]] = [[6, 0xFF], [7, 4], [7, 5], [7, 6], [7, 7], [7, 8], [7, 9], [8]]
      #expect(try environment.keys(in: table) == left)
      try environment.write { write in
        expect(try write.deletePrefix([7], in: table, limit: .max), is: 6)
        expect(try write.deletePrefix([], in: table, limit: .max), is: 2)
      }
      #expect(try environment.keys(in: table) == [])
    }
  }

  @Test func `a transaction that is dropped leaves nothing`() throws {
    try withTable { environment, table in
      struct Dropped: Error {}
      let before = environment.lastTransactionID
      #expect(throws: Dropped.self) {
        try environment.write { write in
          try write.put([1], forKey: [1], in: table)
          throw Dropped()
        }
      }
      #expect(environment.lastTransactionID == before)
      #expect(try environment.keys(in: table) == [])
      try environment.write { write in try write.put([2], forKey: [2], in: table) }
      #expect(environment.lastTransactionID == before + 1)
    }
  }

  @Test func `a snapshot keeps what it saw while others write`() throws {
    try withTable { environment, table in
      try environment.write { write in try write.put([1], forKey: [1], in: table) }
      let old = try ReadTransaction(environment)
      for number in 0..<200 {
        try environment.write { write in
          try write.put([UInt8](repeating: UInt8(number), count: 5000), forKey: [1], in: table)
        }
      }
      #expect(try old.value(of: [1], in: table) == [1])
      #expect(old.id + 200 == environment.lastTransactionID)
    }
  }

  @Test func `a full map refuses the batch and leaves the environment usable`() throws {
    try withTable(options: EnvironmentOptions(mapSizeBytes: 1 << 20)) { environment, table in
      try environment.write { write in try write.put([1], forKey: [0], in: table) }
      var write = try WriteTransaction(environment)
      var refusal: LMDBError?
      for number in 1..<1000 where refusal == nil {
        do throws(LMDBError) {
          try write.put(
            [UInt8](repeating: 7, count: 4000),
            forKey: [UInt8](number: number),
            in: table
          )
        } catch {
          refusal = error
        }
      }
      #expect(refusal?.isMapFull == true)
      // The transaction is spoilt: committing must not let half of it through.
      do {
        try write.commit()
        Issue.record("a spoilt transaction was committed")
      } catch let error as LMDBError {
        #expect(error.rawCode != 0)
      }
      #expect(try environment.contents(of: table) == [[0]: [1]])
      try environment.write { write in try write.put([2], forKey: [2], in: table) }
      #expect(try environment.contents(of: table) == [[0]: [1], [2]: [2]])
    }
  }

  @Test func `pages that deletes free are counted and used again`() throws {
    try withTable { environment, table in
      let value = [UInt8](repeating: 1, count: 40_000)
      try environment.write { write in
        for number in 0..<50 { try write.put(value, forKey: [UInt8](number: number), in: table) }
      }
      let before = try environment.freePageCount()
      try environment.write { write in
        expect(try write.deletePrefix([], in: table, limit: .max), is: 50)
      }
      let freed = try environment.freePageCount() - before
      #expect(freed >= 50 * 10, "\(freed) pages")
      // What a commit frees serves the last but one after it: the one between may still be read.
      try environment.write { write in try write.put([1], forKey: [1], in: table) }
      let last = try environment.info().lastPage
      try environment.write { write in
        for number in 0..<20 { try write.put(value, forKey: [UInt8](number: number), in: table) }
      }
      let left = try environment.freePageCount()
      #expect(left < before + freed - 180, "\(left) of \(before + freed)")
      #expect(try environment.info().lastPage <= last + 2)
    }
  }

  @Test func `a table's size follows what is in it`() throws {
    try withTable { environment, table in
      let empty = try environment.statistics(of: table)
      #expect(empty.entries == 0 && empty.pages == 0 && empty.bytes == 0 && empty.depth == 0)
      try environment.write { write in
        for number in 0..<1000 { try write.put([1], forKey: [UInt8](number: number), in: table) }
        #expect(try write.statistics(of: table).entries == 1000)
      }
      let full = try environment.statistics(of: table)
      #expect(full.entries == 1000 && full.depth == 2 && full.pages > 4)
      #expect(full.bytes == full.pages * environment.pageSize)
    }
  }
}
