import HNSW

/// The queries of a calibration: a sample of the rows, or what the application gave.
struct RecallSample: Sendable {
  /// A query, and the row that it is, which its own search does not see.
  struct Query: Sendable {
    let vector: [Float]
    let row: Row?
  }

  let queries: [Query]
  let source: RecallEstimate.Source

  /// The largest sample of stored rows: it tells 0.99 from 0.98.
  static let mostRows = 400
  /// The smallest, whatever it costs: fewer would promise nothing.
  static let fewestRows = 32
  /// Multiplications that the exact answers of a sample may take: about two seconds of one core.
  static let workLimit = 20_000_000_000

  /// Rows to sample from an index of `linked` rows.
  static func size(linked: Int, dimension: Int) -> Int {
    min(mostRows, max(fewestRows, workLimit / max(1, linked * dimension)))
  }

  /// Live rows below `linked` with the smallest hashes: the same whoever asks, and for the most part the
  /// same after the collection has grown a little.
  static func rows(
    of live: LiveRows,
    linked: Row,
    without left: Set<Row>,
    count: Int,
    seed: UInt64
  ) -> [Row] {
    var chosen: [(hash: UInt64, row: Row)] = []
    for row in 0..<linked where !live.isDeleted(row) && !left.contains(row) {
      var z = (UInt64(row) &+ seed) &* 0x9E37_79B9_7F4A_7C15
      z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
      z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
      z ^= z >> 31
      if chosen.count == count {
        guard let last = chosen.last, z < last.hash else { continue }
        chosen.removeLast()
      }
      let place = chosen.firstIndex { $0.hash > z } ?? chosen.count
      chosen.insert((z, row), at: place)
    }
    return chosen.map(\.row)
  }
}

extension RecallSample {
  /// A sample of the rows of a collection's index.
  ///
  /// Rows of the upper layers are left out: the way down would lead right to them, hidden or not. Which
  /// rows these are was drawn by lot, so the others stand for all.
  init(
    of collection: CollectionSnapshot,
    _ index: IndexVersion,
    in reading: SharedReadTransaction
  ) throws(VectorStoreError) {
    let options = collection.record.options
    let linked = min(index.linked, collection.rows)
    let rows = Self.rows(
      of: collection.live,
      linked: linked,
      without: Set(index.graph.layers.count > 1 ? index.graph.layers[1].rows : []),
      count: Self.size(linked: Int(linked), dimension: options.dimension),
      seed: options.index.seed
    )
    var queries: [Query] = []
    for row in rows {
      queries.append(Query(vector: try collection.readVector(row, in: reading), row: row))
    }
    self.init(queries: queries, source: .storedRows)
  }
}
