internal import Foundation
internal import VDBIngest

/// Where calls go, taken apart and checked.
struct ServiceAddress: Sendable {
  /// The whole address of calls.
  let url: String
  /// The machine, for messages.
  let host: String

  /// - Throws: `.invalidSetting` for an address that is none, or to which the key must not be sent.
  init(_ service: EmbeddingService) throws(EmbeddingError) {
    func invalid(_ reason: String) -> EmbeddingError {
      .invalidSetting(name: "baseURL", reason: reason)
    }
    guard var parts = URLComponents(string: service.baseURL) else {
      throw invalid("it is no address; give one such as http://localhost:8080/v1")
    }
    // Before anything is shown: what stands there may be secret.
    guard parts.user == nil, parts.password == nil, parts.query == nil, parts.fragment == nil else {
      throw invalid("it must have no user, password, query or fragment; give a key as the API key")
    }
    let scheme = parts.scheme?.lowercased()
    guard scheme == "http" || scheme == "https", let host = parts.host, !host.isEmpty else {
      throw invalid("'\(service.baseURL)' does not begin with http:// or https:// and a host")
    }
    if service.apiKey != nil, scheme == "http", !service.allowsKeyOverPlainHTTP,
      !Self.isLoopback(host)
    {
      throw invalid(
        "'\(host)' is another machine and http:// is not encrypted, so everybody on the way could "
          + "read the API key; use https://, or allow it if you trust the network"
      )
    }
    var path = parts.path
    while path.hasSuffix("/") { path.removeLast() }
    if path.isEmpty { path = "/v1" }
    if !path.hasSuffix("/embeddings") { path += "/embeddings" }
    parts.path = path
    guard let url = parts.string else { throw invalid("'\(service.baseURL)' is no address") }
    self.url = url
    self.host = parts.port.map { "\(host):\($0)" } ?? host
  }

  /// Whether a host is this machine, whatever a name server says.
  static func isLoopback(_ host: String) -> Bool {
    let name = host.lowercased()
    if name == "localhost" || name == "::1" || name == "[::1]" { return true }
    let numbers = name.split(separator: ".", omittingEmptySubsequences: false)
    return numbers.count == 4 && numbers[0] == "127" && numbers.allSatisfy { UInt8($0) != nil }
  }
}
