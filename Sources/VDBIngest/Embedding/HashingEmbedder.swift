/// A stand-in for a model: hashes words and groups of three letters into a vector.
///
/// Texts that share words or spelling come out near each other, nothing more is known. It needs no
/// network and no files and gives the same numbers on every machine, which is what tests and trials of
/// a pipeline need.
///
/// Source: Weinberger et al. 2009, Feature Hashing for Large Scale Multitask Learning (signed hashing).
public struct HashingEmbedder: Embedder {
  /// Numbers per vector.
  public let dimension: Int
  /// `hash-` and the dimension.
  public var modelIdentity: String { "hash-\(dimension)" }
  /// One call may carry any number; this keeps its result to a few megabytes.
  public var batchLimit: Int { 4_096 }

  /// Weight of a group of letters, a word having 1.
  private static let groupWeight: Float = 0.5

  /// - Parameter dimension: numbers per vector, at least 1.
  public init(dimension: Int) {
    precondition(dimension >= 1, "a vector has at least one number, not \(dimension)")
    self.dimension = dimension
  }

  /// The vectors of texts, which need at least one letter, digit or symbol.
  public func embed(_ texts: [String]) async throws(EmbeddingError) -> [[Float]] {
    if Task.isCancelled { throw .cancelled }
    let vectors = texts.map(vector)
    let missing = vectors.indices.filter { vectors[$0].isEmpty }
    if !missing.isEmpty { throw .noEmbedding(indices: missing) }
    return vectors
  }

  private func vector(of text: String) -> [Float] {
    var vector = [Float](repeating: 0, count: dimension)
    var last: UInt64?
    for word in text.unicodeScalars.split(whereSeparator: Self.isSeparator) {
      // Lower case of each character alone, so that no neighbour and no locale matters.
      let letters = word.flatMap { $0.properties.lowercaseMapping.unicodeScalars.map(\.value) }
      last = add(letters[...], 1, to: &vector)
      let framed = [0x5E] + letters + [0x24]
      for start in 0..<framed.count - 2 {
        _ = add(framed[start..<start + 3], Self.groupWeight, to: &vector)
      }
    }
    guard let last else { return [] }
    let squares = vector.reduce(0.0) { $0 + Double($1) * Double($1) }
    guard squares > 0 else {
      // All features have cancelled each other out; a text with words still has a direction.
      vector[Int(last % UInt64(dimension))] = 1
      return vector
    }
    let scale = 1 / squares.squareRoot()
    return vector.map { Float(Double($0) * scale) }
  }

  /// Adds a feature and returns its hash.
  private func add(
    _ letters: ArraySlice<UInt32>,
    _ weight: Float,
    to vector: inout [Float]
  ) -> UInt64 {
    // FNV-1a over the characters, and SplitMix64's last steps to spread the bits.
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for letter in letters { hash = (hash ^ UInt64(letter)) &* 0x100_0000_01B3 }
    hash = (hash ^ (hash >> 30)) &* 0xBF58_476D_1CE4_E5B9
    hash = (hash ^ (hash >> 27)) &* 0x94D0_49BB_1331_11EB
    hash ^= hash >> 31
    vector[Int((hash >> 1) % UInt64(dimension))] += hash & 1 == 0 ? weight : -weight
    return hash
  }

  private static func isSeparator(_ scalar: Unicode.Scalar) -> Bool {
    if scalar.properties.isWhitespace { return true }
    switch scalar.properties.generalCategory {
    case .control, .connectorPunctuation, .dashPunctuation, .openPunctuation, .closePunctuation,
      .initialPunctuation, .finalPunctuation, .otherPunctuation:
      return true
    default: return false
    }
  }
}
