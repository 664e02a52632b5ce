import Foundation
import TestSupport
import Testing

@testable import VDBIngest

@Suite("Static embedding")
struct StaticEmbedderTests {
  private let builtin: StaticEmbedder

  init() throws { builtin = try StaticEmbedder.builtin() }

  private func tokens(_ text: String) -> [Int32] { builtin.tokenizer.tokenIDs(of: text) }

  @Test("The built-in model names itself by its contents, in the program as in its folder")
  func identity() throws {
    #expect(builtin.modelIdentity == "static-en-256@6ae68da0")
    #expect(builtin.dimension == 256)
    let folder = try StaticEmbedder(folder: modelFolder)
    #expect(folder.modelIdentity == builtin.modelIdentity)
    #expect(folder.embedding(of: "a b c") == builtin.embedding(of: "a b c"))
  }

  @Test("Another vocabulary or table is another identity")
  func otherIdentity() throws {
    let first = try TestModel().load().modelIdentity
    #expect(first.hasPrefix("static-3@"))
    var model = TestModel()
    model.vocabulary = Bytes(TestModel.words.reversed().joined(separator: "\n"))
    #expect(try model.load().modelIdentity != first)
    #expect(try TestModel().load().modelIdentity == first)
  }

  @Test("Words are cut into the longest tokens, or are unknown as a whole")
  func wordPiece() throws {
    let small = try TestModel().load()
    #expect(small.tokenizer.tokenIDs(of: "unaffable") == [5, 6, 7, 8])
    #expect(small.tokenizer.tokenIDs(of: "playing, PLAYED today!") == [2, 3, 1, 2, 4, 1, 11])
    #expect(small.tokenizer.tokenIDs(of: "unaffabl") == [1])
    #expect(small.tokenizer.tokenIDs(of: "##ing") == [1, 1, 1])
    #expect(small.tokenizer.tokenIDs(of: "to day", limit: 1) == [9])
  }

  @Test("The embedding is the sum of the rows, of unit length")
  func sum() throws {
    let small = try TestModel().load()
    // Rows 9 and 10 are (27, 28, 29) and (30, 31, 32).
    let length = Double(57 * 57 + 59 * 59 + 61 * 61).squareRoot()
    let expected = [57, 59, 61].map { Float(Double($0) / length) }
    #expect(small.embedding(of: "to day") == expected)
  }

  @Test("Tables of 8, 16 and 32 bits with the same numbers give the same vectors")
  func elementTypes() throws {
    let numbers = (0..<36).map { Float($0) }
    var half = TestModel()
    half.table = TestModel.safetensors(
      #"{"embeddings":{"dtype":"F16","shape":[12,3],"data_offsets":[0,72]}}"#,
      // Whole numbers up to 35 in half precision.
      numbers.reduce(Bytes()) { bytes, number in
        let bits = number.bitPattern
        let exponent = Int(bits >> 23) - 127 + 15
        let value = number == 0 ? 0 : UInt16(exponent) << 10 | UInt16(bits >> 13 & 0x3FF)
        return bytes.adding(value)
      }.data
    )
    var single = TestModel()
    single.table = TestModel.safetensors(
      #"{"embeddings":{"dtype":"F32","shape":[12,3],"data_offsets":[0,144]}}"#,
      Bytes().adding(numbers).data
    )
    let expected = try TestModel().load().embedding(of: "playing today")
    #expect(try half.load().embedding(of: "playing today") == expected)
    #expect(try single.load().embedding(of: "playing today") == expected)
  }

  @Test("A tokenizer.json is read, and unknown words are left out as Model2Vec does")
  func tokenizerJSON() throws {
    let words = TestModel.words.enumerated().map { "\"\($1)\":\($0)" }.joined(separator: ",")
    var model = TestModel()
    model.vocabulary = nil
    model.tokenizer = Bytes(
      #"{"normalizer":{"type":"BertNormalizer","clean_text":true,"handle_chinese_chars":true,"#
        + #""strip_accents":null,"lowercase":true},"pre_tokenizer":{"type":"BertPreTokenizer"},"#
        + #""model":{"type":"WordPiece","unk_token":"[UNK]","vocab":{\#(words)}}}"#
    )
    let embedder = try model.load()
    #expect(embedder.tokenizer.tokenIDs(of: "zzz to") == [1, 9])
    #expect(embedder.embedding(of: "zzz to") == embedder.embedding(of: "to"))
    #expect(embedder.embedding(of: "zzz") == nil)
    #expect(try TestModel().load().embedding(of: "zzz") != nil)
  }

  @Test("Windows line ends and a missing last line end make the same vocabulary")
  func lineEnds() throws {
    var model = TestModel()
    model.vocabulary = Bytes(TestModel.words.joined(separator: "\r\n"))
    #expect(try model.load().tokenizer.tokenIDs(of: "today !") == [1, 11])
    #expect(try model.load().tokenizer.count == 12)
  }

