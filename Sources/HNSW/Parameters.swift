/// What decides the shape of a graph, beside the rows themselves.
///
/// Two graphs over the same codes with equal parameters are equal bit for bit, whatever the number of
/// workers and calls that built them. The names are those of the paper (Malkov & Yashunin, section 4).
package struct Parameters: Sendable, Hashable {
  /// The values that `m` may have.
  package static let mRange = 2...64
  /// The values that `efConstruction` may have.
  package static let efConstructionRange = 1...4096
  /// The values that `blockBytes` may have.
  package static let blockBytesRange = 4096...(1 << 24)

  /// Links that a new node chooses; a list holds 2 * m in layer 0 and m above.
  package let m: Int
  /// The width of the search for a new node's neighbours.
  package let efConstruction: Int
  /// Seeds the hash that gives each row its level.
  package let seed: UInt64
  /// A block of lists is the greatest power of two of records within this size.
  package let blockBytes: Int

  /// Makes parameters of values within the ranges above; anything else is a programmer's mistake.
  package init(
    m: Int = 16,
    efConstruction: Int = 96,
    seed: UInt64 = 0,
    blockBytes: Int = 256 << 10
  ) {
    precondition(Self.mRange.contains(m), "m \(m) is not in \(Self.mRange)")
    precondition(
      Self.efConstructionRange.contains(efConstruction),
      "efConstruction \(efConstruction) is not in \(Self.efConstructionRange)"
    )
    precondition(
      Self.blockBytesRange.contains(blockBytes),
      "blockBytes \(blockBytes) is not in \(Self.blockBytesRange)"
    )
    self.m = m
    self.efConstruction = efConstruction
    self.seed = seed
    self.blockBytes = blockBytes
  }

  /// Candidates that a new node's neighbours are chosen from: those it was searched for with, and as many
  /// beside them that were scored on the way; farther ones lead out of tight clusters.
  var candidateCount: Int { 2 * efConstruction }

  /// Children in the layer's tree that a node takes before it sends further ones elsewhere.
  var childLimit: Int { max(1, m / 2) }

  /// The top layer that a row is in: each level is kept by one row in sixteen.
  ///
  /// A hash of the row in place of the paper's random draw, so that a replay gives the same levels.
  package func level(of row: UInt32) -> Int {
    var z = seed &+ (UInt64(row) &+ 1) &* 0x9E37_79B9_7F4A_7C15
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    z ^= z >> 31
    return min(z.trailingZeroBitCount / 4, Graph.layerLimit - 1)
  }
}
