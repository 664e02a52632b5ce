import TestSupport
import Testing

@testable import VDBIngest

@Suite("Caching embeddings")
struct CachingEmbedderTests {
  @Test("A text that is known costs no call")
  func hits() async throws {
    let base = ScriptedEmbedder()
    let cache = CachingEmbedder(base)
    #expect(try await cache.embed(["a", "bb", "a"]) == [[1], [2], [1]])
    #expect(try await cache.embed(["bb", "ccc"]) == [[2], [3]])
    #expect(try await cache.embed(["a", "bb", "ccc"]) == [[1], [2], [3]])
    #expect(base.calls == [["a", "bb"], ["ccc"]])
    let statistics = cache.statistics
    #expect(statistics.texts == 8)
    #expect(statistics.cacheHits == 5)
    #expect(statistics.calls == 2)
    #expect(statistics.seconds > 0)
    #expect(cache.count == 3)
    #expect(cache.byteCount == 3 * 132 + 6)
    #expect(cache.modelIdentity == "scripted")
    #expect(try await cache.embed([String]()).isEmpty)
  }

  @Test("The least recently used text is embedded again")
  func eviction() async throws {
    let base = ScriptedEmbedder()
    let cache = CachingEmbedder(base, entryLimit: 2)
    for text in ["a", "b", "a", "c", "a", "b"] { _ = try await cache.embed(text) }
    #expect(base.calls == [["a"], ["b"], ["c"], ["b"]])
  }

  @Test("A batch larger than the cache is answered in full")
  func smallCache() async throws {
    let base = ScriptedEmbedder()
    let cache = CachingEmbedder(base, entryLimit: 1)
    #expect(try await cache.embed(["a", "bb", "ccc"]) == [[1], [2], [3]])
    let none = CachingEmbedder(base, entryLimit: 0, byteLimit: 0)
    #expect(try await none.embed(["a", "bb", "a"]) == [[1], [2], [1]])
    #expect(none.count == 0)
    #expect(none.statistics.cacheHits == 1)
  }

  @Test("The same text asked for by many at once is embedded once", arguments: [0, 100])
  func atOnce(entryLimit: Int) async throws {
    let gate = Gate()
    let base = ScriptedEmbedder { (texts) throws(EmbeddingError) in
      await gate.wait()
      return try await ScriptedEmbedder.lengths(texts)
    }
    let cache = CachingEmbedder(base, entryLimit: entryLimit)
    try await withThrowingTaskGroup(of: [[Float]].self) { group in
      for index in 0..<20 {
        group.addTask {
          try await cache.embed(["same", String(repeating: "x", count: 10 + index)])
        }
      }
      // Every task has claimed its own text, and one of them the shared one.
      while base.calls.count < 20 { await Task.yield() }
      gate.open()
      for try await vectors in group { #expect(vectors[0] == [4]) }
    }
    #expect(base.calls.joined().filter { $0 == "same" }.count == 1)
    #expect(cache.statistics.cacheHits == 19)
  }

  @Test("Those who wait for a call that fails try by themselves")
  func failureOfAnother() async throws {
    let gate = Gate()
    let failures = Guarded(1)
    let base = ScriptedEmbedder { (texts) throws(EmbeddingError) in
      await gate.wait()
      let fails = failures.withLock { left -> Bool in
        left -= 1
        return left >= 0
      }
      if fails { throw .service(status: 500, message: "down", retryAfter: nil) }
      return try await ScriptedEmbedder.lengths(texts)
    }
    let cache = CachingEmbedder(base)
    let first = Task { try await cache.embed(["a"]) }
    while base.calls.isEmpty { await Task.yield() }
    let second = Task { try await cache.embed(["a"]) }
    for _ in 0..<100 { await Task.yield() }
    gate.open()
    await #expect(throws: EmbeddingError.self) { try await first.value }
    #expect(try await second.value == [[1]])
    #expect(try await cache.embed(["a"]) == [[1]])
    #expect(base.calls.count == 2)
  }

  @Test("One who waits can be cancelled, and the one who embeds goes on")
  func cancelledWaiter() async throws {
    let gate = Gate()
    let base = ScriptedEmbedder { (texts) throws(EmbeddingError) in
      await gate.wait()
      return try await ScriptedEmbedder.lengths(texts)
    }
    let cache = CachingEmbedder(base)
    let first = Task { try await cache.embed(["a"]) }
    while base.calls.isEmpty { await Task.yield() }
    let second = Task { try await cache.embed(["a"]) }
    for _ in 0..<100 { await Task.yield() }
    second.cancel()
    // Comes back before the gate is opened.
    await #expect(throws: EmbeddingError.cancelled) { try await second.value }
    gate.open()
    #expect(try await first.value == [[1]])
  }

  @Test("A failed call is not remembered, and names the caller's texts")
  func errors() async throws {
    let base = ScriptedEmbedder()
    let cache = CachingEmbedder(base)
    _ = try await cache.embed(["a"])
    await #expect(throws: EmbeddingError.noEmbedding(indices: [1, 4])) {
      try await cache.embed(["a", "", "bb", "ccc", ""])
    }
    #expect(cache.count == 1)
    let found = try await cache.embedWherePossible(["a", "", "bb", "ccc", ""])
    #expect(found == [[1], nil, [2], [3], nil])
    let wrong = CachingEmbedder(ScriptedEmbedder { (texts) in texts.dropFirst().map { _ in [1] } })
    await #expect(throws: EmbeddingError.wrongCount(expected: 2, actual: 1)) {
      try await wrong.embed(["a", "a", "b"])
    }
    let long = CachingEmbedder(
      ScriptedEmbedder { (texts) in texts.map { $0 == "b" ? [1, 2] : [1] } }
    )
    await #expect(throws: EmbeddingError.wrongDimension(expected: 1, actual: 2, index: 2)) {
      try await long.embed(["a", "a", "b"])
    }
    #expect(wrong.count == 0 && long.count == 0)
  }

  @Test(
    "Random callers, failures and evictions: every answer is right",
    arguments: [UInt64(1), 2, 3]
  )
  func storm(seed: UInt64) async throws {
    let counter = Guarded(0)
    let base = ScriptedEmbedder { (texts) throws(EmbeddingError) in
      await Task.yield()
      let call = counter.withLock { count -> Int in
        count += 1
        return count
      }
      if call % 7 == 0 { throw .timedOut(after: .seconds(1)) }
      return try await ScriptedEmbedder.lengths(texts)
    }
    let cache = CachingEmbedder(base, entryLimit: 8)
    let failed = await withTaskGroup(of: Int.self) { group in
      for worker in 0..<8 {
        group.addTask {
          var random = SeededGenerator(seed: seed &* 100 &+ UInt64(worker))
          var failed = 0
          for _ in 0..<200 {
            let texts = (0..<Int.random(in: 1...6, using: &random)).map { _ in
              String(repeating: "x", count: Int.random(in: 1...20, using: &random))
            }
            do {
              #expect(try await cache.embed(texts) == texts.map { [Float($0.utf8.count)] })
            } catch {
              failed += 1
            }
          }
          return failed
        }
      }
      return await group.reduce(0, +)
    }
    // Only the caller whose own call failed hears of it.
    #expect(failed == base.calls.count / 7, "seed \(seed)")
    #expect(cache.count <= 8)
    #expect(cache.statistics.calls == base.calls.count)
  }
}
