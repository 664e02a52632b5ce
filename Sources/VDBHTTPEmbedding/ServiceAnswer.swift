/// What came back of a call.
struct ServiceAnswer: Sendable {
  /// The HTTP status.
  let status: Int
  /// Headers with names in lower case.
  let headers: [String: String]
  /// The body, cut if the status is none of success.
  let body: [UInt8]

  /// The value of a header.
  func header(_ name: String) -> String? { headers[name] }
}
