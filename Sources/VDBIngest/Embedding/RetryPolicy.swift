/// When a call of an embedder that failed is made again, and after which wait.
///
/// The wait is what the service asks for, and in addition a delay that doubles with each repetition. A
/// random part of up to half of that delay is left out, so that callers who failed together do not come
/// back together.
public struct RetryPolicy: Sendable {
  /// The most repetitions of one call, from 0; it is made once more than that at most.
  public var retries: Int
  /// The delay before the first repetition.
  public var delay: Duration
  /// The longest wait.
  ///
  /// A service that asks for a longer one is taken at its word: the call is given up.
  public var longestWait: Duration
  /// How to wait; throws when the task is cancelled meanwhile.
  public var sleep: @Sendable (Duration) async throws -> Void

  /// Three repetitions within two seconds, unless the service asks for more patience.
  public init(
    retries: Int = 3,
    delay: Duration = .milliseconds(200),
    longestWait: Duration = .seconds(120),
    sleep: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }
  ) {
    self.retries = retries
    self.delay = delay
    self.longestWait = longestWait
    self.sleep = sleep
  }

  /// The wait before repetition `number`, from 0, of a call that ended with `error`.
  ///
  /// - Returns: `nil` if the call is not made again: it would fail again, it has failed often enough, or
  ///   the service asks for too long a wait.
  func wait(before number: Int, after error: EmbeddingError) -> Duration? {
    guard number < retries, error.mayPass else { return nil }
    let own = min(delay * (1 << min(number, 16)), longestWait) * Double.random(in: 0.5...1)
    guard case .service(_, _, let asked?) = error else { return own }
    return asked > longestWait ? nil : asked + own
  }

  /// Makes a call until it succeeds or is given up.
  ///
  /// - Throws: the last error; `.cancelled` if the task is cancelled during a wait.
  package func run<Result>(
    _ call: () async throws(EmbeddingError) -> Result
  ) async throws(EmbeddingError) -> Result {
    var number = 0
    while true {
      do throws(EmbeddingError) {
        return try await call()
      } catch {
        guard let wait = wait(before: number, after: error) else { throw error }
        do { try await sleep(wait) } catch { throw .cancelled }
      }
      number += 1
    }
  }
}

extension EmbeddingError {
  /// Whether the same call may succeed a little later, an answer that makes no sense included.
  fileprivate var mayPass: Bool {
    switch self {
    case .wrongCount, .wrongDimension, .notFinite, .invalidAnswer: true
    default: isTransient
    }
  }
}
