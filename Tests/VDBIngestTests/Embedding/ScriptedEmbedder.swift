@testable import VDBIngest

/// An embedder that a test controls: it counts its calls, waits, fails and answers as told.
final class ScriptedEmbedder: Embedder {
  typealias Answer = @Sendable ([String]) async throws(EmbeddingError) -> [[Float]]

  let dimension: Int
  let modelIdentity = "scripted"
  let batchLimit: Int
  private let answer: Answer
  private let recorded = Guarded<[[String]]>([])

  init(dimension: Int = 1, batchLimit: Int = 1_000, answer: @escaping Answer = lengths) {
    self.dimension = dimension
    self.batchLimit = batchLimit
    self.answer = answer
  }

  /// The texts of each call so far.
  var calls: [[String]] { recorded.withLock { $0 } }

  func embed(_ texts: [String]) async throws(EmbeddingError) -> [[Float]] {
    recorded.withLock { $0.append(texts) }
    return try await answer(texts)
  }

  /// One number a text, its length; empty texts have no embedding.
  static let lengths: Answer = { (texts) throws(EmbeddingError) in
    let empty = texts.indices.filter { texts[$0].isEmpty }
    if !empty.isEmpty { throw .noEmbedding(indices: empty) }
    return texts.map { [Float($0.utf8.count)] }
  }
}

/// Lets tasks through once it is opened.
final class Gate: Sendable {
  private let progress = EmbeddingInProgress()
  func open() { progress.finish([]) }
  func wait() async { _ = await progress.value() }
}
