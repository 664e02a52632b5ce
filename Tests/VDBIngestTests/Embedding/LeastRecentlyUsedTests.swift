import TestSupport
import Testing

@testable import VDBIngest

@Suite("Least recently used")
struct LeastRecentlyUsedTests {
  /// The same in the plainest way: a list, the least recent first.
  private struct Model {
    let entryLimit: Int
    let byteLimit: Int
    var entries: [(text: String, vector: [Float])] = []

    var bytes: Int { entries.reduce(0) { $0 + $1.text.utf8.count + 4 * $1.vector.count + 128 } }

    mutating func value(of text: String) -> [Float]? {
      guard let index = entries.firstIndex(where: { $0.text == text }) else { return nil }
      let entry = entries.remove(at: index)
      entries.append(entry)
      return entry.vector
    }

    mutating func insert(_ vector: [Float], for text: String) {
      entries.removeAll { $0.text == text }
      guard entryLimit > 0, text.utf8.count + 4 * vector.count + 128 <= byteLimit else { return }
      entries.append((text, vector))
      while entries.count > entryLimit || bytes > byteLimit { entries.removeFirst() }
    }
  }

  @Test("Random use agrees with a list", arguments: [UInt64(1), 2, 3, 4, 5, 6, 7, 8])
  func agreement(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let entryLimit = Int.random(in: 0...12, using: &random)
    let byteLimit = Int.random(in: 0...3_000, using: &random)
    var cache = LeastRecentlyUsed(entryLimit: entryLimit, byteLimit: byteLimit)
    var model = Model(entryLimit: entryLimit, byteLimit: byteLimit)
    for step in 0..<4_000 {
      let text = "text \(Int.random(in: 0..<20, using: &random))"
      if Bool.random(using: &random) {
        #expect(cache.value(of: text) == model.value(of: text), "seed \(seed), step \(step)")
      } else {
        let count = Int.random(in: 0...80, using: &random)
        let vector = [Float](repeating: Float(step), count: count)
        cache.insert(vector, for: text)
        model.insert(vector, for: text)
      }
      #expect(cache.texts == model.entries.map(\.text), "seed \(seed), step \(step)")
      #expect(cache.bytes == model.bytes && cache.count == model.entries.count)
    }
  }

  @Test("An entry larger than the limit pushes nothing out")
  func tooLarge() {
    var cache = LeastRecentlyUsed(entryLimit: 10, byteLimit: 300)
    cache.insert([1], for: "small")
    cache.insert([Float](repeating: 0, count: 100), for: "large")
    #expect(cache.texts == ["small"])
    #expect(cache.bytes == 5 + 4 + 128)
  }

  @Test("Limits that no number reaches overflow nowhere")
  func hugeLimits() {
    var cache = LeastRecentlyUsed(entryLimit: .max, byteLimit: .max)
    cache.insert([1], for: "a")
    #expect(cache.value(of: "a") == [1])
  }
}
