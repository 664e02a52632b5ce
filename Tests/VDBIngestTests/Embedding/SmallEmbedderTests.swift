import Testing

@testable import VDBIngest

@Suite("Hashing, normalising and the protocol")
struct SmallEmbedderTests {
  private func length(_ vector: [Float]) -> Double {
    vector.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
  }

  @Test(
    "Hashed texts have unit length, and the numbers they always had",
    arguments: [1, 2, 8, 256]
  )
  func hashing(dimension: Int) async throws {
    let embedder = HashingEmbedder(dimension: dimension)
    #expect(embedder.modelIdentity == "hash-\(dimension)")
    let texts = [
      "one", "two words", "x", "Ünïcödé", "🙂", "שלום", String(repeating: "ab ", count: 5_000),
    ]
    let vectors = try await embedder.embed(texts)
    for vector in vectors {
      #expect(vector.count == dimension)
      #expect(abs(length(vector) - 1) < 1e-6)
    }
    #expect(try await embedder.embed(texts.reversed()) == vectors.reversed())
  }

  /// The numbers were computed by another program from the description alone.
  @Test("The hash never changes")
  func golden() async throws {
    let vector = try await HashingEmbedder(dimension: 4).embed("plants make food")
    #expect(vector == [0.5883484, 0.19611613, 0, 0.78446454])
  }

  @Test("Texts that share words are near, in any order and case")
  func nearness() async throws {
    let texts = [
      "Green plants make food", "food make plants, green!", "plants make sugar", "court of law",
    ]
    let vectors = try await HashingEmbedder(dimension: 512).embed(texts)
    let near = vectors.map { zip(vectors[0], $0).reduce(0) { $0 + $1.0 * $1.1 } }
    #expect(near[1] > 0.999)
    #expect(near[2] > near[3] + 0.2)
  }

  @Test("Texts without a word have no hash", arguments: ["", "  \n", "!?…", "\u{0}"])
  func nothing(_ text: String) async {
    await #expect(throws: EmbeddingError.noEmbedding(indices: [1])) {
      try await HashingEmbedder(dimension: 8).embed(["a", text])
    }
  }

  @Test("Normalising scales to unit length, from the smallest to the largest numbers")
  func normalizing() async throws {
    let numbers: [String: [Float]] = [
      "plain": [3, 4], "small": [.leastNonzeroMagnitude, 0], "large": [3e38, 3e38], "zero": [0, 0],
      "nan": [.nan, 1],
    ]
    let base = ScriptedEmbedder(dimension: 2) { (texts) in texts.map { numbers[$0] ?? [] } }
    let embedder = NormalizingEmbedder(base)
    #expect(embedder.modelIdentity == "scripted+unit")
    #expect(try await embedder.embed("plain") == [0.6, 0.8])
    for text in ["small", "large"] {
      #expect(abs(length(try await embedder.embed(text)) - 1) < 1e-6)
    }
    await #expect(throws: EmbeddingError.noEmbedding(indices: [0, 2])) {
      try await embedder.embed(["zero", "plain", "zero"])
    }
    await #expect(throws: EmbeddingError.notFinite(index: 1, component: 0)) {
      try await embedder.embed(["plain", "nan"])
    }
  }

  @Test("Long lists are split by the limit, and errors name the caller's texts")
  func splitting() async throws {
    let base = ScriptedEmbedder(batchLimit: 3) { (texts) throws(EmbeddingError) in
      if let index = texts.firstIndex(of: "bad") { throw .notFinite(index: index, component: 0) }
      return try await ScriptedEmbedder.lengths(texts)
    }
    #expect(
      try await base.embedWherePossible(["a", "", "b", "", "c"]) == [[1], nil, [1], nil, [1]]
    )
    #expect(base.calls == [["a", "", "b"], ["a", "b"], ["", "c"], ["c"]])
    await #expect(throws: EmbeddingError.notFinite(index: 4, component: 0)) {
      try await base.embedWherePossible(["a", "b", "c", "", "bad"])
    }
  }

  @Test("An embedder that names texts it was not given is asked once")
  func nonsense() async {
    let base = ScriptedEmbedder { (_) throws(EmbeddingError) in throw .noEmbedding(indices: [99]) }
    await #expect(throws: EmbeddingError.noEmbedding(indices: [99])) {
      try await base.embedWherePossible(["a", "b"])
    }
    #expect(base.calls.count == 1)
  }

  @Test("Finite numbers whose sum overflows are accepted")
  func largeNumbers() throws {
    try EmbeddingError.check([[3e38, 3e38]], texts: 1, dimension: 2)
  }

  @Test("Errors say what happened and what to do")
  func descriptions() {
    let many = EmbeddingError.noEmbedding(indices: [1, 2, 3, 4, 5, 6, 7])
    #expect("\(many)".hasPrefix("Texts 1, 2, 3, 4, 5 and 2 more have no embedding"))
    let busy = EmbeddingError.service(status: 429, message: "slow down", retryAfter: .seconds(3))
    #expect(
      "\(busy)" == "The service answered 429: slow down. It asks to wait 3.0 seconds. "
        + "Try again later, with fewer calls at once."
    )
    #expect(busy.isTransient && !busy.wantsSmallerBatch)
    let large = EmbeddingError.service(status: 413, message: "large", retryAfter: nil)
    #expect(!large.isTransient && large.wantsSmallerBatch)
    #expect(!EmbeddingError.cancelled.isTransient)
    #expect(!EmbeddingError.service(status: 401, message: "", retryAfter: nil).isTransient)
  }
}