  @Test(
    "Texts without tokens have no embedding",
    arguments: [
      "", " ", "\t\r\n \u{3000}", "\u{0}\u{1}", "\u{200B}\u{FEFF}", "\u{301}\u{302}", "\u{E000}",
    ]
  )
  func nothing(_ text: String) async {
    #expect(tokens(text).isEmpty)
    #expect(builtin.embedding(of: text) == nil)
    await #expect(throws: EmbeddingError.noEmbedding(indices: [0])) {
      try await builtin.embed(text)
    }
  }

  @Test("All texts without an embedding are named, and the others can be had without them")
  func missing() async throws {
    var texts = (0..<5_000).map { "text number \($0)" }
    let blank = [0, 63, 64, 1_000, 4_095, 4_096, 4_999]
    for index in blank { texts[index] = " " }
    await #expect(throws: EmbeddingError.noEmbedding(indices: blank)) {
      try await builtin.embed(texts)
    }
    let found = try await builtin.embedWherePossible(texts)
    #expect(found.count == texts.count)
    #expect(found.indices.filter { found[$0] == nil } == blank)
    #expect(found[65] == builtin.embedding(of: texts[65]))
  }

  @Test("Only the first 512 tokens count")
  func longTexts() throws {
    let words = Array(repeating: "photosynthesis", count: 200).joined(separator: " ")
    #expect(tokens(words).count == 600)
    let limited = builtin.tokenizer.tokenIDs(of: words, limit: 512)
    #expect(limited == Array(tokens(words).prefix(512)))
    #expect(builtin.embedding(of: words + " plant") == builtin.embedding(of: words + " engine"))
    let long = String(repeating: "food ", count: 1_000_000)
    #expect(builtin.embedding(of: long)?.count == 256)
    #expect(
      builtin.embedding(of: String(repeating: "food ", count: 512)) == builtin.embedding(of: long)
    )
  }

  @Test("A word of more than 100 characters is one unknown token, however long")
  func longWords() {
    let unknown = builtin.tokenizer.unknownToken
    #expect(tokens(String(repeating: "a", count: 100)) != [unknown])
    #expect(tokens(String(repeating: "a", count: 101)) == [unknown])
    #expect(tokens(String(repeating: "é", count: 101)) == [unknown])
    #expect(
      tokens(String(repeating: "é", count: 100)) == tokens(String(repeating: "e", count: 100))
    )
    #expect(
      tokens(String(repeating: "x", count: 5_000_000) + " plant") == [unknown] + tokens("plant")
    )
  }

  @Test("Composed and decomposed letters, marks of any number and case are the same")
  func folding() {
    #expect(tokens("Cafe\u{301} RE\u{301}SUME\u{301}") == tokens("café résumé"))
    #expect(tokens("a" + String(repeating: "\u{301}", count: 10_000) + "b") == tokens("ab"))
    #expect(tokens("İSTANBUL") == tokens("istanbul"))
    #expect(tokens("ΟΔΟΣ") == tokens("οδοσ"))
    #expect(tokens("\u{212B}ngstr\u{F6}m") == tokens("angstrom"))
    #expect(tokens("STRASSE") == tokens("strasse"))
    #expect(tokens("日本語") == tokens("日") + tokens("本") + tokens("語"))
    #expect(tokens("don’t") == tokens("don ’ t"))
  }

  @Test("Emoji with joiners, flags and right-to-left text are tokenised")
  func scripts() {
    let unknown = builtin.tokenizer.unknownToken
    #expect(tokens("👨‍👩‍👧‍👦 🇪🇺") == [unknown, unknown])
    #expect(tokens("\u{202E}שלום\u{202C} مرحبا").allSatisfy { $0 != unknown })
    #expect(tokens("\u{202E}שלום") == tokens("שלום"))
  }

  @Test("Batches of any size, in any order and at the same time give the same vectors")
  func determinism() async throws {
    let texts = try ReferenceVector.all().map(\.text).filter { builtin.embedding(of: $0) != nil }
    let expected = texts.map { builtin.embedding(of: $0) ?? [] }
    let many = Array((0..<20).map { _ in texts }.joined())
    try await withThrowingTaskGroup(of: [[Float]].self) { group in
      for _ in 0..<4 { group.addTask { try await builtin.embed(many) } }
      for try await vectors in group {
        #expect(vectors == Array((0..<20).map { _ in expected }.joined()))
      }
    }
    #expect(try await builtin.embed([String]()).isEmpty)
  }

  @Test("A cancelled task gets no vectors")
  func cancellation() async {
    let task = Task {
      withUnsafeCurrentTask { $0?.cancel() }
      return try await builtin.embed(Array(repeating: "food", count: 10_000))
    }
    await #expect(throws: EmbeddingError.cancelled) { try await task.value }
  }

  @Test("Near texts are nearer than others")
  func meaning() throws {
    func similarity(_ a: String, _ b: String) throws -> Float {
      let (a, b) = (try #require(builtin.embedding(of: a)), try #require(builtin.embedding(of: b)))
      return zip(a, b).reduce(0) { $0 + $1.0 * $1.1 }
    }
    let near = try similarity(
      "how do plants make food",
      "photosynthesis: synthesis in green plants"
    )
    #expect(near > (try similarity("how do plants make food", "a court of law hears an appeal")))
  }
}
