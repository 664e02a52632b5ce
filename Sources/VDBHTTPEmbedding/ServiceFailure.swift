internal import Foundation
internal import VDBIngest

/// What an answer that is no success means, in the terms of the pipeline.
enum ServiceFailure {
  /// The most bytes of such an answer that are read.
  static let bodyLimitBytes = 64 * 1024
  /// The most characters of a service's own words that are shown.
  private static let messageLimit = 300

  /// Words by which services say that fewer or shorter texts would pass, whatever the status.
  ///
  /// OpenAI, vLLM, llama.cpp and others that use PyTorch or CUDA, text-embeddings-inference.
  private static let tooLarge = [
    "out of memory", "out_of_memory", "outofmemory", "tokens per request", "max_tokens_per_request",
    "maximum context length", "request too large", "batch size", "too many inputs", "n_ctx",
  ]

  /// The error that stands for an answer.
  ///
  /// - Parameters:
  ///   - answer: the answer, whose status is none of success.
  ///   - key: the secret that is kept out of the text.
  ///   - now: seconds since 1970.
  /// - Returns: `.tooLarge` or `.service`.
  static func error(_ answer: ServiceAnswer, key: APIKey?, now: Double) -> EmbeddingError {
    let message = message(in: answer.body, key)
    let lower = message?.lowercased() ?? ""
    switch answer.status {
    case 300..<400:
      let place = answer.header("location").map { "to '\(shown($0, key))'" } ?? "elsewhere"
      return service(answer, "it points \(place), where texts and key are not sent unasked")
    // What a service says of a key may contain parts of it.
    case 401: return service(answer, key == nil ? "it wants an API key" : "the API key is wrong")
    case 413: return .tooLarge(message: message ?? "the service answered 413")
    case _ where tooLarge.contains { lower.contains($0) }:
      return .tooLarge(message: message ?? "")
    default:
      return .service(
        status: answer.status,
        message: message ?? "it gives no reason",
        retryAfter: RetryAfter.wait(header: answer.header, now: now)
      )
    }
  }

  /// The service's own words, fit to be shown; `nil` if there are none.
  static func message(in body: [UInt8], _ key: APIKey?) -> String? {
    // Cut to the limit, so that the end may be missing: then it is no JSON, and shown as it is.
    let text = String(decoding: body.prefix(bodyLimitBytes), as: UTF8.self)
    let said: String?
    do {
      let json = try JSONSerialization.jsonObject(with: Data(text.utf8))
      said = words(json)
    } catch {
      said = text
    }
    let message = shown(said ?? text, key)
    return message.isEmpty ? nil : message
  }

  /// The error that an answer reports although its status is one of success.
  static func reported(in body: [UInt8], _ key: APIKey?) -> String? {
    guard body.count <= bodyLimitBytes else { return nil }
    do {
      let json = try JSONSerialization.jsonObject(with: Data(body)) as? [String: Any]
      guard let error = json?["error"], let said = words(error) else { return nil }
      return shown(said, key)
    } catch {
      return nil
    }
  }

  /// Finds the text in the forms in use, such as `{"error": {"message"}}` and `{"detail"}`.
  private static func words(_ json: Any) -> String? {
    if let text = json as? String { return text }
    guard let object = json as? [String: Any] else { return nil }
    for name in ["error", "message", "detail"] {
      guard let value = object[name], let text = words(value) else { continue }
      // OpenAI's type says what a message in another language or of another version does not.
      let type = object["type"] as? String
      return type == "max_tokens_per_request" ? "\(text) (max_tokens_per_request)" : text
    }
    return nil
  }

  private static func service(_ answer: ServiceAnswer, _ message: String) -> EmbeddingError {
    .service(status: answer.status, message: message, retryAfter: nil)
  }

  /// One line without the key and without characters that a terminal would act on.
  static func shown(_ text: String, _ key: APIKey?) -> String {
    // The key first: a cut might leave a part of it.
    let redacted = key?.redact(text) ?? text
    let line = redacted.unicodeScalars.split {
      $0.properties.isWhitespace || $0.properties.generalCategory == .control
        || $0.properties.generalCategory == .format
    }.map(String.init).joined(separator: " ")
    var short = line.count > messageLimit ? line.prefix(messageLimit) + "…" : line[...]
    if short.last == "." { short.removeLast() }
    return String(short)
  }
}
