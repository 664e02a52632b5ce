import HTTPTestSupport
import Testing
import VDBIngest

@testable import VDBHTTPEmbedding

/// Reading answers, of which nothing is trusted.
struct AnswerTests {
  private func read(_ text: String, texts: Int) throws(EmbeddingError) -> EmbeddingAnswer {
    try EmbeddingAnswer(Array(text.utf8), texts: texts)
  }

  @Test func `numbers are read as they were written`() throws {
    let values: [Float] = [0.1, -0.012345678, 1.1754944e-38, 3.4e38, 0, -0.0]
    for embedding in [AnswerText.numbers(values), AnswerText.base64(values)] {
      let whole = AnswerText.whole(elements: [AnswerText.element(0, embedding)], model: "m")
      let answer = try read(whole, texts: 1)
      #expect(answer.vectors == [values])
      #expect(answer.model == "m")
    }
  }

  @Test func `members that are not needed are stepped over`() throws {
    let text = #"""
      { "x": [1, {"a": null, "b": [true, false, "}]"]}, -2.5e3], "object": "list",
        "data": [ {"embedding": [1, 2], "more": {"n": []}}, {"embedding": [3, 4]} ],
        "model": null, "usage": {} }
      """#
    #expect(try read(text, texts: 2).vectors == [[1, 2], [3, 4]])
  }

  static let refused = [
    "", " ", "null", "[]", "{", "{}", #"{"data":null}"#, #"{"data":{}}"#, #"{"data":[1]}"#,
    #"{"data":[{"embedding":1}]}"#, #"{"data":[{"embedding":"%%%%"}]}"#,
    #"{"data":[{"embedding":"AAA="}]}"#, #"{"data":[{"embedding":[1e39]}]}"#,
    #"{"data":[{"embedding":["1"]}]}"#, #"{"data":[{"embedding":[1],"index":"0"}]}"#,
    #"{"data":[{"embedding":[1],"index":0.5}]}"#, #"{"data":[{"embedding":[1],"index":-1}]}"#,
    #"{"data":[{"embedding":[1],"index":99999999999999999999}]}"#,
    #"{"data":[{"embedding":[1]}]} x"#, #"{"data":[{"embedding":[1]}],}"#,
    #"{"data":[{"embedding":[1]}"#, #"{"data":[{"embedding":[1,]}]}"#,
    #"{"a":"# + String(repeating: "[", count: 100_000),
    #"{"a":"# + String(repeating: #"{"a":"#, count: 100_000),
  ]

  @Test(arguments: refused.indices)
  func `what is no answer is refused`(index: Int) throws {
    let error = #expect(throws: EmbeddingError.self) { try read(Self.refused[index], texts: 1) }
    guard case .invalidAnswer = error else {
      Issue.record("\(String(describing: error))")
      return
    }
  }

  @Test func `every beginning of an answer is refused`() throws {
    let whole = AnswerText.whole(["one", "two"])
    _ = try read(whole, texts: 2)
    for count in 0..<whole.utf8.count {
      #expect(throws: EmbeddingError.self) { try read(String(whole.prefix(count)), texts: 2) }
    }
  }

  @Test func `an answer with any byte changed is read or refused`() throws {
    let whole = Array(AnswerText.whole(["one", "two"]).utf8)
    for index in whole.indices {
      for byte in [0x00, 0x22, 0x2C, 0x5B, 0x7D, 0x39, 0xFF] as [UInt8] {
        var changed = whole
        changed[index] = byte
        do throws(EmbeddingError) {
          let answer = try EmbeddingAnswer(changed, texts: 2)
          #expect(answer.vectors.count == 2)
        } catch {
          #expect(!error.description.isEmpty)
        }
      }
    }
  }

  @Test func `a message of a service is one plain line of limited length`() {
    let escape = "\u{1B}[31mred\u{7}\n\nline\u{202E} two. "
    #expect(ServiceFailure.shown(escape, nil) == "[31mred line two")
    let long = ServiceFailure.shown(String(repeating: "é", count: 5000), nil)
    #expect(long.count == 301)
    #expect(ServiceFailure.message(in: Array(#"{"a":1}"#.utf8), nil) == #"{"a":1}"#)
    #expect(ServiceFailure.message(in: [], nil) == nil)
    #expect(ServiceFailure.message(in: [0xFF, 0xFE], nil) != nil)
  }
}
