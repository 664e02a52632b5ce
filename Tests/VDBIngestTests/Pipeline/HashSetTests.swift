import TestSupport
import Testing

@testable import VDBIngest

/// The set of hashes behind duplicate detection.
struct HashSetTests {
  @Test func `it holds what a set of the standard library holds`() {
    var random = SeededGenerator(seed: 5)
    var (own, reference) = (HashSet64(), Set<UInt64>())
    for _ in 0..<200_000 {
      // A small range, so that many come twice, spread over all bits.
      let hash = UInt64.random(in: 1...120_000, using: &random) &* 0x9E37_79B9_7F4A_7C15
      let isNew = own.insert(hash)
      #expect(isNew == reference.insert(hash).inserted)
    }
    #expect(own.count == reference.count)
  }

  @Test func `values that crowd one part are all kept`() {
    var own = HashSet64()
    for number in 0..<5_000 as Range<UInt64> {
      let (crowded, alike) = (number << 8, UInt64.max - number)
      let areNew = own.insert(max(crowded, 1)) && own.insert(alike)
      #expect(areNew)
    }
    for number in 0..<5_000 as Range<UInt64> {
      let areNew = own.insert(max(number << 8, 1)) || own.insert(UInt64.max - number)
      #expect(!areNew)
    }
    let isZeroNew = own.insert(0)
    #expect(!isZeroNew, "0 is kept as 1")
  }

  @Test func `it takes at most twelve bytes a hash`() {
    var random = SeededGenerator(seed: 9)
    var own = HashSet64()
    for number in 1...1_000_000 {
      _ = own.insert(UInt64.random(in: .min ... .max, using: &random))
      if number.isMultiple(of: 50_000) { #expect(own.byteCount <= 12 * own.count + 16_384) }
    }
  }
}
