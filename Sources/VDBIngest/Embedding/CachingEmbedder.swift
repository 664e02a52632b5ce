/// Remembers the vectors of texts, so that a text that comes again costs no call of the model.
///
/// A text that several tasks ask for at the same time is embedded once; the others wait for it. A failed
/// call is not remembered: those who waited for it try by themselves. One cache belongs to one model
/// identity, so that the text alone is the key. With limits of 0 it keeps nothing, but still counts and
/// still embeds a text of several callers once. What it knows ends with it; ``StoredEmbedder`` outlasts the
/// process.
public final class CachingEmbedder<Base: Embedder>: Embedder {
  /// The embedder that is called for what is not known.
  public let base: Base
  /// That of the base.
  public let dimension: Int
  /// That of the base: the vectors are the same.
  public let modelIdentity: String
  /// That of the base.
  public var batchLimit: Int { base.batchLimit }

  private struct State {
    var known: LeastRecentlyUsed
    var inProgress: [String: EmbeddingInProgress] = [:]
    var statistics = EmbeddingStatistics()
  }

  private let state: Guarded<State>

  /// - Parameters:
  ///   - base: the embedder to call for texts that are not known.
  ///   - entryLimit: texts to remember at most, from 0.
  ///   - byteLimit: bytes to take for it at most, from 0: texts, numbers and about 128 bytes a text.
  public init(_ base: Base, entryLimit: Int = 100_000, byteLimit: Int = 256 << 20) {
    precondition(entryLimit >= 0 && byteLimit >= 0, "limits are not negative")
    self.base = base
    dimension = base.dimension
    modelIdentity = base.modelIdentity
    state = Guarded(State(known: LeastRecentlyUsed(entryLimit: entryLimit, byteLimit: byteLimit)))
  }

  /// What was asked so far, how much of it was known, and what the rest took.
  public var statistics: EmbeddingStatistics { state.withLock { $0.statistics } }

  /// Texts remembered at the moment.
  public var count: Int { state.withLock { $0.known.count } }

  /// Bytes taken for them at the moment.
  public var byteCount: Int { state.withLock { $0.known.bytes } }

  /// The vectors of `texts`, those not known from the base.
  ///
  /// - Throws: what the base throws, with indices in `texts`; a text that stands several times is
  ///   named each time. Nothing of a failed call is remembered.
  public func embed(_ texts: [String]) async throws(EmbeddingError) -> [[Float]] {
    var positions: [String: [Int]] = [:]
    for (index, text) in texts.enumerated() { positions[text, default: []].append(index) }
    state.withLock { $0.statistics.texts += texts.count }
    var found: [String: [Float]] = [:]
    // In the order of the texts, so that the base sees the same calls in every run.
    var open = texts.enumerated().filter { positions[$1]?.first == $0 }.map(\.element)
    var embedded = 0
    while !open.isEmpty {
      if Task.isCancelled { throw .cancelled }
      let round = claim(open, &found)
      // What this task has claimed comes first: then nobody waits for one who waits for him.
      do throws(EmbeddingError) {
        for (text, vector) in zip(round.claimed.map(\.text), try await callBase(round.claimed)) {
          found[text] = vector
          embedded += 1
        }
      } catch {
        throw error.inTexts(of: round.claimed.map { positions[$0.text, default: [0]] })
      }
      open = []
      for (text, running) in round.awaited {
        if let vector = await running.value() { found[text] = vector } else { open.append(text) }
      }
    }
    state.withLock { $0.statistics.cacheHits += texts.count - embedded }
    return texts.compactMap { found[$0] }
  }

  private typealias Job = (text: String, running: EmbeddingInProgress)

  /// Takes what is known, and divides the rest into texts that are this task's now and those of others.
  private func claim(
    _ texts: [String],
    _ found: inout [String: [Float]]
  ) -> (claimed: [Job], awaited: [Job]) {
    var (claimed, awaited): ([Job], [Job]) = ([], [])
    let known = state.withLock { state -> [(String, [Float])] in
      var known: [(String, [Float])] = []
      for text in texts {
        if let vector = state.known.value(of: text) {
          known.append((text, vector))
        } else if let running = state.inProgress[text] {
          awaited.append((text, running))
        } else {
          let running = EmbeddingInProgress()
          state.inProgress[text] = running
          claimed.append((text, running))
        }
      }
      return known
    }
    for (text, vector) in known { found[text] = vector }
    return (claimed, awaited)
  }

  /// Embeds claimed texts and ends the wait for them, whatever happens.
  private func callBase(_ jobs: [Job]) async throws(EmbeddingError) -> [[Float]] {
    if jobs.isEmpty { return [] }
    let clock = ContinuousClock()
    let start = clock.now
    let result: Result<[[Float]], EmbeddingError>
    do throws(EmbeddingError) {
      let vectors = try await base.embed(jobs.map(\.text))
      try EmbeddingError.check(vectors, texts: jobs.count, dimension: dimension)
      result = .success(vectors)
    } catch {
      result = .failure(error)
    }
    let seconds = (clock.now - start) / .seconds(1)
    state.withLock { state in
      state.statistics.calls += 1
      state.statistics.seconds += seconds
      for (index, job) in jobs.enumerated() {
        state.inProgress[job.text] = nil
        if case .success(let vectors) = result {
          state.known.insert(vectors[index], for: job.text)
        }
      }
    }
    for (index, job) in jobs.enumerated() {
      if case .success(let vectors) = result {
        job.running.finish(vectors[index])
      } else {
        job.running.finish(nil)
      }
    }
    return try result.get()
  }
}
