import TestSupport
import Testing
import VDB

@Suite struct `A store and a dictionary` {
  struct Case: CustomTestStringConvertible {
    let metric: Metric
    let element: ElementType
    let dimension: Int
    let seed: UInt64
    var testDescription: String { "\(metric) \(element) x \(dimension), seed \(seed)" }
    var options: CollectionOptions {
      CollectionOptions(
        dimension: dimension,
        metric: metric,
        element: element,
        index: IndexParameters(m: 8, efConstruction: 60),
        indexing: seed.isMultiple(of: 3) ? .manual : .background
      )
    }
  }

  static let cases = CollectionOptions.kinds.enumerated().flatMap { number, kind in
    [1, 3, 24, 100, 384].enumerated().map { place, dimension in
      Case(
        metric: kind.metric,
        element: kind.element,
        dimension: dimension,
        seed: UInt64(1 + number * 5 + place)
      )
    }
  }

  @Test(arguments: cases)
  func `agree after any sequence of operations`(_ example: Case) async throws {
    try await TemporaryFolder.with { folder in
      var run = try await ModelRun(path: folder + "/store", example.options, seed: example.seed)
      for _ in 0..<30 { try await run.step() }
      try await run.finish()
    }
  }
}
