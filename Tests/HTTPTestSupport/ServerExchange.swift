import Foundation

/// A call as the server got it.
public struct ServerRequest: Sendable {
  /// The call's number, from 0.
  public var number: Int
  /// How often a call with the same first text came before.
  public var attempt: Int
  /// The path.
  public var path: String
  /// Headers with names in lower case.
  public var headers: [String: String]
  /// The model asked for.
  public var model: String?
  /// The texts.
  public var texts: [String]
  /// The dimension asked for.
  public var dimensions: Int?
  /// The encoding asked for.
  public var encoding: String?
}

/// What the server does with a call.
public enum ServerReply: Sendable {
  /// Answers.
  case answer(status: Int, headers: [String: String], body: String)
  /// Announces the whole body, sends its first half and closes the connection.
  case half(body: String)
  /// Closes the connection without a word.
  case hangUp
  /// Leaves the connection open and never answers.
  case silence

  /// An answer of success.
  public static func json(_ body: String) -> ServerReply {
    .answer(status: 200, headers: ["Content-Type": "application/json"], body: body)
  }

  /// An answer that says what is wrong, as OpenAI does.
  public static func error(
    _ status: Int,
    _ message: String,
    headers: [String: String] = [:]
  ) -> ServerReply {
    let body = #"{"error":{"message":"\#(message)","type":"test","code":null}}"#
    return .answer(status: status, headers: headers, body: body)
  }

  /// The vectors of a call's texts.
  public static func vectors(for request: ServerRequest) -> ServerReply {
    .json(AnswerText.whole(request.texts, isBase64: request.encoding == "base64"))
  }
}

/// Puts together what embedding services answer.
public enum AnswerText {
  /// The vector that stands for a text: four whole numbers that depend on each of its bytes.
  public static func vector(_ text: String) -> [Float] {
    var sum: UInt64 = 14_695_981_039_346_656_037
    for byte in text.utf8 { sum = (sum ^ UInt64(byte)) &* 1_099_511_628_211 }
    return (0..<4).map { Float((sum >> (16 * UInt64($0))) & 0xFFFF) + 1 }
  }

  /// An answer with the vectors of texts.
  public static func whole(
    _ texts: [String],
    isBase64: Bool = false,
    model: String = "test"
  ) -> String {
    let elements = texts.enumerated().map { index, text in
      let vector = vector(text)
      return element(index, isBase64 ? base64(vector) : numbers(vector))
    }
    return whole(elements: elements, model: model)
  }

  /// An answer with these elements.
  public static func whole(elements: [String], model: String = "test") -> String {
    let data = elements.joined(separator: ",")
    let usage = #""usage":{"prompt_tokens":1,"total_tokens":1}"#
    return #"{"object":"list","data":[\#(data)],"model":"\#(model)",\#(usage)}"#
  }

  /// An element with an index, and an embedding that is JSON already.
  public static func element(_ index: Int, _ embedding: String) -> String {
    #"{"object":"embedding","index":\#(index),"embedding":\#(embedding)}"#
  }

  /// Numbers as an array.
  public static func numbers(_ vector: [Float]) -> String {
    "[" + vector.map { "\($0)" }.joined(separator: ", ") + "]"
  }

  /// Numbers as the base64 of their bytes.
  public static func base64(_ vector: [Float]) -> String {
    var data = Data()
    for number in vector {
      withUnsafeBytes(of: number.bitPattern.littleEndian) { data.append(contentsOf: $0) }
    }
    return "\"" + data.base64EncodedString() + "\""
  }
}
