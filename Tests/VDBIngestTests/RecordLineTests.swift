import Foundation
import TestSupport
import Testing
import VDB

@testable import VDBIngest

/// Parses one line; its vector is beside what else it holds.
func parseLine(_ bytes: [UInt8]) throws -> (line: RecordParser.Line, vector: [Float]) {
  var parser = RecordParser()
  var vector: [Float] = []
  let line = try parser.parse(bytes.span, appendingVectorTo: &vector)
  return (line, vector)
}

/// What lines mean, and which are refused where.
struct RecordLineTests {
  @Test func `a record's keys have their meaning and others are metadata`() throws {
    let text =
      #" { "id" : "a\u00e9\n" , "vector":[1,-2.5,3e-1], "text":"t \ud83d\ude00 é", "metadata":{"x":1}, "#
      + #""y":[1,"a",null,[true,false]], "z":{"p":{"q":-0.5},"r":{}}, "at":{"$date":12.5}}\#t"#
    let (line, vector) = try parseLine(Array(text.utf8))
    #expect(line.id == .string("aé\n"))
    #expect(line.text == "t 😀 é")
    #expect(vector == [1, -2.5, 0.3])
    #expect(
      line.metadata == [
        "x": 1, "y": [1, "a", nil, [true, false]], "z.p.q": -0.5,
        "at": .date(Date(timeIntervalSince1970: 12.5)),
      ]
    )
  }

  @Test func `ids are strings, integers or marked UUIDs`() throws {
    let uuid = UUID()
    let cases: [(String, RecordID)] = [
      (#""7""#, "7"), ("7", 7), ("-9223372036854775808", .integer(.min)),
      ("9223372036854775807", .integer(.max)), (#"{"$uuid":"\#(uuid)"}"#, .uuid(uuid)),
    ]
    for (text, id) in cases {
      #expect(try parseLine(Array(#"{"id":\#(text)}"#.utf8)).line.id == id)
    }
  }

  @Test func `numbers are exact integers or doubles`() throws {
    let cases: [(String, MetadataValue)] = [
      ("0", .int(0)), ("-0", .int(0)), ("-0.0", .double(-0.0)), ("1e2", .double(100)),
      ("9007199254740993", .int(9_007_199_254_740_993)), ("1.0", .double(1)),
      ("9223372036854775808", .double(9.223372036854775808e18)),
      ("-9223372036854775808", .int(.min)), ("0.1", .double(0.1)), ("1e-400", .double(0)),
      ("123456789012345678901234567890", .double(1.2345678901234568e29)),
      ("2.2250738585072011e-308", .double(Double(bitPattern: 0x000F_FFFF_FFFF_FFFF))),
      ("9007199254740993.0", .double(9007199254740992)),
      ("0.000000000000000000001", .double(1e-21)),
      ("100000000000000000000e-20", .double(1)),
    ]
    for (text, value) in cases {
      #expect(try parseLine(Array(#"{"a":\#(text)}"#.utf8)).line.metadata["a"] == value, "\(text)")
    }
  }

  static let refused: [(String, Int, String)] = [
    ("", 0, "found the end"), ("[]", 0, "expected '{'"), ("{", 1, "expected a string"),
    (#"{"id"}"#, 5, "expected ':'"), (#"{"id":}"#, 6, "an id is"), (#"{"id":null}"#, 6, "an id is"),
    (#"{"id":""}"#, 6, "1 to 480 bytes"), (#"{"id":1.5}"#, 6, "64-bit integer"),
    (#"{"id":9223372036854775808}"#, 6, "64-bit integer"), (#"{"id":true}"#, 6, "an id is"),
    (#"{"id":{"a":1}}"#, 6, "an id that is an object"), (#"{"id":"a","id":"b"}"#, 10, "twice"),
    (#"{"text":1}"#, 8, "a text is"), (#"{"vector":[]}"#, 11, "empty"),
    (#"{"vector":null}"#, 10, "expected '['"), (#"{"vector":[1,]}"#, 13, "expected a digit"),
    (#"{"vector":[NaN]}"#, 11, "expected a digit"), (#"{"vector":[Infinity]}"#, 11, "digit"),
    (#"{"vector":[-Infinity]}"#, 12, "digit"), (#"{"vector":[1e39]}"#, 11, "float32"),
    (#"{"vector":["1"]}"#, 11, "digit"), (#"{"vector":[1 2]}"#, 13, "expected ']'"),
    (#"{"vector":[1e400]}"#, 11, "too large"), (#"{"metadata":[]}"#, 12, "metadata is"),
    (#"{"metadata":{"a":1},"a":2}"#, 20, "twice"), (#"{"a":1,"a":1}"#, 7, "twice"),
    (#"{"a":{"b":1,"b":2}}"#, 12, "twice"), (#"{"a":{},"a":{}}"#, 8, "twice"),
    (#"{"a":{},"a":1}"#, 8, "twice"), (#"{"a":1,"a":{}}"#, 7, "twice"),
    (#"{"a.b":1,"a":{"b":1}}"#, 14, "twice"), (#"{"a":[{}]}"#, 6, "holds an object"),
    (#"{"a":[{"$date":1}"#, 17, "expected ']'"), (#"{"a":{"$date":"x"}}"#, 14, "digit"),
    (#"{"a":01}"#, 6, "superfluous 0"), (#"{"a":1.}"#, 7, "digit"), (#"{"a":.5}"#, 5, "a value"),
    (#"{"a":+1}"#, 5, "a value"), (#"{"a":1e}"#, 7, "digit"), (#"{"a":-}"#, 6, "digit"),
    (#"{"a":1e400}"#, 5, "too large"), (#"{"a":nul}"#, 5, "a value"), (#"{"a":tru"#, 5, "cut-off"),
    (#"{"a":True}"#, 5, "a value"), (#"{"a":'b'}"#, 5, "a value"), (#"{a:1}"#, 1, "a string"),
    (#"{"a":"b}"#, 5, "does not end"), (#"{"a":"\x"}"#, 6, "no such escape"),
    (#"{"a":"\u12G4"}"#, 10, "hexadecimal"), (#"{"a":"\ud800"}"#, 6, "surrogate"),
    (#"{"a":"\udc00"}"#, 6, "surrogate"), (#"{"a":"\ud800\u0041"}"#, 6, "surrogate"),
    (#"{"a":"\ud800\ud800"}"#, 6, "surrogate"), ("{\"a\":\"\u{1}\"}", 6, "control character"),
    ("{\"a\":\"\t\"}", 6, "control character"), ("{\"a\":\"\u{0}\"}", 6, "control character"),
    (#"{"a":1,}"#, 7, "a string"), (#"{"a":1} x"#, 8, "goes on"), (#"{"a":1}{}"#, 7, "goes on"),
    (#"{"a":1 "b":2}"#, 7, "expected '}'"), (#"{,}"#, 1, "a string"), ("{}\u{0}", 2, "goes on"),
    (#"{"a":/*c*/1}"#, 5, "a value"), ("{\u{A0}}", 1, "a string"),
  ]

  @Test(arguments: refused)
  func `is refused at its byte`(text: String, offset: Int, says: String) {
    let fault = #expect(throws: JSONFault.self) { try parseLine(Array(text.utf8)) }
    #expect(fault?.offset == offset)
    #expect(fault?.reason.contains(says) == true, "\(fault?.reason ?? "")")
  }

  @Test(arguments: [[0xFF], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xC3]])
  func `text that is not UTF-8 is refused`(bytes: [UInt8]) {
    for escape in ["", "\\n"] {
      let line = Array(#"{"text":"ok \#(escape)"#.utf8) + bytes + Array(#""}"#.utf8)
      #expect(throws: JSONFault.self) { try parseLine(line) }
    }
  }

  @Test func `nesting is limited and never overflows the stack`() throws {
    func nested(_ levels: Int, _ opening: String, _ closing: String) -> [UInt8] {
      let inner = String(repeating: opening, count: levels)
      return Array((#"{"a":"# + inner + "1" + String(repeating: closing, count: levels) + "}").utf8)
    }
    _ = try parseLine(nested(VDBLimits.metadataDepth - 1, "[", "]"))
    _ = try parseLine(nested(VDBLimits.metadataDepth - 1, #"{"b":"#, "}"))
    for levels in [VDBLimits.metadataDepth + 1, 1_000_000] {
      #expect(throws: JSONFault.self) { try parseLine(nested(levels, "[", "]")) }
      #expect(throws: JSONFault.self) { try parseLine(nested(levels, #"{"b":"#, "}")) }
    }
  }
}
