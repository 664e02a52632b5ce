#if HTTPEmbedding
  internal import Foundation
  internal import VDB
  internal import VDBIngest

  /// Makes calls of a service: so many at a time, each within its time, with the answer read and checked.
  final class ServiceCaller: Sendable {
    let service: EmbeddingService
    private let client: ServiceClient
    private let limit: CallLimit
    private let timer: @Sendable (Duration) async throws -> Void

    /// Bytes of an answer besides its vectors.
    private static let envelopeBytes = 1 << 20
    /// Bytes that a number takes at most: 17 digits, sign, point, exponent, and white space around it.
    private static let numberBytes = 40

    /// - Parameters:
    ///   - service: where and what.
    ///   - timer: returns when so much time has passed; what a test puts in its place decides when.
    /// - Throws: `.invalidSetting`.
    init(
      _ service: EmbeddingService,
      timer: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }
    ) throws(EmbeddingError) {
      try Self.check(service)
      self.service = service
      self.timer = timer
      client = try ServiceClient(service)
      limit = CallLimit(service.concurrencyLimit)
    }

    private static func check(_ service: EmbeddingService) throws(EmbeddingError) {
      func require(
        _ isGood: Bool,
        _ name: String,
        _ reason: String
      ) throws(EmbeddingError) {
        if !isGood { throw .invalidSetting(name: name, reason: reason) }
      }
      try require(!service.model.isEmpty, "model", "it is empty; give the name of a model")
      try require(!service.name.isEmpty, "name", "it is empty")
      if let dimensions = service.dimensions {
        let range = EmbeddingService.dimensionRange
        let reason = "it is \(range.lowerBound) to \(range.upperBound), not \(dimensions)"
        try require(range.contains(dimensions), "dimensions", reason)
      }
      for (name, value) in [
        ("batchLimit", service.batchLimit), ("concurrencyLimit", service.concurrencyLimit),
      ] {
        try require(value >= 1, name, "it is at least 1, not \(value)")
      }
      for (name, value) in [
        ("connectTimeout", service.connectTimeout), ("requestTimeout", service.requestTimeout),
      ] {
        try require(value > .zero, name, "it is more than 0, not \(value)")
      }
    }

    /// The vectors of texts in their order; nothing is said of their dimension.
    ///
    /// - Parameters:
    ///   - texts: at least one.
    ///   - dimension: what to expect, as far as it is known.
    /// - Returns: as many vectors as texts.
    /// - Throws: what a call and an answer that is of no use throw.
    func vectors(
      of texts: [String],
      dimension: Int?
    ) async throws(EmbeddingError) -> [[Float]] {
      let body = EmbeddingRequest.body(texts, for: service)
      let most = texts.count * (dimension ?? VDBLimits.dimension.upperBound) * Self.numberBytes
      let answer = try await limit.run { () async throws(EmbeddingError) in
        try await self.inTime(body, limitBytes: Self.envelopeBytes + most)
      }
      guard (200..<300).contains(answer.status) else {
        let now = Date().timeIntervalSince1970
        throw ServiceFailure.error(answer, key: service.apiKey, now: now)
      }
      let read: EmbeddingAnswer
      do throws(EmbeddingError) {
        read = try EmbeddingAnswer(answer.body, texts: texts.count)
      } catch {
        if let said = ServiceFailure.reported(in: answer.body, service.apiKey) {
          throw .service(status: answer.status, message: said, retryAfter: nil)
        }
        throw error
      }
      if service.checksModel, let model = read.model, model != service.model {
        let shown = ServiceFailure.shown(model, service.apiKey)
        throw .invalidAnswer(
          reason: "the service runs the model '\(shown)', not '\(service.model)'"
        )
      }
      return read.vectors
    }

    /// Ends the connections.
    func close() async { await client.shutDown() }

    /// A call that is cancelled when its time is over.
    private func inTime(
      _ body: [UInt8],
      limitBytes: Int
    ) async throws(EmbeddingError) -> ServiceAnswer {
      let (client, timer, time) = (client, timer, service.requestTimeout)
      let result = await withTaskGroup(of: Result<ServiceAnswer, EmbeddingError>.self) { group in
        group.addTask {
          do throws(EmbeddingError) {
            return .success(try await client.post(body, limitBytes: limitBytes))
          } catch {
            return .failure(error)
          }
        }
        group.addTask {
          do { try await timer(time) } catch { return .failure(.cancelled) }
          return .failure(.timedOut(after: time))
        }
        let first = await group.next()
        group.cancelAll()
        return first ?? .failure(.cancelled)
      }
      return try result.get()
    }
  }
#endif
