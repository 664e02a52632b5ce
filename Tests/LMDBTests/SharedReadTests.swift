import Foundation
import LMDB
import TestSupport
import Testing

@Suite struct SharedReadTests {
  /// What the threads share: the snapshot of the moment, as the store holds it.
  private final class Current: Sendable {
    private let box: Guarded<ReadBox>
    let isOver = Guarded(false)
    let gets = Guarded(0)
    let faults = Guarded<[String]>([])

    init(_ box: ReadBox) { self.box = Guarded(box) }
    func get() -> ReadBox { box.withLock { $0 } }
    func replace(with new: ReadBox) {
      // The old one must not end under the lock.
      let old = box.withLock { box in
        let old = box
        box = new
        return old
      }
      withExtendedLifetime(old) {}
    }
  }

  @Test
  func `eight threads read one shared snapshot while a writer replaces it 500 times`() throws {
    try TemporaryFolder.with { folder in
      let (environment, table) = try Environment.withTable(at: folder)
      // Every value of one commit holds its number, so that a mixture shows.
      func commit(_ number: Int) throws {
        try environment.write { write in
          for key in 0..<32 {
            let value = [UInt8](number: number) + [UInt8](repeating: UInt8(key), count: key * 200)
            try write.put(value, forKey: [UInt8](number: key), in: table)
          }
        }
      }
      try commit(0)
      let current = Current(try ReadBox(environment))
      let threads = DispatchGroup()
      for _ in 0..<8 {
        Thread.detachNewThread { [current] in Self.read(current, table, threads) }
        threads.enter()
      }
      for number in 1...500 {
        try commit(number)
        current.replace(with: try ReadBox(environment))
      }
      current.isOver.withLock { $0 = true }
      threads.wait()
      #expect(current.faults.withLock { $0 } == [])
      #expect(current.gets.withLock { $0 } >= 8 * 32)
      let last = try current.get().transaction.value(of: [UInt8](number: 0), in: table)
      #expect(last == [UInt8](number: 500))
      // One slot of the reader table is in use: each of the 500 was ended.
      #expect(environment.readers().count == 1)
      // And LMDB used their pages again.
      let lastPage = try environment.info().lastPage
      #expect(lastPage < 10_000, "\(lastPage)")
    }
  }

  private static func read(_ current: Current, _ table: Table, _ threads: DispatchGroup) {
    defer { threads.leave() }
    var gets = 0
    repeat {
      let box = current.get()
      do {
        var first: [UInt8]?
        for key in 0..<32 {
          let value = try box.transaction.value(of: [UInt8](number: key), in: table) ?? []
          let number = Array(value.prefix(8))
          if first == nil { first = number }
          if number != first || value.count != 8 + key * 200
            || !value.dropFirst(8).allSatisfy({ $0 == UInt8(key) })
          {
            current.faults.withLock { $0.append("key \(key) of \(box.transaction.id)") }
          }
          gets += 1
        }
      } catch {
        current.faults.withLock { $0.append("\(error)") }
      }
    } while !current.isOver.withLock { $0 }
    current.gets.withLock { $0 += gets }
  }
}
