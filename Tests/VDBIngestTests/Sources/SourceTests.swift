import Foundation
import TestSupport
import Testing
import VDB

@testable import VDBIngest

/// What the sources read from files and folders.
struct SourceTests {
  private func all(_ source: any TextSource, pages limit: Int = 2) throws -> [TextEntry] {
    var entries: [TextEntry] = []
    while let page = try source.next(limit) {
      #expect((1...limit).contains(page.count))
      entries += page
    }
    return entries
  }

  @Test func `JSON Lines have texts and ids in the members named`() throws {
    let lines = """
      {"id":"a","text":"one","n":1}
      {"text":"two","body":{"en":"zwei"},"key":5}

      {"id":7,"text":"three","body":{"en":"drei"},"key":"k"}
      """
    try withFile("t.jsonl", Bytes(lines)) { path in
      #expect(
        try all(JSONLinesSource(path: path)) == [
          TextEntry(id: "a", text: "one", metadata: ["n": 1]),
          TextEntry(text: "two", metadata: ["body.en": "zwei", "key": 5]),
          TextEntry(id: 7, text: "three", metadata: ["body.en": "drei", "key": "k"]),
        ]
      )
      let fault = #expect(throws: VectorFileError.self) {
        try all(JSONLinesSource(path: path, textField: "body.en"))
      }
      #expect(fault?.place == .line(1, column: nil))
      let keyed = try all(JSONLinesSource(path: path, idField: "key"))
      #expect(keyed.map(\.id) == [nil, 5, "k"])
      #expect(keyed[0].metadata["id"] == "a")
    }
  }

  @Test(arguments: [#"{"id":1}"#, #"{"text":null}"#, #"{"text":"a","vector":[1]}"#])
  func `a line that is no text is refused`(line: String) throws {
    _ = try withFile("t.jsonl", Bytes(line)) { path in
      #expect(throws: VectorFileError.self) { try all(JSONLinesSource(path: path)) }
    }
  }

  @Test func `plain lines are texts without ids`() throws {
    try withFile("t.txt", Bytes("one\r\n\n  \ntwo\nthree")) { path in
      let entries = try all(LinesSource(path: path))
      #expect(entries.map(\.text) == ["one", "two", "three"])
    }
    _ = try withFile("t.txt", Bytes([0x61, 0x0A, 0xFF])) { path in
      #expect(throws: VectorFileError.self) { try all(LinesSource(path: path)) }
    }
  }

  @Test func `a folder's files come in pieces with ids that stay`() throws {
    try TemporaryFolder.with { folder in
      let files = [
        "b.md": "Intro here.\n\n# First part\nSome text. More text.\n## Second\nLast.",
        "a/x.txt": "# no heading here. Really.", ".hidden/y.txt": "no", "z.pdf": "no", "c.md": "\n",
      ]
      for (name, text) in files {
        let url = URL(filePath: folder + "/" + name)
        try FileManager.default.createDirectory(
          at: url.deletingLastPathComponent(),
          withIntermediateDirectories: true
        )
        try Data(text.utf8).write(to: url)
      }
      let entries = try all(FolderSource(path: folder))
      #expect(entries.map(\.id) == ["a/x.txt#0", "b.md#0", "b.md#1", "b.md#2"])
      #expect(entries[2].text.hasPrefix("# First part"))
      #expect(entries[2].metadata == ["path": "b.md", "chunk": 1, "heading": "First part"])
      #expect(entries[0].metadata["heading"] == nil)
      #expect(throws: VectorFileError.self) { try FolderSource(path: folder + "/none") }
    }
  }

  @Test func `pieces end with sentences, overlap, and hold every word`() {
    let sentences = (0..<100).map { "Sentence number \($0) has exactly seven words." }
    let chunks = Chunker(words: 30, overlap: 8).chunks(of: sentences.joined(separator: " "))
    #expect(chunks.allSatisfy { $0.text.split(separator: " ").count <= 30 })
    #expect(chunks.allSatisfy { $0.text.hasSuffix(".") && $0.text.hasPrefix("Sentence") })
    for sentence in sentences { #expect(chunks.contains { $0.text.contains(sentence) }) }
    for (one, next) in zip(chunks, chunks.dropFirst()) {
      #expect(
        one.text.hasSuffix(
          next.text.prefix(20) + next.text.dropFirst(20).prefix { $0 != "." } + "."
        )
      )
    }
  }

  @Test func `long sentences and texts without spaces are cut all the same`() {
    let long = (0..<95).map { "w\($0)" }.joined(separator: " ")
    let chunks = Chunker(words: 20, overlap: 5).chunks(of: long)
    #expect(chunks.map { $0.text.split(separator: " ").count } == [20, 20, 20, 20, 15])
    let japanese = String(repeating: "日本語", count: 20)
    #expect(Chunker(words: 20, overlap: 0).chunks(of: japanese).map(\.text.count) == [20, 20, 20])
    #expect(Chunker().chunks(of: " \n ").isEmpty)
    #expect(Chunker().chunks(of: "").isEmpty)
  }
}
