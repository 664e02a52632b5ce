/// A stable sort of few thousand words by part of their bits, in time linear in their number.
enum RadixSort {
  private static let digitBits = 11

  /// Sorts by the upper 32 bits, all of them below `limit`; words that agree there stay in their order.
  static func byUpperHalf(_ words: inout [UInt64], below limit: UInt32) {
    var other = words
    var shift = 32
    let end = 32 + (UInt32.bitWidth - limit.leadingZeroBitCount)
    while shift < end {
      var starts = [Int](repeating: 0, count: 1 << digitBits)
      for word in words { starts[digit(of: word, at: shift)] += 1 }
      var sum = 0
      for index in starts.indices {
        let count = starts[index]
        starts[index] = sum
        sum += count
      }
      for word in words {
        let digit = digit(of: word, at: shift)
        other[starts[digit]] = word
        starts[digit] += 1
      }
      swap(&words, &other)
      shift += digitBits
    }
  }

  private static func digit(of word: UInt64, at shift: Int) -> Int {
    Int(truncatingIfNeeded: word >> UInt64(shift)) & (1 << digitBits - 1)
  }
}
