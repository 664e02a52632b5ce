import TestSupport
import Testing

@testable import HNSW

@Suite struct `Sorting by the upper half` {
  @Test(arguments: [UInt64](1...4))
  func `is what a stable comparing sort gives`(_ seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    for count in [0, 1, 2, 100, 5_000] {
      for limit in [1, 2, 2_047, 2_048, 70_000, UInt32.max] as [UInt32] {
        var words = (0..<count).map { position in
          UInt64(UInt32.random(in: 0..<limit, using: &random)) << 32 | UInt64(position)
        }
        let expected = words.sorted()
        RadixSort.byUpperHalf(&words, below: limit)
        #expect(words == expected, "\(count) words below \(limit), seed \(seed)")
      }
    }
  }
}
