import Foundation
import LMDB
import TestSupport
import Testing

/// What one process sees of another.
@Suite struct ProcessTests {
  @Test func `the writer's lock held by another process is reported with its pid`() async throws {
    try await TemporaryFolder.with { folder in
      let lock = try WriterLock(folder: folder)
      let pid = Int(getpid())
      await #expect(processExitsWith: .success) { [folder = folder as String, pid = pid as Int] in
        let holder = try #require(refusal(folder))
        #expect(holder.hasPrefix("pid \(pid) on "), "\(holder)")
        #expect(pid != Int(getpid()))
      }
      lock.release()
      await #expect(processExitsWith: .success) { [folder = folder as String] in
        #expect(refusal(folder) == nil)
      }
    }
  }

  @Test
  func `the writer's lock is held once in a process, and closing another descriptor keeps it`()
    throws
  {
    try TemporaryFolder.with { folder in
      let lock = try WriterLock(folder: folder)
      for _ in 0..<2 {
        // Each refusal opens and closes the file, which would drop a plain lock of fcntl.
        #expect(refusal(folder)?.hasPrefix("pid \(getpid()) on ") == true)
      }
      lock.release()
      lock.release()
      _ = try WriterLock(folder: folder)
      _ = try WriterLock(folder: folder)
    }
  }

  @Test func `the writer's lock of a process that was killed is free`() async throws {
    try await TemporaryFolder.with { folder in
      await #expect(processExitsWith: .signal(SIGKILL)) { [folder = folder as String] in
        let lock = try WriterLock(folder: folder)
        withExtendedLifetime(lock) { _ = kill(getpid(), SIGKILL) }
      }
      let named = try String(contentsOfFile: folder + "/writer.lock", encoding: .utf8)
      #expect(named.hasPrefix("pid "))
      #expect(refusal(folder) == nil)
    }
  }

  @Test func `a reader that was killed is cleared, and its pages are used again`() async throws {
    try await TemporaryFolder.with { folder in
      let (environment, table) = try Environment.withTable(at: folder)
      try environment.write { write in try write.put([1], forKey: [1], in: table) }
      await #expect(processExitsWith: .signal(SIGKILL)) { [folder = folder as String] in
        try die(reading: folder)
      }
      let stale = environment.readers()
      #expect(stale.count == 1)
      #expect(stale.first?.processID != Int(getpid()))
      #expect(stale.first?.transactionID == environment.lastTransactionID)
      let mine = try ReadBox(environment)
      #expect(try environment.clearStaleReaders() == 1)
      #expect(environment.readers().map(\.processID) == [Int(getpid())])
      #expect(try mine.transaction.value(of: [1], in: table) == [1])
    }
  }

  @Test func `opening clears readers that were killed`() async throws {
    try await TemporaryFolder.with { folder in
      let (environment, _) = try Environment.withTable(at: folder)
      await #expect(processExitsWith: .signal(SIGKILL)) { [folder = folder as String] in
        try die(reading: folder)
      }
      #expect(environment.readers().count == 1)
      await #expect(processExitsWith: .success) { [folder = folder as String] in
        let environment = try Environment(opening: folder, options: small)
        #expect(environment.readers() == [])
      }
      #expect(environment.readers() == [])
    }
  }

  @Test func `a writer that was killed leaves the last commit and blocks nobody`() async throws {
    try await TemporaryFolder.with { folder in
      let (environment, table) = try Environment.withTable(at: folder)
      try environment.write { write in try write.put([1], forKey: [1], in: table) }
      await #expect(processExitsWith: .signal(SIGKILL)) { [folder = folder as String] in
        let environment = try Environment(opening: folder, options: small)
        let table = try #require(try environment.existingTable())
        try environment.write { write in
          for number in 0..<500 {
            try write.put(
              [UInt8](repeating: 1, count: 9000),
              forKey: [UInt8](number: number),
              in: table
            )
          }
          _ = kill(getpid(), SIGKILL)
        }
      }
      #expect(try environment.contents(of: table) == [[1]: [1]])
      try environment.write { write in try write.put([2], forKey: [2], in: table) }
      #expect(try environment.contents(of: table) == [[1]: [1], [2]: [2]])
    }
  }

  @Test func `another process sees each commit at once`() async throws {
    try await TemporaryFolder.with { folder in
      let (environment, table) = try Environment.withTable(at: folder)
      try environment.write { write in try write.put([1], forKey: [1], in: table) }
      await #expect(processExitsWith: .success) { [folder = folder as String] in
        let environment = try Environment(opening: folder, options: small)
        let table = try #require(try environment.existingTable())
        #expect(try environment.contents(of: table) == [[1]: [1]])
        try environment.write { write in try write.put([2], forKey: [2], in: table) }
      }
      #expect(try environment.contents(of: table) == [[1]: [1], [2]: [2]])
    }
  }

  @Test(arguments: WriteBox.End.allCases)
  fileprivate func `a write transaction ended on another thread traps`(end: WriteBox.End) async {
    let result = await #expect(
      processExitsWith: .failure,
      observing: [\.standardErrorContent]
    ) { [end = end as WriteBox.End] in
      try TemporaryFolder.with { folder in
        let environment = try Environment.create(at: folder, options: small)
        let box = WriteBox(try WriteTransaction(environment))
        Thread.detachNewThread { box.end(end) }
        // The trap ends the process; without it the thread does, with success.
        while true { sleep(1) }
      }
    }
    expectThreadNamed(in: result)
  }

  /// A trap tells its reason in debug builds alone.
  private func expectThreadNamed(in result: ExitTest.Result?) {
    #if DEBUG
      let text = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
      #expect(text.contains("on the thread that began it"), "\(text)")
    #endif
  }
}

/// Who keeps this process from writing.
private func refusal(_ folder: String) -> String? {
  do {
    _ = try WriterLock(folder: folder)
    return nil
  } catch .locked(let holder) {
    return holder
  } catch {
    return "error: \(error)"
  }
}

private func die(reading folder: String) throws {
  let environment = try Environment(opening: folder, options: small)
  let read = try ReadTransaction(environment)
  guard read.id == environment.lastTransactionID else { return }
  _ = kill(getpid(), SIGKILL)
}

/// Smuggles a write transaction to another thread, which the compiler otherwise refuses.
private final class WriteBox: @unchecked Sendable {
  /// How a write transaction comes to its end.
  enum End: String, CaseIterable, Codable { case committed, dropped }

  private var write: WriteTransaction?
  init(_ write: consuming WriteTransaction) { self.write = consume write }
  func end(_ end: End) {
    switch end {
    case .committed: do { try write.take()?.commit() } catch { print("commit: \(error)") }
    case .dropped: write = nil
    }
    exit(EXIT_SUCCESS)
  }
}
