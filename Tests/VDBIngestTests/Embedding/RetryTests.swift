import Synchronization
import Testing

@testable import VDBIngest

/// When calls are repeated, and after which waits.
struct RetryTests {
  private static let busy = EmbeddingError.service(status: 503, message: "", retryAfter: nil)

  private static func asking(_ wait: Duration) -> EmbeddingError {
    .service(status: 429, message: "", retryAfter: wait)
  }

  @Test func `waits double, differ, and are never longer than told`() {
    let policy = RetryPolicy(retries: 100, delay: .seconds(1), longestWait: .seconds(60))
    for number in 0..<100 {
      let most = min(Duration.seconds(1) * (1 << min(number, 6)), .seconds(60))
      let waits = (0..<50).compactMap { _ in policy.wait(before: number, after: Self.busy) }
      #expect(waits.count == 50)
      #expect(waits.allSatisfy { $0 >= most * 0.5 && $0 <= most })
      #expect(Set(waits).count > 1)
    }
    #expect(policy.wait(before: 100, after: Self.busy) == nil)
  }

  @Test func `a wait that is asked for is kept, or the call is given up`() throws {
    let policy = RetryPolicy(delay: .seconds(1), longestWait: .seconds(60))
    let wait = try #require(policy.wait(before: 0, after: Self.asking(.seconds(60))))
    #expect(wait >= .seconds(60.5))
    #expect(wait <= .seconds(61))
    #expect(policy.wait(before: 0, after: Self.asking(.seconds(61))) == nil)
  }

  @Test(arguments: [
    EmbeddingError.service(status: 401, message: "", retryAfter: nil), .cancelled,
    .tooLarge(message: ""), .answerTooLarge(limitBytes: 1), .noEmbedding(indices: [0]),
    .invalidSetting(name: "", reason: ""),
  ])
  func `what would fail again is not repeated`(error: EmbeddingError) {
    #expect(RetryPolicy().wait(before: 0, after: error) == nil)
    #expect(!error.description.isEmpty)
  }

  @Test func `an embedder's calls are made so often and no oftener`() async throws {
    for (failures, calls) in [(0, 1), (2, 3), (3, 4), (4, 4)] {
      let waits = Mutex<[Duration]>([])
      let policy = RetryPolicy(retries: 3, sleep: { wait in waits.withLock { $0.append(wait) } })
      let base = FaultyEmbedder { _, attempt in attempt < failures ? .error : nil }
      let embedder = RetryingEmbedder(base, policy: policy)
      if failures <= 3 {
        #expect(try await embedder.embed("a") == FaultyEmbedder.vector("a"))
      } else {
        await #expect(throws: EmbeddingError.self) { try await embedder.embed("a") }
      }
      #expect(base.calls == calls)
      #expect(waits.withLock { $0.count } == calls - 1)
      #expect(embedder.modelIdentity == base.modelIdentity)
    }
  }

  @Test func `a cancelled wait ends the call`() async throws {
    let policy = RetryPolicy(sleep: { _ in throw CancellationError() })
    let embedder = RetryingEmbedder(FaultyEmbedder { _, _ in .error }, policy: policy)
    await #expect(throws: EmbeddingError.cancelled) { try await embedder.embed("a") }
  }
}
