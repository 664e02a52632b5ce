import Foundation
import TestSupport
import Testing
import VDB
import VDBIngest

/// Importing texts and asking with texts, as commands.
struct TextImportTests {
  private static let notes = """
    {"id":"a","text":"Photosynthesis lets plants turn sunlight into sugar.","tag":"bio"}
    {"id":"b","text":"Banks lend money at interest."}
    {"id":"c","text":"<p>Dogs &amp; cats are   animals.</p>"}
    {"text":"Banks lend money at interest."}
    {"text":" "}

    """

  private func write(_ text: String, _ path: String) throws {
    try Data(text.utf8).write(to: URL(filePath: path))
  }

  @Test func `texts are imported and found by texts`() throws {
    try TemporaryFolder.with { folder in
      try write(Self.notes, folder + "/n.jsonl")
      let first = try Tool.run(
        ["import", "s", "--file", "n.jsonl", "--report", "r.json", "--source", "test"],
        in: folder
      )
      #expect(first.status == 0, "\(first.errors)")
      #expect(first.output.contains("3 new, 0 replaced, 1 duplicates, 1 empty."))
      let found = try Tool.run(
        ["query", "s", "--text", "how do plants make food", "--limit", "1"],
        in: folder
      )
      #expect(found.output.hasSuffix("  a  Photosynthesis lets plants turn sunlight into sugar.\n"))
      let json = try Tool.run(["query", "s", "--text", "animals", "--json"], in: folder)
      #expect(json.output.hasPrefix(#"{"query":"animals","results":[{"id":"c","#))
      let export = try Tool.run(["get", "s", "c", "--json"], in: folder)
      #expect(export.output.contains("Dogs & cats are animals."))
      #expect(export.output.contains(#""source":"test""#))
      // The same again does nothing and says so.
      let again = try Tool.run(
        ["import", "s", "--file", "n.jsonl", "--source", "test", "--json"],
        in: folder
      )
      #expect(again.output.contains(#""unchanged":3"#), "\(again.output)")
      #expect(again.output.contains(#""inserted":0"#))
      let report = try String(contentsOfFile: folder + "/r.json", encoding: .utf8)
      #expect(report.contains(#""throughput" : "#))
    }
  }

