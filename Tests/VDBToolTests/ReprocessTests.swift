import Foundation
import TestSupport
import Testing

/// Originals, reprocessing and aliases, as commands.
struct ReprocessToolTests {
  private static let notes = """
    {"id":"a","text":"  Plants turn\\tsunlight into sugar. "}
    {"id":"b","text":"Banks lend money."}
    {"id":"c","text":"<p>Dogs &amp; cats</p>","kind":"pets"}

    """

  private func store(in folder: String, _ more: [String] = []) throws {
    try Data(Self.notes.utf8).write(to: URL(filePath: folder + "/n.jsonl"))
    let run = try Tool.run(
      ["import", "s", "--collection", "notes", "--file", "n.jsonl", "--embed", "hash:16"] + more,
      in: folder
    )
    #expect(run.status == 0, "\(run.errors)")
  }

  @Test func `originals are shown, exported and imported again`() throws {
    try TemporaryFolder.with { folder in
      try store(in: folder)
      let shown = try Tool.run("get", "s", "c", "-c", "notes", in: folder)
      #expect(shown.output.contains("original"))
      #expect(shown.output.contains("<p>Dogs &amp; cats</p>"))
      let export = try Tool.run("export", "s", "-c", "notes", in: folder).output
      let lines = export.split(separator: "\n")
      #expect(
        lines[0].contains(#""text":"Plants turn sunlight into sugar.","original":"  Plants turn"#)
      )
      #expect(!lines[1].contains("original"))
      #expect(lines[2].contains(#""original":"<p>Dogs &amp; cats</p>","metadata":{"kind":"pets"}"#))
      let copied = try Tool.run(
        ["import", "copy", "-c", "notes", "--vectors", "-"],
        in: folder,
        input: export
      )
      #expect(copied.status == 0, "\(copied.errors)")
      #expect(try Tool.run("export", "copy", "-c", "notes", in: folder).output == export)
      #expect(try Tool.run("verify", "copy", "--quiet", in: folder).status == 0)
    }
  }

  @Test func `without originals none is exported`() throws {
    try TemporaryFolder.with { folder in
      try store(in: folder, ["--no-keep-original"])
      let export = try Tool.run("export", "s", "-c", "notes", in: folder)
      #expect(export.status == 0)
      #expect(!export.output.contains("original"))
    }
  }

  @Test func `a collection is reprocessed and the alias switched`() throws {
    try TemporaryFolder.with { folder in
      try store(in: folder)
      let set = try Tool.run("alias", "s", "current", "notes", in: folder)
      #expect(set.output == "'current' stands for 'notes'.\n", "\(set.errors)")
      let other = try Tool.run(
        ["query", "s", "-c", "current", "--text", "dogs", "--embed", "builtin"],
        in: folder
      )
      #expect(other.status == 65)
      #expect(other.errors.contains("vdbtool reprocess"), "\(other.errors)")
      let run = try Tool.run(
        [
          "reprocess", "s", "--collection", "current", "--into", "better", "--embed", "builtin",
          "--alias", "current", "--report", "r.json",
        ],
        in: folder
      )
      #expect(run.status == 0, "\(run.errors)")
      #expect(run.output.contains("3 new, 0 replaced"))
      #expect(run.output.hasSuffix("'current' stands for 'better' now.\n"), "\(run.output)")
      #expect(FileManager.default.fileExists(atPath: folder + "/r.json"))
      let found = try Tool.run(
        [
          "query", "s", "-c", "current", "--text", "how do plants make food", "--limit", "1",
          "--json",
        ],
        in: folder
      )
      #expect(found.output.contains(#""results":[{"id":"a""#), "\(found.output)\(found.errors)")
      // Again, as after an interruption: all is there.
      let again = try Tool.run(
        [
          "reprocess", "s", "--collection", "notes", "--into", "better", "--alias", "current",
          "--json",
        ],
        in: folder
      )
      #expect(again.status == 0, "\(again.errors)")
      #expect(
        again.output.hasPrefix(
          #"{"collection":"notes","into":"better","alias":"current","ingestion":{"#
        ),
        "\(again.output)"
      )
      #expect(again.output.contains(#""unchanged":3"#))
      let dropped = try Tool.run("drop", "s", "better", in: folder)
      #expect(dropped.status == 65)
      #expect(dropped.errors.contains("has the alias 'current'"), "\(dropped.errors)")
      #expect(try Tool.run("drop", "s", "notes", in: folder).status == 0)
      #expect(try Tool.run("verify", "s", "--quiet", in: folder).status == 0)
    }
  }

  @Test func `aliases are listed, shown and removed`() throws {
    try TemporaryFolder.with { folder in
      try store(in: folder)
      #expect(try Tool.run("alias", "s", in: folder).output == "no aliases\n")
      let set = try Tool.run("alias", "s", "x", "notes", "--json", in: folder)
      #expect(set.output == #"{"alias":"x","collection":"notes","before":null}"# + "\n")
      #expect(try Tool.run("alias", "s", in: folder).output == "x  notes\n")
      let listed = try Tool.run("alias", "s", "--json", in: folder)
      #expect(listed.output == #"{"aliases":{"x":"notes"}}"# + "\n")
      #expect(try Tool.run("collections", "s", in: folder).output.contains("alias x"))
      let json = try Tool.run("collections", "s", "--json", in: folder)
      #expect(json.output.contains(#""aliases":["x"]"#))
      #expect(try Tool.run("stats", "s", "--json", in: folder).output.contains(#""aliases":["x"]"#))
      #expect(try Tool.run("export", "s", "-c", "x", in: folder).status == 0)
      let removed = try Tool.run("alias", "s", "x", "--remove", in: folder)
      #expect(removed.output == "Removed 'x', before for 'notes'.\n", "\(removed.errors)")
      for (words, status) in [
        (["x"], 64), (["--remove"], 64), (["x", "--remove"], 65), (["x", "none"], 65),
        (["notes", "notes"], 65),
      ] as [([String], Int32)] {
        #expect(try Tool.run(["alias", "s"] + words, in: folder).status == status, "\(words)")
      }
    }
  }

  @Test func `what cannot be reprocessed is refused`() throws {
    try TemporaryFolder.with { folder in
      try store(in: folder)
      let cases: [([String], Int32, String)] = [
        (["-c", "notes"], 64, "--into"),
        (["-c", "notes", "--into", "notes"], 64, "another collection than 'notes'"),
        (["-c", "none", "--into", "b"], 65, "no collection 'none'"),
        (["-c", "notes", "--into", "b", "--alias", "notes"], 65, "a collection 'notes' already"),
        (["-c", "notes", "--into", "b", "--clean", "well"], 64, "'well' is invalid"),
        (["-c", "notes", "--into", "b", "--workers", "0"], 64, "workers must be 1 to 64"),
      ]
      for (words, status, says) in cases {
        let run = try Tool.run(["reprocess", "s"] + words, in: folder)
        #expect(run.status == status, "\(words): \(run.errors)")
        #expect(run.errors.contains(says), "\(words): \(run.errors)")
      }
    }
  }
}
