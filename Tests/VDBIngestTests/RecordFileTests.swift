import Foundation
import TestSupport
import Testing
import VDB

@testable import VDBIngest

/// Files of lines, and lines joined with rows of numbers.
struct RecordFileTests {
  private func pages(_ bytes: Bytes, _ size: Int = 2) throws -> [RecordFileReader.Page] {
    try withFile("r.jsonl", bytes) { path in
      let reader = try RecordFileReader(path: path)
      var pages: [RecordFileReader.Page] = []
      while let page = try reader.next(size) { pages.append(page) }
      return pages
    }
  }

  private func fault(_ text: String) throws -> VectorFileError {
    try #require(#expect(throws: VectorFileError.self) { try pages(Bytes(text)) })
  }

  @Test func `byte order mark, carriage returns, blank lines and a missing last newline pass`()
    throws
  {
    let pages = try pages(Bytes("\u{FEFF}{\"id\":\"a\"}\r\n\r\n \t\n{\"id\":5}\n{\"text\":\"t\"}"))
    #expect(pages.map(\.ids) == [["a", 5], [2]])
    #expect(pages.map(\.firstLine) == [1, 5])
    #expect(pages.last?.documents == ["t"])
  }

  @Test func `a fault has the line of the file and the column in bytes`() throws {
    let error = try fault("{}\n\n{\"é\":x}\n")
    #expect(error.place == .line(3, column: 7))
    #expect(try fault("\u{FEFF}x").place == .line(1, column: 4))
    #expect(
      error.description.hasSuffix(
        "line 3, column 7: expected a value, found 'x'. Correct the line."
      )
    )
  }

  @Test func `vectors of all lines have one dimension`() throws {
    let pages = try pages(Bytes("{\"vector\":[1,2]}\n{\"vector\":[3,4]}\n{\"vector\":[5,6]}\n"))
    #expect(pages.map(\.vectors) == [[1, 2, 3, 4], [5, 6]])
    #expect(try fault("{\"vector\":[1,2]}\n{\"vector\":[1]}").reason.contains("1 numbers"))
    #expect(try fault("{\"vector\":[1,2]}\n{}").reason.contains("no vector"))
    #expect(try fault("{}\n{\"vector\":[1,2]}").reason.contains("has a vector"))
  }

  @Test func `lines longer than the read buffer are whole, those over the limit refused`() throws {
    let long = String(repeating: "x", count: 3 << 20)
    let pages = try pages(Bytes("{\"text\":\"\(long)\"}\n{\"text\":\"y\"}\n"))
    #expect(pages.first?.documents == [long, "y"])
    let tooLong = Bytes([UInt8](repeating: 0x20, count: LineReader.longestLine + (2 << 20)))
    let error = #expect(throws: VectorFileError.self) { try self.pages(tooLong) }
    #expect(error?.reason.contains("longer than") == true)
  }

  @Test func `other encodings and compressed files are named`() throws {
    for (bytes, name) in [
      ([0x1F, 0x8B, 8, 0], "gzip"), ([0x28, 0xB5, 0x2F, 0xFD], "Zstandard"),
      ([0xFF, 0xFE, 0x7B, 0], "UTF-16"), ([0xFE, 0xFF, 0, 0x7B], "UTF-16"),
    ] as [([UInt8], String)] {
      let error = #expect(throws: VectorFileError.self) { try pages(Bytes(bytes)) }
      #expect(error?.reason.contains(name) == true)
    }
    #expect(throws: VectorFileError.self) { try pages(Bytes()) }
  }

  private func batches(_ vectors: Bytes, _ records: String?, _ name: String) throws -> [RecordBatch]
  {
    try TemporaryFolder.with { folder in
      try Data(vectors.data).write(to: URL(filePath: folder + "/" + name))
      let path = records.map { _ in folder + "/r.jsonl" }
      if let records, let path { try Data(records.utf8).write(to: URL(filePath: path)) }
      let reader = try BatchReader(vectors: folder + "/" + name, records: path, batchSize: 2)
      var batches: [RecordBatch] = []
      while let batch = try reader.next() { batches.append(batch) }
      return batches
    }
  }

  private let three = Bytes().adding(UInt32(3)).adding(UInt32(1)).adding([7, 8, 9] as [UInt8])

  @Test func `line i belongs to row i`() throws {
    let lines = "{\"id\":\"a\",\"n\":1}\n{\"id\":\"b\",\"text\":\"t\"}\n{\"id\":\"c\"}\n"
    let batches = try batches(three, lines, "v.i8bin")
    #expect(batches.map(\.ids) == [["a", "b"], ["c"]])
    #expect(batches.map(\.vectors.storage) == [.int8([7, 8]), .int8([9])])
    #expect(batches.map(\.metadata) == [[["n": 1], [:]], []])
    #expect(batches.map(\.documents) == [[nil, "t"], []])
  }

  @Test func `row numbers are the ids without records`() throws {
    #expect(try batches(three, nil, "v.i8bin").map(\.ids) == [[0, 1], [2]])
  }

  @Test func `JSON Lines alone give vectors and records`() throws {
    let batches = try batches(
      Bytes("{\"vector\":[1]}\n{\"vector\":[2]}\n{\"vector\":[3]}"),
      nil,
      "v.jsonl"
    )
    #expect(batches.flatMap(\.ids) == [0, 1, 2])
    #expect(batches.first?.vectors.storage == .float32([1]))
  }

  @Test(arguments: [
    ("{}\n{}\n", "there are 2 records for 3 rows"), ("{}\n{}\n{}\n{}\n", "more records than the 3"),
    ("{\"vector\":[1]}\n", "gives one as well"), ("\n\n", "there are 0 records"),
  ])
  func `files that do not belong together are refused`(records: String, says: String) throws {
    let error = #expect(throws: VectorFileError.self) { try batches(three, records, "v.i8bin") }
    #expect(error?.reason.contains(says) == true, "\(error?.reason ?? "")")
  }

  @Test func `JSON Lines without vectors or with records beside them are refused`() throws {
    for (text, records) in [("{}\n", nil), ("\n", nil), ("{\"vector\":[1]}\n", "{}\n")]
      as [(String, String?)]
    {
      #expect(throws: VectorFileError.self) { try batches(Bytes(text), records, "v.jsonl") }
    }
  }
}