  @Test func `another model is refused with the way to go on`() throws {
    try TemporaryFolder.with { folder in
      try write(Self.notes, folder + "/n.jsonl")
      let first = try Tool.run(
        ["import", "s", "--file", "n.jsonl", "--embed", "hash:64"],
        in: folder
      )
      #expect(first.status == 0, "\(first.errors)")
      let other = try Tool.run(["import", "s", "--file", "n.jsonl"], in: folder)
      #expect(other.status == 65)
      #expect(other.errors.contains("'vdbtool reprocess'"), "\(other.errors)")
      let query = try Tool.run(["query", "s", "--text", "dogs", "--embed", "builtin"], in: folder)
      #expect(query.status == 65)
      #expect(query.errors.contains("come from the model 'hash-64'"))
      #expect(try Tool.run(["query", "s", "--text", "dogs"], in: folder).status == 0)
      try write("{\"id\":1,\"vector\":[1,2]}\n", folder + "/v.jsonl")
      _ = try Tool.run(["import", "v", "--vectors", "v.jsonl", "--model", "mine"], in: folder)
      let unknown = try Tool.run(["query", "v", "--text", "dogs"], in: folder)
      #expect(unknown.status == 65)
      #expect(
        unknown.errors.contains("'mine', which is not built in. Name the embedder"),
        "\(unknown.errors)"
      )
    }
  }

  @Test func `tables, lines, folders and standard input are read`() throws {
    try TemporaryFolder.with { folder in
      try write("id,text,year\n1,\"one, two\",1990\n2,three,\n", folder + "/t.csv")
      try write("Key\tBody\nx\tone\ny\ttwo\n", folder + "/t.tsv")
      try write("one\n\ntwo\none\n", folder + "/t.txt")
      try FileManager.default.createDirectory(
        atPath: folder + "/f",
        withIntermediateDirectories: true
      )
      try write("# A\nFirst.\n# B\nSecond.", folder + "/f/x.md")
      let runs: [([String], String?, Int)] = [
        (["--file", "t.csv"], nil, 2),
        (["--file", "t.tsv", "--text-field", "Body", "--id-field", "Key"], nil, 2),
        (["--file", "t.txt"], nil, 2), (["--file", "t.txt", "--allow-duplicates"], nil, 3),
        (["--file", "f"], nil, 2), (["--file", "-", "--format", "lines"], "a\nb\nc\n", 3),
        (["--file", "t.txt", "--preset", "fast", "--workers", "1", "--load-batch", "1"], nil, 2),
      ]
      for (index, (arguments, input, count)) in runs.enumerated() {
        let run = try Tool.run(
          ["import", "s\(index)", "--embed", "hash:16", "--json"] + arguments,
          in: folder,
          input: input
        )
        #expect(run.status == 0, "\(arguments): \(run.errors)")
        #expect(run.output.contains("\"inserted\":\(count),"), "\(arguments): \(run.output)")
      }
      #expect(
        try Tool.run(["get", "s4", "x.md#1", "--json"], in: folder).output.contains("Second.")
      )
    }
  }

  static let refused: [([String], Int32, String)] = [
    (["--file", "none.jsonl"], 66, "there is no such file"),
    (["--file", "n.xyz"], 64, "Give --format: jsonl, lines, csv, tsv, folder"),
    (["--file", "n.jsonl", "--vectors", "v.npy"], 64, "Give either --vectors FILE or --file FILE"),
    (["--vectors", "v.npy", "--workers", "2"], 64, "--workers goes with --file"),
    (["--file", "n.jsonl", "--workers", "0"], 64, "workers must be 1 to 64, not 0"),
    (["--file", "n.jsonl", "--text-field", "body"], 65, "line 1: the record has no \"body\""),
    (["--file", "n.jsonl", "--embed", "what"], 64, "'what' is invalid"),
    (["--file", "n.jsonl", "--retry-failed", "none"], 66, "'none' cannot be read"),
  ]

  @Test(arguments: refused.indices)
  func `what makes no sense is refused`(index: Int) throws {
    let (arguments, status, says) = Self.refused[index]
    try TemporaryFolder.with { folder in
      try write(Self.notes, folder + "/n.jsonl")
      let run = try Tool.run(["import", "s"] + arguments, in: folder)
      #expect(run.status == status, "\(run.errors)")
      #expect(run.errors.contains(says), "\(run.errors)")
    }
  }

  @Test func `what failed is told by id and tried again alone`() throws {
    try TemporaryFolder.with { folder in
      // Accents without letters: nothing that the model knows.
      try write("{\"id\":\"x\",\"text\":\"\u{301}\u{301}\"}\n" + Self.notes, folder + "/n.jsonl")
      let first = try Tool.run(
        ["import", "s", "--file", "n.jsonl", "--report", "r.json"],
        in: folder
      )
      #expect(first.status == 65)
      #expect(first.errors.contains("1 text could not be stored"), "\(first.errors)")
      try write("{\"id\":\"x\",\"text\":\"snowman\"}\n" + Self.notes, folder + "/n.jsonl")
      let second = try Tool.run(
        ["import", "s", "--file", "n.jsonl", "--retry-failed", "r.json", "--json"],
        in: folder
      )
      #expect(second.status == 0, "\(second.errors)")
      #expect(second.output.contains(#""inserted":1,"#))
      #expect(second.output.contains(#""unchanged":0"#))
      #expect(second.output.contains(#""retry":{"found":1,"wanted":1}"#), "\(second.output)")
    }
  }

  @Test func `vectors kept in the store are taken in later runs`() throws {
    try TemporaryFolder.with { folder in
      try write(Self.notes, folder + "/n.jsonl")
      let options = ["--file", "n.jsonl", "--embed", "hash", "--embedding-cache", "--json"]
      let first = try Tool.run(["import", "s"] + options, in: folder)
      #expect(first.status == 0, "\(first.errors)")
      #expect(first.output.contains(#""cache_hits":0"#), "\(first.output)")
      let second = try Tool.run(["import", "s", "-c", "again"] + options, in: folder)
      #expect(second.output.contains(#""cache_hits":3"#), "\(second.output)")
      let anew = try Tool.run(
        ["reprocess", "s", "--into", "anew", "--embed", "hash", "--embedding-cache", "--json"],
        in: folder
      )
      #expect(anew.status == 0, "\(anew.errors)")
      #expect(anew.output.contains(#""cache_hits":3"#), "\(anew.output)")
      #expect(try Tool.run(["verify", "s"], in: folder).status == 0)
    }
  }

  @Test func `without an embedder texts become records without vectors`() throws {
    try TemporaryFolder.with { folder in
      try write(Self.notes, folder + "/n.jsonl")
      let first = try Tool.run(
        ["import", "s", "--file", "n.jsonl", "--preset", "fast"],
        in: folder
      )
      #expect(first.status == 0, "\(first.errors)")
      #expect(first.output.contains("3 new, 0 replaced, 1 duplicates, 1 empty."))
      #expect(first.output.contains("No vectors; "))
      #expect(first.output.contains("not in the index") == false)
      // The collection has decided for later runs.
      let again = try Tool.run(["import", "s", "--file", "n.jsonl", "--wait"], in: folder)
      #expect(again.output.contains("0 new, 1 replaced, 2 stored before"), "\(again.output)")
      let query = try Tool.run(["query", "s", "--text", "dogs"], in: folder)
      #expect(query.status == 65)
      #expect(query.errors.contains("have no vectors"), "\(query.errors)")
      let export = try Tool.run(["export", "s"], in: folder)
      #expect(export.output.contains("vector") == false)
      try write(export.output, folder + "/e.jsonl")
      let copy = try Tool.run(
        ["import", "copy", "--file", "e.jsonl", "--embed", "none"],
        in: folder
      )
      #expect(copy.status == 0, "\(copy.errors)")
      #expect(try Tool.run(["export", "copy"], in: folder).output == export.output)
      #expect(try Tool.run(["get", "s", "a", "--vector"], in: folder).output.contains("sunlight"))
      #expect(try Tool.run(["stats", "s"], in: folder).output.contains("vectors         none"))
      #expect(try Tool.run(["verify", "s"], in: folder).status == 0)
      #expect(try Tool.run(["compact", "s"], in: folder).status == 0)
      let list = try Tool.run(["collections", "s"], in: folder).output
      #expect(list.contains("no vectors"), "\(list)")
      let other = try Tool.run(["import", "s", "--file", "n.jsonl", "--embed", "hash"], in: folder)
      #expect(other.status == 65)
    }
  }
}
