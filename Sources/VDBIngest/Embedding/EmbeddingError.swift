/// Why texts could not be embedded; its ``description`` says what happened and what to do next.
///
/// Indices count the texts of the call, from 0. More cases will come: switch with a `default`.
public enum EmbeddingError: Error, Hashable, Sendable {
  /// These texts have no embedding: they are empty or blank, or nothing in them is known to the model.
  case noEmbedding(indices: [Int])
  /// The call carries more than the model or service takes at once.
  case tooLarge(message: String)
  /// A service refused or failed. `status` is the HTTP status; `nil` if no answer came.
  case service(status: Int?, message: String, retryAfter: Duration?)
  /// No answer came within the time allowed.
  case timedOut(after: Duration)
  /// The answer has another number of vectors than the call has texts.
  case wrongCount(expected: Int, actual: Int)
  /// A vector has another length than the embedder's dimension.
  case wrongDimension(expected: Int, actual: Int, index: Int)
  /// A vector has a component that is NaN or infinite.
  case notFinite(index: Int, component: Int)
  /// The answer cannot be read, or contradicts itself or the call.
  case invalidAnswer(reason: String)
  /// The answer is larger than vectors of the texts can be.
  case answerTooLarge(limitBytes: Int)
  /// The embedder cannot be used with this setting.
  case invalidSetting(name: String, reason: String)
  /// The task was cancelled.
  case cancelled
}

extension EmbeddingError {
  /// Whether the same call may succeed later: a service that is busy, broken or out of reach.
  public var isTransient: Bool {
    switch self {
    case .timedOut: true
    case .service(let status?, _, _): status == 408 || status == 429 || status >= 500
    case .service(nil, _, _): true
    default: false
    }
  }

  /// Whether a call with fewer texts may succeed.
  public var wantsSmallerBatch: Bool {
    switch self {
    case .tooLarge: true
    case .service(let status, _, _): status == 413
    default: false
    }
  }

  /// Whether the call was refused for what is in it, which may be one of its texts.
  var mayConcernOneText: Bool {
    if case .service(let status, _, _) = self { status == 400 || status == 422 } else { false }
  }

  /// Checks what an embedder returned for `texts` texts, before anything relies on it.
  package static func check(
    _ vectors: [[Float]],
    texts: Int,
    dimension: Int
  ) throws(EmbeddingError) {
    guard vectors.count == texts else {
      throw .wrongCount(expected: texts, actual: vectors.count)
    }
    for (index, vector) in vectors.enumerated() {
      guard vector.count == dimension else {
        throw .wrongDimension(expected: dimension, actual: vector.count, index: index)
      }
      // A sum is finite unless a component is not, or it overflows: only then each one is looked at.
      var sum: Float = 0
      for component in vector { sum += component.magnitude }
      if sum.isFinite { continue }
      if let component = vector.firstIndex(where: { !$0.isFinite }) {
        throw .notFinite(index: index, component: component)
      }
    }
  }

  /// The same error about a longer list of texts, in which the call's texts stand at `positions`.
  package func mapIndices(to positions: [Int]) -> EmbeddingError {
    // An embedder may name a text that it was not given; its number is kept as it is.
    func place(_ index: Int) -> Int { positions.indices.contains(index) ? positions[index] : index }
    return switch self {
    case .noEmbedding(let indices): .noEmbedding(indices: indices.map(place))
    case .wrongDimension(let expected, let actual, let index):
      .wrongDimension(expected: expected, actual: actual, index: place(index))
    case .notFinite(let index, let component):
      .notFinite(index: place(index), component: component)
    default: self
    }
  }
}

extension EmbeddingError: CustomStringConvertible {
  /// What happened and what to do next, for a person.
  public var description: String {
    switch self {
    case .noEmbedding(let indices):
      let shown = indices.prefix(5).map(String.init).joined(separator: ", ")
      let more = indices.count > 5 ? " and \(indices.count - 5) more" : ""
      let subject = indices.count == 1 ? "Text \(shown) has" : "Texts \(shown)\(more) have"
      return
        "\(subject) no embedding: nothing in it is known to the model. Leave it out of the call."
    case .tooLarge(let message):
      return
        "The texts are too large for one call: \(message). Send fewer or shorter texts at once."
    case .service(let status, let message, let retryAfter):
      let what = status.map { "The service answered \($0)" } ?? "The service gave no answer"
      let wait = retryAfter.map { " It asks to wait \($0)." } ?? ""
      return "\(what): \(message).\(wait) \(Self.remedy(status: status))"
    case .timedOut(let limit):
      return "No answer came within \(limit). Send fewer texts at once, or allow more time."
    case .wrongCount(let expected, let actual):
      return "\(actual) vectors came back for \(expected) texts. "
        + "Check that the service speaks the form that is expected of it."
    case .wrongDimension(let expected, let actual, let index):
      return "The vector of text \(index) has \(actual) numbers instead of \(expected). "
        + "Check the model's name and the dimension asked for."
    case .notFinite(let index, let component):
      return "Number \(component) of the vector of text \(index) is NaN or infinite. "
        + "Leave the text out, and report it to whoever runs the model."
    case .invalidAnswer(let reason):
      return "The answer holds no vectors that can be used: \(reason). "
        + "Check that the address is that of an embedding service."
    case .answerTooLarge(let limit):
      return "The answer has more than \(limit) bytes, which vectors of these texts do not take. "
        + "Check that the address is that of an embedding service, and the dimension."
    case .invalidSetting(let name, let reason):
      return "The setting '\(name)' cannot be used: \(reason)."
    case .cancelled:
      return "The embedding was cancelled. Call again to have it done."
    }
  }

  private static func remedy(status: Int?) -> String {
    switch status {
    case nil: "Check its address and that it runs."
    case .some(300..<400): "Give the address that the service has moved to."
    case 401, 403: "Check the API key."
    case 404: "Check the address and the model's name."
    case 413: "Send fewer texts at once."
    case 408, 429: "Try again later, with fewer calls at once."
    case .some(500...): "Try again later."
    case 400, 422: "Check the text, and the request's settings."
    default: "Check the request's settings."
    }
  }
}

extension EmbeddingError {
  /// The error about texts each of which stands at several places of the caller's list.
  func inTexts(of positions: [[Int]]) -> EmbeddingError {
    guard case .noEmbedding(let indices) = self else {
      return mapIndices(to: positions.map { $0[0] })
    }
    let known = indices.filter(positions.indices.contains)
    return .noEmbedding(indices: known.flatMap { positions[$0] }.sorted())
  }
}
