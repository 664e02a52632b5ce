import TestSupport
import Testing
import VDB

@testable import VDBIngest

/// Rows as RFC 4180 writes them.
struct TableTests {
  private func rows(_ text: String, separator: UInt8 = 0x2C) throws -> [[String]] {
    var parser = TableParser(separator: separator)
    var rows: [[String]] = []
    for byte in text.utf8 {
      if let row = try parser.take(byte) { rows.append(row) }
    }
    if let row = try parser.finish() { rows.append(row) }
    return rows
  }

  static let tables: [(String, [[String]])] = [
    ("", []), ("a", [["a"]]), ("a,b\nc,d\n", [["a", "b"], ["c", "d"]]),
    ("a,b\r\nc,d\r\n", [["a", "b"], ["c", "d"]]), ("a\rb\r", [["a"], ["b"]]),
    ("a,,\n", [["a", "", ""]]), (",\n", [["", ""]]), ("\n\na\n\n", [["a"]]),
    ("\"a,b\",\"c\nd\"\n", [["a,b", "c\nd"]]), ("\"a\"\"b\"\n", [["a\"b"]]), ("\"\"\n", [[""]]),
    ("\"\"\"\"", [["\""]]), ("a\"b,c\n", [["a\"b", "c"]]), (" a , b\n", [[" a ", " b"]]),
    ("\"a\r\nb\"\r\nc", [["a\r\nb"], ["c"]]), ("é,日本\n", [["é", "日本"]]),
    ("a\r\n\"b\"", [["a"], ["b"]]),
    ("a\r\"b,c\"", [["a"], ["b,c"]]), ("a,\"\"", [["a", ""]]),
  ]

  @Test(arguments: tables)
  func `rows are cut where they should be`(text: String, expected: [[String]]) throws {
    #expect(try rows(text) == expected)
  }

  @Test func `a quote that is not closed and text after one are refused with the line`() {
    let open = #expect(throws: TableParser.Fault.self) { try rows("a\nb,\"c\nd\n") }
    #expect(open?.line == 2)
    let after = #expect(throws: TableParser.Fault.self) { try rows("a\n\"b\"c\n") }
    #expect(after?.line == 2)
  }

  @Test func `columns are text, id and metadata`() throws {
    let bytes = Bytes("\u{FEFF}id,text,year,note\n1,first,1990,\n,\"se\ncond\",,x\n")
    try withFile("t.csv", bytes) { path in
      let source = try TableSource(path: path)
      let entries = try #require(try source.next(10))
      #expect(
        entries == [
          TextEntry(id: "1", text: "first", metadata: ["year": "1990"]),
          TextEntry(text: "se\ncond", metadata: ["note": "x"]),
        ]
      )
      #expect(try source.next(10) == nil)
      #expect(source.share == 1)
    }
  }

  static let refused: [(String, String)] = [
    ("", "the file is empty"), ("a,b\n", "no column 'text'"), ("text,text\n", "the same name"),
    ("id,text\n1\n", "line 2: the row has 1 cells, the first one 2"),
    ("text\n\"a\nb\n", "line 2: the row that begins here has a quote"),
  ]

  @Test(arguments: refused)
  func `a table that makes no sense is refused`(text: String, says: String) throws {
    try withFile("t.csv", Bytes(text)) { path in
      let error = #expect(throws: VectorFileError.self) {
        let source = try TableSource(path: path)
        while try source.next(10) != nil {}
      }
      #expect(error?.description.contains(says) == true, "\(error?.description ?? "")")
    }
  }
}
