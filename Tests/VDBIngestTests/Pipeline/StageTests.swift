import Foundation
import Testing
import VDB

@testable import VDBIngest

/// Queues: bounds, order, ends, cancellation.
struct StageTests {
  @Test func `a channel never holds more than its capacity and loses nothing`() async {
    let channel = BoundedChannel<Int>(capacity: 3)
    let sum = await withTaskGroup { group in
      for sender in 0..<4 {
        group.addTask {
          for number in 0..<250 { _ = await channel.send(sender * 250 + number) }
          return 0
        }
      }
      let receivers = (0..<3).map { _ in
        Task {
          var sum = 0
          while let number = await channel.next() { sum += number }
          return sum
        }
      }
      await group.waitForAll()
      channel.finish()
      var sum = 0
      for receiver in receivers { sum += await receiver.value }
      return sum
    }
    #expect(sum == 1000 * 999 / 2)
    #expect(channel.highestDepth <= 3)
  }

  @Test func `cancelling a channel wakes senders and receivers`() async {
    let full = BoundedChannel<Int>(capacity: 1)
    #expect(await full.send(1))
    async let blocked = full.send(2)
    let empty = BoundedChannel<Int>(capacity: 1)
    async let waiting = empty.next()
    await Task.yield()
    #expect(full.cancel() == [1])
    empty.cancel()
    #expect(await blocked == false)
    #expect(await waiting == nil)
    #expect(await full.next() == nil)
    #expect(await empty.send(1) == false)
  }

  /// Waits; none of these tests cancels the task that does.
  private func pause(_ duration: Duration) async {
    do { try await Task.sleep(for: duration) } catch { Issue.record(error) }
  }

  /// How far submissions are ahead of receptions.
  private final class Lead: Sendable {
    private let state = Guarded((now: 0, most: 0))
    var most: Int { state.withLock(\.most) }
    func submitted() {
      state.withLock {
        $0.now += 1
        $0.most = max($0.most, $0.now)
      }
    }
    func received() { state.withLock { $0.now -= 1 } }
  }

  @Test func `a stage keeps the order and is at most so far ahead`() async {
    let stage = ParallelStage<Int, Int>(workers: 4, depth: 2)
    let ahead = Lead()
    await withTaskGroup { group in
      group.addTask {
        for number in 0..<300 where await stage.submit(number) {
          ahead.submitted()
        }
        stage.finish()
      }
      for _ in 0..<4 {
        group.addTask {
          await stage.work { (number: Int) async -> Int in
            // The later of two neighbours is often the quicker.
            if number % 2 == 0 { await pause(.microseconds(200)) }
            return number
          }
        }
      }
      var expected = 0
      while let number = await stage.next() {
        #expect(number == expected)
        expected += 1
        ahead.received()
      }
      #expect(expected == 300)
    }
    // In line, being handed over at either end, and counted a moment late.
    #expect(ahead.most <= 4 + 2 + 2)
  }

  @Test func `cancelling a stage ends everyone who waits for it`() async {
    let stage = ParallelStage<Int, Int>(workers: 1, depth: 1)
    let submitting = Task {
      while await stage.submit(1) {}
      return true
    }
    let receiving = Task { await stage.next() }
    await pause(.milliseconds(20))
    stage.cancel()
    #expect(await submitting.value)
    #expect(await receiving.value == nil)
  }

  /// A source that never ends and counts what was taken from it.
  private final class Endless: TextSource, Sendable {
    let count: Int? = nil
    let share: Double? = nil
    let read = Guarded(0)
    func next(_ limit: Int) -> [TextEntry]? {
      let start = read.withLock { read in
        defer { read += limit }
        return read
      }
      return (start..<start + limit).map { TextEntry(id: .integer(Int64($0)), text: "text \($0)") }
    }
  }

  @Test func `a slow model holds the source back, and cancelling leaves whole batches`()
    async throws
  {
    try await withStore { store in
      let source = Endless()
      let ingestor = try await TextIngestor(
        into: "a",
        of: store,
        embedder: FaultyEmbedder(delay: .milliseconds(10)),
        configuration: IngestConfiguration(
          workers: 2,
          loadBatch: 10,
          cleanBatch: 10,
          embedBatch: 10,
          writeBatch: 20,
          queueDepth: 2
        )
      )
      let run = Task { try await ingestor.insert(source) }
      var states = 0
      for await status in ingestor.progress(every: .milliseconds(20)) {
        states += 1
        if status.stages[3].done >= 100 {
          // Two stages of 2 workers and 2 waiting, the batches in hand between them, one commit.
          #expect(status.stages[0].done - status.stages[3].done <= 10 * (2 * (2 + 2 + 2) + 4) + 20)
          run.cancel()
        }
        #expect(status.stages.map(\.waiting).max() ?? 0 <= 2)
      }
      #expect(states > 1)
      let stopped = await #expect(throws: IngestStopped.self) { try await run.value }
      #expect(stopped?.cause is CancellationError)
      let stored = try store.scroll("a", limit: 100_000).records
      #expect(stored.count == stopped?.report.inserted)
      #expect(stored.count >= 100)
      #expect(stored.map(\.id) == stored.indices.map { .integer(Int64($0)) })
    }
  }

  @Test(arguments: [false, true])
  func `a store that is closed ends the run with a report`(hasRecords: Bool) async throws {
    try await withStore { store in
      let ingestor = try await TextIngestor(
        into: "a",
        of: store,
        embedder: FaultyEmbedder(delay: .milliseconds(5)),
        configuration: IngestConfiguration(
          workers: 2,
          loadBatch: 10,
          embedBatch: 10,
          writeBatch: 10
        )
      )
      // With records there, each batch looks for them before it is embedded.
      if hasRecords { _ = try await ingestor.insert(["another"]) }
      let run = Task { try await ingestor.insert(Endless()) }
      while try store.count(in: "a") < 50 { try await Task.sleep(for: .milliseconds(5)) }
      try await store.close()
      let stopped = await #expect(throws: IngestStopped.self) { try await run.value }
      #expect(stopped?.cause as? VectorStoreError == .closed)
      let report = try #require(stopped?.report)
      #expect(report.inserted >= 49)
      #expect(report.failed > 0)
      #expect(report.total >= report.stored + report.failed)
    }
  }

  @Test func `a source that fails keeps what came before`() async throws {
    final class Failing: TextSource {
      struct Torn: Error {}
      let count: Int? = nil
      let share: Double? = nil
      var pages = 0
      func next(_ limit: Int) throws -> [TextEntry]? {
        pages += 1
        if pages == 4 { throw Torn() }
        return [TextEntry(text: "page \(pages)")]
      }
    }
    try await withStore { store in
      let stopped = await #expect(throws: IngestStopped.self) {
        try await withTextIngestor(into: "a", of: store, embedder: FaultyEmbedder()) {
          try await $0.insert(Failing())
        }
      }
      #expect(stopped?.cause is Failing.Torn)
      #expect(stopped?.report.inserted == 3)
      let count = try store.count(in: "a")
      #expect(count == 3)
    }
  }
}
