import Foundation
import TestSupport
import Testing

/// What holds for every command: help, usage errors, closed output.
struct ConventionTests {
  static let commands = [
    "import", "query", "get", "stats", "compact", "verify", "collections", "delete", "export",
    "recall", "index", "drop", "alias", "reprocess", "bench ann", "bench kernels", "bench mixed",
    "bench scan",
  ]

  @Test(arguments: commands)
  func `help has examples and ends well`(command: String) throws {
    try TemporaryFolder.with { folder in
      let words = command.split(separator: " ").map(String.init) + ["--help"]
      let (process, output, _) = try Tool.start(words, in: folder)
      process.waitUntilExit()
      let text = try String(contentsOf: output, encoding: .utf8)
      #expect(process.terminationStatus == 0)
      let examples = text.split(separator: "\n").filter {
        $0.contains("  vdbtool \(command)") || $0.contains("| vdbtool \(command)")
      }
      #expect(examples.count >= 2)
      #expect(text.contains("--json"))
    }
  }

  @Test func `the root's help is this`() throws {
    try TemporaryFolder.with { folder in
      let run = try Tool.run("--help", in: folder)
      #expect(run.status == 0)
      #expect(run.errors == "")
      #expect(
        run.output.hasPrefix(
          """
          OVERVIEW: A vector store on disk: import vectors, search them, look after them.

          A store is a folder. It holds collections of records: an id, a vector, metadata
          and a text. What a command reports as stored is on disk and survives a loss of
          power.

          EXAMPLES
            vdbtool import notes.vdb --vectors vectors.npy --records notes.jsonl --wait
            vdbtool query notes.vdb --vectors questions.npy --limit 5
            vdbtool stats notes.vdb --json

          EXIT CODES
            0    done (also when the reader of the output went away)
            1    verify found problems
            64   wrong usage
            65   bad input data, or data that does not fit the store
            66   an input file or the store does not exist
            70   internal error, or a damaged store
            73   the store or an output file cannot be created
            74   input or output failed; disk full
            75   another process has the store open; try again
            77   no permission
            130  interrupted

          USAGE: vdbtool <subcommand>
          """
        ),
        "\(run.output)"
      )
    }
  }

  @Test func `wrong usage has code 64 and one object with json`() throws {
    try TemporaryFolder.with { folder in
      let run = try Tool.run("query", "s", "--json", in: folder)
      #expect(run.status == 64)
      let says = "Give either --vectors FILE or --text TEXT or --id ID."
      #expect(run.errors.hasPrefix("vdbtool: " + says))
      #expect(
        run.errors.hasSuffix(
          #"{"error":{"code":"usage","message":"\#(says)"}}"# + "\n"
        )
      )
    }
  }

  @Test(arguments: ["stats", "verify", "collections", "export", "compact", "index"])
  func `a store that is not there has code 66`(command: String) throws {
    try TemporaryFolder.with { folder in
      let run = try Tool.run(command, "none", in: folder)
      #expect(run.status == 66)
      #expect(run.errors.hasPrefix("vdbtool: There is no store at"), "\(run.errors)")
      #expect(!FileManager.default.fileExists(atPath: folder + "/none"))
    }
  }

  @Test func `a new store in a folder that is not there has code 73`() throws {
    try TemporaryFolder.with { folder in
      try Data(#"{"vector":[1,2]}"#.utf8).write(to: URL(filePath: folder + "/rows.jsonl"))
      let run = try Tool.run("import", "none/store", "--file", "rows.jsonl", in: folder)
      #expect(run.status == 73)
      #expect(run.errors.hasSuffix("Make it first, or correct the path.\n"), "\(run.errors)")
      #expect(!FileManager.default.fileExists(atPath: folder + "/none"))
    }
  }

  @Test func `a reader that goes away ends the command quietly`() throws {
    try TemporaryFolder.with { folder in
      let lines = (0..<5000).map { "{\"vector\":[\($0),1]}\n" }.joined()
      let run = try Tool.run(
        "import",
        "s",
        "--vectors",
        "-",
        "--indexing",
        "manual",
        in: folder,
        input: lines
      )
      #expect(run.status == 0, "\(run.errors)")
      let process = Process()
      process.executableURL = URL(filePath: "/bin/sh")
      process.currentDirectoryURL = URL(filePath: folder)
      process.arguments = [
        "-c", "{ \"$0\" export s; echo $? > status; } 2> errors | head -n 1 > first",
        try Tool.path(),
      ]
      try process.run()
      process.waitUntilExit()
      #expect(try String(contentsOfFile: folder + "/status", encoding: .utf8) == "0\n")
      #expect(try String(contentsOfFile: folder + "/errors", encoding: .utf8) == "")
    }
  }
}
