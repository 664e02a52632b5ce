import Foundation
import TestSupport
import Testing
import VDB

@testable import VDBIngest

/// The parser against Foundation's, and numbers against their own text.
struct JSONAgreementTests {
  /// Faults of lines that are JSON but no record, or that Foundation lets pass.
  private static let ownRules = [
    "twice", "an id ", "a text is", "metadata is", "holds an object", "nested deeper", "float32",
    "the vector is empty", "a date is", "expected '['", "expected '{' at the start of a record",
    "a digit, found '\"'", "a digit, found '['", "a digit, found '{'", "a digit, found 't'",
    "a digit, found 'f'", "a digit, found 'n'", "expected a string, found", "after a UUID",
  ]

  @Test func `mutated lines are accepted as Foundation accepts them`() throws {
    let seeds = [
      #"{"id": "n03463561", "text": "ground \"plan\": é \ud83d\ude00", "pos": "noun", "n": -12.5e1}"#,
      #"{"id":7,"vector":[0.25,-1,3.5e-1],"metadata":{"a":[1,2,["x",null]],"b":true},"z":{"q":0}}"#,
      #"{"id":"x\u00e9\n\t","l":["a","b c"],"r":9007199254740993,"f":false,"e":"","o":{}}"#,
    ].map { Array($0.utf8) }
    let alphabet =
      Array(#"{}[]",:\/ue0123456789.-+tfn "#.utf8) + [0x00, 0x09, 0x7F, 0xC3, 0xA9, 0xFF]
    let seed: UInt64 = 20_240_607
    var random = SeededGenerator(seed: seed)
    var accepted = 0
    for round in 0..<20_000 {
      var line = seeds[round % seeds.count]
      for _ in 0..<Int.random(in: 1...3, using: &random) {
        let index = Int.random(in: 0..<line.count, using: &random)
        let byte = alphabet.randomElement(using: &random) ?? 0
        switch Int.random(in: 0..<4, using: &random) {
        case 0: line[index] = byte
        case 1: line.insert(byte, at: index)
        case 2: line.remove(at: index)
        default: line.swapAt(index, Int.random(in: 0..<line.count, using: &random))
        }
      }
      let theirs = Self.foundationAccepts(line)
      do {
        _ = try parseLine(line)
        accepted += 1
        // Foundation refuses numbers that round to zero; they are no fault here.
        let isTiny = line.contains(0x65)
        #expect(
          theirs || isTiny,
          "seed \(seed), round \(round): \(String(decoding: line, as: UTF8.self))"
        )
      } catch let fault as JSONFault {
        let isOwnRule = Self.ownRules.contains { fault.reason.contains($0) }
        #expect(
          !theirs || isOwnRule,
          "seed \(seed), round \(round): \(fault) \(String(decoding: line, as: UTF8.self))"
        )
      }
    }
    #expect(accepted > 1000, "the mutations leave enough lines whole to compare")
  }

  private static func foundationAccepts(_ line: [UInt8]) -> Bool {
    do {
      _ = try JSONSerialization.jsonObject(with: Data(line))
      return true
    } catch {
      return false
    }
  }

  @Test func `printed floats read back bit for bit`() throws {
    var random = SeededGenerator(seed: 7)
    for _ in 0..<200_000 {
      let float = Float(bitPattern: UInt32(truncatingIfNeeded: random.next()))
      guard float.isFinite else { continue }
      var scanner = JSONScanner()
      let text = Array(float.description.utf8)
      let read = try scanner.float(text.span)
      #expect(read.bitPattern == float.bitPattern, "\(float)")
    }
  }

  @Test func `printed doubles read back bit for bit`() throws {
    var random = SeededGenerator(seed: 8)
    for _ in 0..<200_000 {
      let double = Double(bitPattern: random.next())
      guard double.isFinite else { continue }
      var scanner = JSONScanner()
      let text = Array(double.description.utf8)
      guard case .double(let read) = try scanner.number(text.span) else {
        Issue.record("\(double) read as an integer")
        continue
      }
      #expect(read.bitPattern == double.bitPattern, "\(double)")
    }
  }

  @Test func `decimals near the middle of two floats are rounded once`() throws {
    var random = SeededGenerator(seed: 9)
    for _ in 0..<20_000 {
      let low = Float(bitPattern: UInt32.random(in: 0x0100_0000..<0x7F00_0000, using: &random))
      let middle = (Double(low) + Double(low.nextUp)) / 2
      for text in ["\(middle)", "\(middle)1", "\(middle.nextDown)", "\(middle.nextUp)"]
      where !text.hasSuffix("1") || !text.contains("e") {
        var scanner = JSONScanner()
        let bytes = Array(text.utf8)
        #expect(try scanner.float(bytes.span) == Float(text), "\(text)")
      }
    }
  }

  @Test func `what the writer writes the parser reads`() throws {
    let metadata: Metadata = [
      "s": "quote \" slash \\ line\n\r\t bell \u{7} del \u{7F} é 😀", "i": .int(.min),
      "d": .double(5),
      "n": nil, "b": true, "a": [1, "x", [2.5]], "t": .date(Date(timeIntervalSince1970: 1.25)),
      "k.with.dots": 1, "id": "not the id", "": "empty key",
    ]
    for id in [RecordID.string("ü\u{0}"), 5, .uuid(UUID())] {
      var writer = JSONWriter()
      writer.object {
        $0.key("id")
        $0.id(id)
        $0.key("metadata")
        $0.metadata(metadata)
      }
      let (line, _) = try parseLine(writer.bytes)
      #expect(line.id == id)
      #expect(line.metadata == metadata)
    }
  }
}
