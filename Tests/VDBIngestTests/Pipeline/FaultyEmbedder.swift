import Foundation
import TestSupport
import VDB
import VDBIngest

/// An embedder whose vectors say what text they belong to, and which fails as told.
final class FaultyEmbedder: Embedder {
  /// What a call does instead of answering well.
  enum Fault: Sendable {
    case error, tooFew, tooWide, notANumber, zero, tooLarge, refused
    /// 400 or 422, in these words.
    case bad(Int, String)
  }

  let dimension = 4
  let modelIdentity: String
  let batchLimit: Int
  /// Faults of a call, by the call's number for these texts, from 0.
  private let script: @Sendable (_ texts: [String], _ attempt: Int) -> Fault?
  private let delay: Duration?
  private let attempts = Guarded<[String: Int]>([:])
  private let seen = Guarded<(calls: Int, running: Int, most: Int)>((0, 0, 0))

  init(
    model: String = "scripted",
    batchLimit: Int = 1000,
    delay: Duration? = nil,
    script: @escaping @Sendable (_ texts: [String], _ attempt: Int) -> Fault? = { _, _ in nil }
  ) {
    modelIdentity = model
    self.batchLimit = batchLimit
    self.delay = delay
    self.script = script
  }

  var calls: Int { seen.withLock { $0.calls } }
  var mostAtOnce: Int { seen.withLock { $0.most } }

  static func vector(_ text: String) -> [Float] {
    var sum: UInt64 = 14_695_981_039_346_656_037
    for byte in text.utf8 { sum = (sum ^ UInt64(byte)) &* 1_099_511_628_211 }
    return (0..<4).map { Float((sum >> (16 * UInt64($0))) & 0xFFFF) + 1 }
  }

  func embed(_ texts: [String]) async throws(EmbeddingError) -> [[Float]] {
    seen.withLock {
      $0.calls += 1
      $0.running += 1
      $0.most = max($0.most, $0.running)
    }
    defer { seen.withLock { $0.running -= 1 } }
    let attempt = attempts.withLock { attempts in
      defer { attempts[texts[0], default: 0] += 1 }
      return attempts[texts[0], default: 0]
    }
    if let delay { do { try await Task.sleep(for: delay) } catch { throw .cancelled } }
    var vectors = texts.map(Self.vector)
    switch script(texts, attempt) {
    case nil: break
    case .error: throw .service(status: 503, message: "busy", retryAfter: nil)
    case .tooFew: vectors.removeLast()
    case .tooWide: vectors[0].append(1)
    case .notANumber: vectors[0][2] = .nan
    case .zero: vectors[0] = [0, 0, 0, 0]
    case .tooLarge: throw .tooLarge(message: "\(texts.count) texts")
    case .bad(let status, let message):
      throw .service(status: status, message: message, retryAfter: nil)
    case .refused: throw .service(status: 401, message: "no key", retryAfter: nil)
    }
    return vectors
  }
}

/// Runs `body` with an open store in a fresh folder.
@discardableResult
func withStore<Result>(_ body: (VectorStore) async throws -> Result) async throws -> Result {
  try await TemporaryFolder.with { folder in
    let store = try VectorStore.open(at: folder + "/s")
    let result = try await body(store)
    try await store.close()
    return result
  }
}

extension VectorStore {
  /// Documents by id, as text.
  func texts(of collection: String) throws -> [String: String] {
    let records = try scroll(collection, limit: 100_000).records
    return Dictionary(uniqueKeysWithValues: records.map { ($0.id.description, $0.document ?? "") })
  }
}
