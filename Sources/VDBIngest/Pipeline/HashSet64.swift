/// A set of 64-bit hashes that takes 10 to 12 bytes an element, however many there are.
///
/// The hashes are spread over parts that grow one at a time, so growing never needs room for the whole
/// set twice. Within a part: open addressing with linear probing, at most 85 % full; a part's place for
/// a hash follows from the hash by a multiplication, so its size may be any number.
struct HashSet64 {
  fileprivate struct Part {
    /// 0 is an empty slot; the hash 0 is kept as 1, as good a hash as any.
    var slots: [UInt64] = []
    var count = 0
  }

  private static let partCount = 256
  private var parts = [Part](repeating: Part(), count: HashSet64.partCount)

  /// Elements.
  var count: Int { parts.reduce(0) { $0 + $1.count } }
  /// Bytes that the elements take now.
  var byteCount: Int { parts.reduce(0) { $0 + $1.slots.count * 8 } }

  /// Whether the hash was not there yet.
  mutating func insert(_ hash: UInt64) -> Bool {
    let value = max(hash, 1)
    return parts[Int(value & 0xFF)].insert(value)
  }
}

extension HashSet64.Part {
  fileprivate mutating func insert(_ value: UInt64) -> Bool {
    if (count + 1) * 20 > slots.count * 17 { grow() }
    var index = place(value)
    while slots[index] != 0 {
      if slots[index] == value { return false }
      index = index + 1 == slots.count ? 0 : index + 1
    }
    slots[index] = value
    count += 1
    return true
  }

  private mutating func grow() {
    let old = slots
    let size = max(8, slots.count + slots.count / 4)
    slots = [UInt64](repeating: 0, count: size)
    for value in old where value != 0 {
      var index = place(value)
      while slots[index] != 0 { index = index + 1 == size ? 0 : index + 1 }
      slots[index] = value
    }
  }

  /// Where the search for a value begins; the low bits have chosen the part, the high ones decide here.
  private func place(_ value: UInt64) -> Int {
    Int(value.multipliedFullWidth(by: UInt64(slots.count)).high)
  }
}
