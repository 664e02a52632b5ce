#if HTTPEmbedding
  internal import AsyncHTTPClient
  internal import Foundation
  internal import NIOCore
  internal import NIOHTTP1
  internal import NIOPosix
  internal import VDBIngest

  /// The HTTP client: keeps connections between calls, and shuts down when nobody has it any more.
  final class ServiceClient: Sendable {
    private let client: HTTPClient
    private let address: ServiceAddress
    private let apiKey: APIKey?
    private let connectTimeout: Duration

    /// What the client calls it when a connection takes too long.
    private static let timeouts: [HTTPClientError] = [
      .connectTimeout, .tlsHandshakeTimeout, .getConnectionFromPoolTimeout,
    ]

    init(_ service: EmbeddingService) throws(EmbeddingError) {
      address = try ServiceAddress(service)
      apiKey = service.apiKey
      connectTimeout = service.connectTimeout
      var settings = HTTPClient.Configuration(redirectConfiguration: .disallow)
      settings.timeout.connect = .nanoseconds(service.connectTimeout.wholeNanoseconds)
      settings.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = service.concurrencyLimit
      // Repetition is the caller's: one place counts the attempts.
      settings.connectionPool.retryConnectionEstablishment = false
      client = HTTPClient(configuration: settings)
    }

    // Needs no wait: the client is kept by its own shutdown until that is over.
    deinit { client.shutdown { _ in } }

    /// Ends the connections; calls in progress fail.
    ///
    /// Doing it again does nothing.
    func shutDown() async {
      await withCheckedContinuation { continuation in
        // The only error is that it was shut down before.
        client.shutdown { _ in continuation.resume() }
      }
    }

    /// Sends a body and reads what comes back.
    ///
    /// - Parameters:
    ///   - body: JSON.
    ///   - limitBytes: the most bytes of an answer of success.
    /// - Returns: the answer, whatever its status.
    /// - Throws: `.answerTooLarge`; `.service` without a status, or `.timedOut`, if no whole answer came;
    ///   `.cancelled`.
    func post(_ body: [UInt8], limitBytes: Int) async throws(EmbeddingError) -> ServiceAnswer {
      var request = HTTPClientRequest(url: address.url)
      request.method = .POST
      request.headers.add(name: "Content-Type", value: "application/json")
      request.headers.add(name: "Accept", value: "application/json")
      if let apiKey { request.headers.add(name: "Authorization", value: apiKey.header) }
      request.body = .bytes(body)
      do {
        // The caller ends the call in time, the reading of the answer included.
        let response = try await client.execute(request, deadline: .distantFuture)
        let status = Int(response.status.code)
        let isGood = (200..<300).contains(status)
        let limit = isGood ? limitBytes : ServiceFailure.bodyLimitBytes
        var bytes: [UInt8] = []
        for try await part in response.body {
          bytes.append(contentsOf: part.readableBytesView)
          guard bytes.count > limit else { continue }
          if isGood { throw EmbeddingError.answerTooLarge(limitBytes: limit) }
          break
        }
        if Task.isCancelled { throw EmbeddingError.cancelled }
        let headers = response.headers.map { ($0.name.lowercased(), $0.value) }
        return ServiceAnswer(
          status: status,
          headers: Dictionary(headers) { first, _ in first },
          body: bytes
        )
      } catch {
        throw embeddingError(error)
      }
    }

    /// What stopped a call, in words of our own: those of the client may show what was sent.
    private func embeddingError(_ error: any Error) -> EmbeddingError {
      if let error = error as? EmbeddingError { return error }
      if Task.isCancelled || error is CancellationError { return .cancelled }
      let closed = "the connection to '\(address.host)' was closed before the answer was complete"
      let reason: String
      switch error {
      case let error as HTTPClientError where error == .cancelled: return .cancelled
      case let error as HTTPClientError where Self.timeouts.contains(error):
        return .timedOut(after: connectTimeout)
      case let error as HTTPClientError where error == .alreadyShutdown:
        reason = "the embedder has been closed"
      case let error as HTTPClientError where error == .remoteConnectionClosed: reason = closed
      case let error as HTTPParserError where error == .invalidEOFState: reason = closed
      case let error as IOError where [ECONNRESET, EPIPE].contains(error.errnoCode):
        reason = closed
      case is HTTPParserError: reason = "what '\(address.host)' answers is no HTTP"
      case let error as NIOConnectionError
      where error.dnsAError != nil || error.dnsAAAAError != nil:
        reason = "no machine is known by the name '\(error.host)'"
      case is NIOConnectionError: reason = "'\(address.host)' does not accept connections"
      case let error as IOError where error.errnoCode == ECONNREFUSED:
        reason = "'\(address.host)' does not accept connections"
      case let error as IOError:
        reason = "the connection to '\(address.host)' broke (error \(error.errnoCode))"
      case _ where "\(type(of: error))".contains("SSL"):
        reason = "no encrypted connection to '\(address.host)' could be made"
      default: reason = "the exchange with '\(address.host)' failed (\(type(of: error)))"
      }
      return .service(status: nil, message: reason, retryAfter: nil)
    }
  }

  extension ServiceClient: CustomReflectable {
    /// Nothing: the buffers of connections hold what was sent, the key included.
    var customMirror: Mirror { Mirror(self, children: []) }
  }

  extension Duration {
    /// For a library that counts in these; longer times than 292 years are cut.
    fileprivate var wholeNanoseconds: Int64 {
      let (seconds, attoseconds) = components
      let (product, isTooLong) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
      return isTooLong
        ? .max : product.addingReportingOverflow(attoseconds / 1_000_000_000).partialValue
    }
  }
#endif
