internal import VDB
internal import Foundation

/// A 128-bit hash of a text's bytes: MurmurHash3 x64 128 (Austin Appleby, public domain).
///
/// It tells equal texts and names records that came without an id; it is the same in every run and on
/// every machine. It is no protection against someone who makes two texts collide on purpose; texts
/// from such sources should come with ids.
struct ContentHash: Hashable, Sendable {
  let low: UInt64
  let high: UInt64

  /// Of `text`; another `seed` gives another hash.
  init(_ text: String, seed: UInt64 = 0) {
    var text = text
    self = text.withUTF8 { unsafe ContentHash(UnsafeRawBufferPointer($0), seed: seed) }
  }

  init(_ bytes: UnsafeRawBufferPointer, seed: UInt64) {
    let (c1, c2): (UInt64, UInt64) = (0x87C3_7B91_1142_53D5, 0x4CF5_AD43_2745_937F)
    var (h1, h2) = (seed, seed)
    let blocks = bytes.count / 16
    for block in 0..<blocks {
      let k1 = unsafe UInt64(
        littleEndian: bytes.loadUnaligned(fromByteOffset: block &* 16, as: UInt64.self)
      )
      let k2 = unsafe UInt64(
        littleEndian: bytes.loadUnaligned(fromByteOffset: block &* 16 &+ 8, as: UInt64.self)
      )
      h1 = Self.rotated(h1 ^ (Self.rotated(k1 &* c1, 31) &* c2), 27) &+ h2
      h1 = h1 &* 5 &+ 0x52DC_E729
      h2 = Self.rotated(h2 ^ (Self.rotated(k2 &* c2, 33) &* c1), 31) &+ h1
      h2 = h2 &* 5 &+ 0x3849_5AB5
    }
    var (k1, k2): (UInt64, UInt64) = (0, 0)
    for index in blocks * 16..<bytes.count {
      let byte = unsafe UInt64(bytes[index])
      let place = index % 16
      if place < 8 {
        k1 |= byte << (8 * UInt64(place))
      } else {
        k2 |= byte << (8 * UInt64(place - 8))
      }
    }
    h1 ^= Self.rotated(k1 &* c1, 31) &* c2
    h2 ^= Self.rotated(k2 &* c2, 33) &* c1
    h1 ^= UInt64(bytes.count)
    h2 ^= UInt64(bytes.count)
    h1 = h1 &+ h2
    h2 = h2 &+ h1
    h1 = Self.mixed(h1)
    h2 = Self.mixed(h2)
    low = h1 &+ h2
    high = h2 &+ low
  }

  /// The id of a record that has none: a UUID of version 8, whose bits may be anything.
  var id: RecordID {
    var bytes = [UInt8]()
    for word in [low, high] {
      for shift in 0..<8 { bytes.append(UInt8(truncatingIfNeeded: word >> (56 - 8 * shift))) }
    }
    bytes[6] = bytes[6] & 0x0F | 0x80
    bytes[8] = bytes[8] & 0x3F | 0x80
    let b = bytes
    return .uuid(
      UUID(
        uuid: (
          b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7],
          b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]
        )
      )
    )
  }

  @inline(__always)
  private static func rotated(_ value: UInt64, _ bits: UInt64) -> UInt64 {
    value &<< bits | value &>> (64 &- bits)
  }

  private static func mixed(_ value: UInt64) -> UInt64 {
    var value = value
    value = (value ^ value >> 33) &* 0xFF51_AFD7_ED55_8CCD
    value = (value ^ value >> 33) &* 0xC4CE_B9FE_1A85_EC53
    return value ^ value >> 33
  }
}
