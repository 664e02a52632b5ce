import Foundation
import TestSupport
import Testing

@testable import VDBIngest

@Suite("The built-in model against its reference")
struct ReferenceTests {
  @Test("All reference texts give the reference's tokens and numbers")
  func conformance() throws {
    let embedder = try StaticEmbedder.builtin()
    let references = try ReferenceVector.all()
    #expect(references.count == 220)
    for reference in references {
      let tokens = embedder.tokenizer.tokenIDs(of: reference.text, limit: embedder.tokenLimit)
      #expect(tokens == reference.tokens, "\(reference.text)")
      guard let vector = embedder.embedding(of: reference.text) else {
        #expect(reference.tokens.isEmpty, "\(reference.text)")
        #expect(reference.embedding_head.allSatisfy { $0 == 0 })
        continue
      }
      #expect(vector.count == 256)
      let differences = zip(vector, reference.embedding_head).map { abs($0 - $1) }
      #expect(differences.allSatisfy { $0 <= 1e-4 }, "\(reference.text): \(differences)")
      let length = vector.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
      #expect(abs(length - 1) < 1e-6)
    }
  }

  /// The checksum was made from huggingface/tokenizers 0.23.3: for each character c, the words that its
  /// BertNormalizer and BertPreTokenizer find in "x" + c + "y".
  @Test("Every character of Unicode 8 means what it means to the reference")
  func allCharacters() {
    var folding = BERTFolding()
    var (sum, count): (UInt64, Int) = (0xCBF2_9CE4_8422_2325, 0)
    for scalar in (UInt32(0x80)...0x10FFFF).lazy.compactMap(Unicode.Scalar.init) {
      guard let age = scalar.properties.age, age.major <= 8 else { continue }
      count += 1
      let words = (Array("x".utf8) + folding.fold(scalar) + Array("y\n".utf8)).split(
        separator: 0x20
      )
      for byte in words.joined(separator: [0x20]) { sum = (sum ^ UInt64(byte)) &* 0x100_0000_01B3 }
    }
    #expect(count == 258_143)
    #expect(sum == 0x644F9C79BF42FB13)
  }

  /// Files of other texts and their tokens, made with huggingface/tokenizers, named by the environment.
  @Test("More texts of the reference tokeniser agree", .enabled(if: moreReferences != nil))
  func moreTexts() throws {
    let tokenizer = try StaticEmbedder.builtin().tokenizer
    var differing: [String] = []
    for line in try Data(contentsOf: URL(filePath: moreReferences ?? "")).split(separator: 0x0A) {
      let reference = try JSONDecoder().decode(ReferenceTokens.self, from: line)
      if tokenizer.tokenIDs(of: reference.text, limit: 512) != reference.tokens {
        differing.append(
          reference.text.unicodeScalars.map { String($0.value, radix: 16) }.joined(separator: " ")
        )
      }
    }
    #expect(differing.isEmpty, "\(differing.count): \(differing.prefix(20))")
  }
}

private let moreReferences = ProcessInfo.processInfo.environment["VDB_TOKEN_REFERENCE"]

private struct ReferenceTokens: Decodable {
  let text: String
  let tokens: [Int32]
}
