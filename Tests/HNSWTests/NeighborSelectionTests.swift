import CVectorKernels
import TestSupport
import Testing

@testable import HNSW

/// The choice in pieces, beside the paper's algorithm 4 word by word.
@Suite struct NeighborSelectionTests {
  @Test(
    arguments: [VK_FORM_COSINE, VK_FORM_DOT, VK_FORM_L2].map { Int($0) },
    [1, 2, 3] as [UInt64]
  )
  func `Those are chosen that no nearer one chosen before is nearer to`(form: Int, seed: UInt64) {
    check(ClusteredCodes(count: 300, clusters: 12, form: form, seed: seed), seed: seed)
  }

  @Test(
    arguments: [VK_FORM_COSINE, VK_FORM_DOT, VK_FORM_L2].map { Int($0) },
    [1, 2, 3] as [UInt64]
  )
  func `The same holds of 4-bit codes`(form: Int, seed: UInt64) {
    let data = ClusteredCodes(
      count: 300,
      dimension: 260,
      clusters: 12,
      form: form,
      seed: seed,
      isNibbles: true
    )
    check(data, seed: seed)
  }

  private func check(_ data: ClusteredCodes, seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    let pairs = Pairs(data)
    let selection = NeighborSelection()
    // Fewer than a piece, whole pieces, and many; few and many places.
    for count in [1, 2, 31, 32, 33, 64, 65, 200] {
      for limit in [1, 2, 5, 16, 40] {
        let node = UInt32.random(in: 200..<300, using: &generator)
        let rows = (0..<UInt32(200)).shuffled(using: &generator).prefix(count)
          .sorted { (pairs.key(of: $0, for: node), $0) < (pairs.key(of: $1, for: node), $1) }
        let protected = Set(rows.filter { _ in Int.random(in: 0..<12, using: &generator) == 0 })
        let kept = Set(protected.sorted().prefix(limit))
        let expected = model(rows, limit: limit, protected: kept, node: node, pairs)
        let actual = pairs.choose(rows, limit: limit, protected: kept, node: node, selection)
        #expect(actual == expected, "seed \(seed), \(count) candidates, limit \(limit)")
      }
    }
  }

  /// Algorithm 4, where protected candidates have places of their own.
  private func model(
    _ candidates: [UInt32],
    limit: Int,
    protected: Set<UInt32>,
    node: UInt32,
    _ pairs: Pairs
  ) -> [UInt32] {
    var chosen: [UInt32] = []
    var waiting = protected.count
    for candidate in candidates {
      if protected.contains(candidate) {
        waiting -= 1
        chosen.append(candidate)
      } else if chosen.count + waiting < limit,
        chosen.allSatisfy({
          pairs.distance(from: $0, to: candidate) >= pairs.distance(from: node, to: candidate)
        })
      {
        chosen.append(candidate)
      }
    }
    return chosen
  }
}

/// Scores of rows for one another.
private final class Pairs {
  private let data: ClusteredCodes
  private let queries: QueryCodes
  private let rows: [UInt32]

  init(_ data: ClusteredCodes) {
    self.data = data
    rows = (0..<UInt32(data.count)).map { $0 }
    queries = QueryCodes(data, rows: rows)
  }

  func key(of row: UInt32, for node: UInt32) -> UInt32 {
    var (codes, query, row, key) = (data.codes, queries.queries[Int(node)], row, UInt32(0))
    vk_score_codes(&codes, &query, &row, 1, &key)
    return key
  }

  /// A key with what keys leave out, comparable between the queries of all rows.
  func distance(from node: UInt32, to row: UInt32) -> UInt32 {
    let (key, query) = (key(of: row, for: node), queries.queries[Int(node)])
    switch Int(vk_metric_form(data.codes.form)) {
    case Int(VK_FORM_DOT): return vk_ordered_key(vk_of_ordered_key(key) * query.scale)
    case Int(VK_FORM_L2): return vk_ordered_key(vk_of_ordered_key(key) + query.norm2)
    default: return key
    }
  }

  func choose(
    _ candidates: [UInt32],
    limit: Int,
    protected: Set<UInt32>,
    node: UInt32,
    _ selection: NeighborSelection
  ) -> [UInt32] {
    selection.reserve(candidates.count)
    for (slot, row) in candidates.enumerated() {
      let mark = protected.contains(row) ? NeighborSelection.protected : 0
      selection.nodes[slot] = row | mark
      selection.rows[slot] = row
      selection.keys[slot] = key(of: row, for: node)
    }
    let chosen = withUnsafePointer(to: data.codes) { codes in
      withUnsafePointer(to: queries.queries[Int(node)]) { query in
        selection.choose(
          candidates.count,
          limit: limit,
          protectedCount: protected.count,
          scorer: Scorer(codes: codes, query: query)
        )
      }
    }
    return (0..<chosen).map { selection.nodes[$0] & ~NeighborSelection.protected }
  }
}
