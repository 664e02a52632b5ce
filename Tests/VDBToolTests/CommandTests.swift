import Foundation
import TestSupport
import Testing

/// Whole outputs of the commands over tiny stores.
struct CommandTests {
  private static let lines = """
    {"id":"a","vector":[1.0,0.0],"text":"first","metadata":{"n":1,"tags":["x","y"]}}
    {"id":"b","vector":[0.8,0.6],"text":"second\\u0007 line","metadata":{"n":2.5}}
    {"id":7,"vector":[0.0,1.0],"metadata":{"at":{"$date":1.5},"deep.key":null}}
    {"id":{"$uuid":"6B29FC40-CA47-1067-B31D-00DD010662DA"},"vector":[-1.0,1e-05]}

    """

  /// Runs `body` with a folder whose store `s` has four records.
  private func withStore<Result>(_ body: (String) throws -> Result) throws -> Result {
    try TemporaryFolder.with { folder in
      let run = try Tool.run(
        "import",
        "s",
        "--vectors",
        "-",
        "--indexing",
        "manual",
        in: folder,
        input: Self.lines
      )
      #expect(run.status == 0, "\(run.errors)")
      return try body(folder)
    }
  }

  @Test func `export writes what import read`() throws {
    try withStore { folder in
      let first = try Tool.run("export", "s", in: folder)
      #expect(first.output == Self.lines)
      let copy = try Tool.run("import", "t", "--vectors", "-", in: folder, input: first.output)
      #expect(copy.status == 0, "\(copy.errors)")
      #expect(try Tool.run("export", "t", in: folder).output == first.output)
      let file = try Tool.run("export", "s", "--output", "f.jsonl", in: folder)
      #expect(file.output == "Wrote 4 records to 'f.jsonl'.\n")
      #expect(try String(contentsOfFile: folder + "/f.jsonl", encoding: .utf8) == Self.lines)
    }
  }

  @Test func `query prints rank, score, id and text`() throws {
    try withStore { folder in
      let query = #"{"vector":[1,0]}"#
      let people = try Tool.run(
        "query",
        "s",
        "--vectors",
        "-",
        "--limit",
        "2",
        in: folder,
        input: query
      )
      #expect(
        people.output == """
          Row 0
            1  1.0000  a  first
            2  0.8000  b  second  line

          """
      )
      let near = try Tool.run("query", "s", "--id", "7", "--limit", "1", "--json", in: folder)
      #expect(near.output.hasPrefix(#"{"id":7,"results":[{"id":"b","distance":"#))
      #expect(near.output.hasSuffix(#""text":"second\u0007 line","metadata":{"n":2.5}}]}"# + "\n"))
    }
  }

  @Test func `get shows records and names those that are not there`() throws {
    try withStore { folder in
      let found = try Tool.run("get", "s", "a", "7", "--json", in: folder)
      #expect(
        found.output == """
          {"id":"a","text":"first","metadata":{"n":1,"tags":["x","y"]}}
          {"id":7,"metadata":{"at":{"$date":1.5},"deep.key":null}}

          """
      )
      #expect(
        try Tool.run("get", "s", "a", in: folder).output
          == "id    a\ntext  first\nn     1\ntags  [\"x\",\"y\"]\n"
      )
      let missing = try Tool.run("get", "s", "zz", in: folder)
      #expect(missing.status == 65)
      #expect(missing.errors == "vdbtool: There is no record 'zz' in 'default'. Check the ids.\n")
      #expect(try Tool.run("get", "s", "7", "--id-type", "string", in: folder).status == 65)
    }
  }

  @Test func `delete counts what it deleted and what was not there`() throws {
    try withStore { folder in
      let first = try Tool.run("delete", "s", "--ids", "a,7,zz,a", "--json", in: folder)
      #expect(first.output == #"{"collection":"default","deleted":2,"missing":2}"# + "\n")
      let rest = try Tool.run("delete", "s", "--ids-file", "-", in: folder, input: "b\n\nq\n")
      #expect(rest.output == "Deleted 1 records; 1 ids were not there.\n")
      #expect(try Tool.run("export", "s", in: folder).output.split(separator: "\n").count == 1)
    }
  }

  @Test func `collections, drop and verify report`() throws {
    try withStore { folder in
      #expect(
        try Tool.run("collections", "s", in: folder).output
          == "default  2 x float32  cosine  4 records  4 not indexed\n"
      )
      let sound = try Tool.run("verify", "s", "--json", in: folder)
      #expect(sound.status == 0)
      #expect(sound.output.hasPrefix(#"{"sound":true,"depth":"deep","checked_values":"#))
      let dropped = try Tool.run("drop", "s", "default", "--json", in: folder)
      #expect(dropped.output == #"{"collection":"default","dropped_records":4}"# + "\n")
      #expect(try Tool.run("collections", "s", in: folder).output == "no collections\n")
    }
  }

  @Test func `index, stats, recall and compact work together`() throws {
    try withStore { folder in
      let index = try Tool.run("index", "s", "--quiet", in: folder)
      #expect(index.output.hasPrefix("Indexed 4 rows of 'default' in "), "\(index.errors)")
      let stats = try Tool.run("stats", "s", "--json", in: folder)
      let object = try JSONSerialization.jsonObject(with: Data(stats.output.utf8))
      let keys = try #require(object as? [String: Any])
      for key in [
        "rows", "live", "deleted", "indexed", "backlog", "tables", "free_bytes", "readers",
        "map_size_bytes",
      ] {
        #expect(keys[key] != nil, "\(key)")
      }
      try Data(#"{"vector":[1,0]}"#.utf8).write(to: URL(filePath: folder + "/q.jsonl"))
      let recall = try Tool.run(
        "recall",
        "s",
        "--queries",
        "q.jsonl",
        "--exact",
        "--limit",
        "2",
        "--ef",
        "16",
        "--json",
        in: folder
      )
      #expect(
        recall.output.contains(#""points":[{"ef":16,"recall":1.0,"qps":"#),
        "\(recall.errors)"
      )
      let compact = try Tool.run("compact", "s", "--quiet", in: folder)
      #expect(compact.status == 0, "\(compact.errors)")
      #expect(try Tool.run("export", "s", in: folder).output == Self.lines)
    }
  }
}
