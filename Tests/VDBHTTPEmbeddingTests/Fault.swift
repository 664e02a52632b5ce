#if HTTPEmbedding
  import HTTPTestSupport
  import Testing

  /// The ways in which a service misbehaves.
  enum Fault: String, CaseIterable, CustomTestStringConvertible {
    case tooManyRequests, internalError, badGateway, slow, cutConnection, hangUp
    case tooFew, tooMany, wrongDimension, notANumber, null, infinity, encodedNaN
    case notJSON, truncated, emptyBody, doubleIndex, wrongIndex, missingIndex, noEmbedding,
      errorInSuccess
    case enormous, redirect, unauthorized, notFound
    case payloadTooLarge, outOfMemory, tooManyTokens, badRequest, unprocessable

    var testDescription: String { rawValue }

    /// Whether the same call is worth making again.
    var isRepeated: Bool {
      switch self {
      case .enormous, .redirect, .unauthorized, .notFound, .errorInSuccess: false
      default: !halves
      }
    }

    /// Whether fewer texts, or the others of the call, may pass.
    var halves: Bool {
      [.payloadTooLarge, .outOfMemory, .tooManyTokens, .badRequest, .unprocessable].contains(self)
    }

    /// What a person reads of it: what happened, and what to do.
    var says: [String] {
      switch self {
      case .tooManyRequests: ["429: slow down", "Try again later, with fewer calls at once."]
      case .internalError: ["500: it broke", "Try again later."]
      case .badGateway: ["502: <h1>Bad gateway</h1>", "Try again later."]
      case .slow: ["No answer came within", "allow more time"]
      case .cutConnection, .hangUp: ["gave no answer", "closed before the answer was complete"]
      case .tooFew: ["7 vectors came back for 8 texts"]
      case .tooMany: ["9 vectors came back for 8 texts"]
      case .wrongDimension: ["text 5 has 5 numbers instead of 4", "Check the model's name"]
      case .notANumber, .null, .infinity, .encodedNaN:
        ["Number 2 of the vector of text 5 is NaN or infinite"]
      case .notJSON: ["byte 0, expected '{' at the start of the answer, found '<'"]
      case .truncated: ["it ends after", "within its JSON"]
      case .emptyBody: ["it ends after 0 bytes"]
      case .doubleIndex: ["index 4 is not one of 8 texts, or occurs twice"]
      case .wrongIndex: ["index 99 is not one of 8 texts"]
      case .missingIndex: ["element 5 of \"data\" has no index, others have"]
      case .noEmbedding: ["element 5 of \"data\" has no embedding"]
      case .errorInSuccess: ["200: the model is gone"]
      case .enormous: ["more than", "Check that the address is that of an embedding service"]
      case .redirect: ["307: it points to 'http://127.0.0.1:1/v2'", "has moved to"]
      case .unauthorized: ["401: it wants an API key", "Check the API key."]
      case .badRequest: ["400: a text is bad", "Check the text, and the request's settings."]
      case .unprocessable: ["422: a text is empty", "Check the text, and the request's settings."]
      case .notFound: ["404: no such model", "Check the address and the model's name."]
      case .payloadTooLarge: ["too large for one call: too long"]
      case .outOfMemory: ["too large for one call: CUDA out of memory"]
      case .tooManyTokens: ["too large for one call: Requested 309209 tokens"]
      }
    }

    func reply(to request: ServerRequest) -> ServerReply {
      switch self {
      case .tooManyRequests: .error(429, "slow down.", headers: ["Retry-After": "7"])
      case .internalError: .error(500, "it broke")
      case .badGateway: .answer(status: 502, headers: [:], body: "<h1>Bad gateway</h1>\n")
      case .slow: .silence
      case .cutConnection: .half(body: AnswerText.whole(request.texts))
      case .hangUp: .hangUp
      case .notJSON: .answer(status: 200, headers: [:], body: "<html>Welcome</html>")
      case .truncated: .json(String(AnswerText.whole(request.texts).dropLast(100)))
      case .emptyBody: .json("")
      case .errorInSuccess: .json(#"{"error":{"message":"the model is gone"}}"#)
      case .enormous: .json("{" + String(repeating: " ", count: 3 << 20) + "}")
      case .redirect: .answer(status: 307, headers: ["Location": "http://127.0.0.1:1/v2"], body: "")
      case .unauthorized: .error(401, "Incorrect API key provided: sk-12**34")
      case .badRequest: .error(400, "a text is bad")
      case .unprocessable: .answer(status: 422, headers: [:], body: #"{"error":"a text is empty"}"#)
      case .notFound: .answer(status: 404, headers: [:], body: #"{"detail":"no such model"}"#)
      case .payloadTooLarge: .answer(status: 413, headers: [:], body: #"{"error":"too long"}"#)
      case .outOfMemory: .error(500, "CUDA out of memory. Tried to allocate 20 MiB")
      case .tooManyTokens: .error(400, "Requested 309209 tokens, max 300000 tokens per request")
      default: .json(AnswerText.whole(elements: elements(request.texts)))
      }
    }

    /// An answer of which the sixth element is wrong.
    private func elements(_ texts: [String]) -> [String] {
      var elements = texts.enumerated().map {
        AnswerText.element($0, AnswerText.numbers(AnswerText.vector($1)))
      }
      let vector = AnswerText.vector(texts[5])
      switch self {
      case .tooFew: elements.removeLast()
      case .tooMany: elements.append(AnswerText.element(8, AnswerText.numbers(vector)))
      case .wrongDimension: elements[5] = AnswerText.element(5, AnswerText.numbers(vector + [1]))
      case .notANumber: elements[5] = AnswerText.element(5, "[1,2,NaN,4]")
      case .null: elements[5] = AnswerText.element(5, "[1,2,null,4]")
      case .infinity: elements[5] = AnswerText.element(5, "[1,2,Infinity,4]")
      case .encodedNaN: elements[5] = AnswerText.element(5, AnswerText.base64([1, 2, .nan, 4]))
      case .doubleIndex: elements[5] = AnswerText.element(4, AnswerText.numbers(vector))
      case .wrongIndex: elements[5] = AnswerText.element(99, AnswerText.numbers(vector))
      case .missingIndex: elements[5] = #"{"embedding":\#(AnswerText.numbers(vector))}"#
      case .noEmbedding: elements[5] = #"{"index":5}"#
      default: break
      }
      return elements
    }
  }
#endif
