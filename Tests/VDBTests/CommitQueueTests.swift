import Foundation
import Testing

@testable import VDB

@Suite struct `A transaction about to begin` {
  /// Would wait for ever where the queue lets it.
  static func queue() -> CommitQueue { CommitQueue(limitBytes: 1 << 30) { _ in 3600 } }

  static func job(_ byteCount: Int = 1 << 20) -> CommitQueue.Job {
    CommitQueue.Job(byteCount: byteCount) { _ in
      .nothing
    } finish: { _ in
    }
  }

  /// How many jobs the next transaction takes; asked for on another thread.
  static func nextGroup(of queue: CommitQueue) async -> Int {
    await withCheckedContinuation { continuation in
      Thread.detachNewThread {
        guard case .jobs(let jobs)? = queue.next() else {
          return continuation.resume(returning: -1)
        }
        continuation.resume(returning: jobs.count)
      }
    }
  }

  @Test func `waits for what was announced`() async {
    let queue = Self.queue()
    queue.announce()
    queue.announce()
    queue.submit(Self.job())
    async let group = Self.nextGroup(of: queue)
    for _ in 0..<2 {
      try? await Task.sleep(for: .milliseconds(20))
      queue.submit(Self.job(), announced: true)
    }
    #expect(await group == 3)
  }

  @Test(arguments: ["the batch is withdrawn", "the store closes"])
  func `waits no longer when`(_ event: String) async {
    let queue = Self.queue()
    queue.announce()
    queue.submit(Self.job())
    async let group = Self.nextGroup(of: queue)
    try? await Task.sleep(for: .milliseconds(20))
    if event == "the store closes" { queue.close() } else { queue.withdraw() }
    #expect(await group == 1)
  }

  @Test func `does not wait without announcement, or with enough, or for a small batch`() async {
    let queue = Self.queue()
    queue.submit(Self.job())
    #expect(await Self.nextGroup(of: queue) == 1)
    queue.announce()
    queue.submit(Self.job(6 << 20))
    #expect(await Self.nextGroup(of: queue) == 1)
    queue.submit(Self.job(1 << 10))
    #expect(await Self.nextGroup(of: queue) == 1)
  }

  @Test func `waits for half of a commit, and two milliseconds at most`() {
    #expect(CommitQueue.patience(after: 0) == 0)
    #expect(CommitQueue.patience(after: 0.001) == 0.0005)
    #expect(CommitQueue.patience(after: 60) == 0.002)
  }
}
