import TestSupport
import VDB

/// What the documentation says of vectors and distances, in double precision and without any cleverness.
struct Reference {
  let options: CollectionOptions

  /// The vector as the collection keeps it.
  func stored(_ vector: [Float]) -> [Float] {
    switch (options.element, options.metric) {
    case (.float32, _): return vector
    case (.float16, _): return vector.map { Float(Float16($0)) }
    case (.int8, .cosine):
      let scale = 127 / (vector.map(abs).max() ?? 1)
      return vector.map { ($0 * scale).rounded(.toNearestOrEven) }
    case (.int8, _): return vector
    }
  }

  /// The distance from a query to a vector as kept, and how far rounding may take the library from it.
  func distance(_ query: [Float], _ kept: [Float]) -> (value: Double, tolerance: Double) {
    var (dot, absolute, queryLength, keptLength, squares) = (0.0, 0.0, 0.0, 0.0, 0.0)
    for (q, k) in zip(query, kept) {
      let (q, k) = (Double(q), Double(k))
      dot += q * k
      absolute += abs(q * k)
      queryLength += q * q
      keptLength += k * k
      squares += (q - k) * (q - k)
    }
    switch options.metric {
    case .cosine: return (1 - dot / (queryLength * keptLength).squareRoot(), 1e-5)
    case .dot: return (-dot, 1e-5 * absolute + 1e-6)
    case .l2: return (squares.squareRoot(), 1e-5 * squares.squareRoot() + 1e-6)
    }
  }

  /// The score that belongs to a distance.
  func score(_ distance: Double) -> Double {
    options.metric == .cosine ? 1 - distance : -distance
  }

  /// A vector that the collection takes.
  func vector(_ random: inout SeededGenerator) -> [Float] {
    guard options.element == .int8, options.metric != .cosine else {
      return (0..<options.dimension).map { _ in
        let value = Float.random(in: -1...1, using: &random)
        return abs(value) < 0.001 ? 0.5 : value
      }
    }
    return (0..<options.dimension).map { _ in Float(Int.random(in: -128...127, using: &random)) }
  }
}

extension CollectionOptions {
  /// Every metric with every element type.
  static let kinds: [(metric: Metric, element: ElementType)] = Metric.allCases.flatMap { metric in
    ElementType.allCases.map { (metric, $0) }
  }
}
