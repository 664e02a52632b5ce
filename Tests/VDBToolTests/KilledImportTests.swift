import Foundation
import TestSupport
import Testing

/// An import of texts that is ended by SIGKILL and resumed.
struct KilledImportTests {
  /// Texts with and without ids, of which some are equal once they are cleaned.
  private static func lines(_ count: Int, texts: Int) -> String {
    (0..<count).map { number in
      let id = number % 4 == 0 ? "" : "\"id\":\(number),"
      return "{\(id)\"text\":\"note  \(number % texts) about thing \(number % texts % 77)\"}\n"
    }.joined()
  }

  @Test func `gives the same store as one that was not`() throws {
    let seed = UInt64.random(in: 0...UInt64.max)
    var random = SeededGenerator(seed: seed)
    try TemporaryFolder.with { folder in
      try Data(Self.lines(4000, texts: 3500).utf8).write(to: URL(filePath: folder + "/n.jsonl"))
      let arguments = [
        "--file", "n.jsonl", "--embed", "hash:16", "--load-batch", "50", "--write-batch", "40",
        "--indexing", "manual", "--json",
      ]
      let clock = ContinuousClock.now
      let whole = try Tool.run(["import", "whole"] + arguments, in: folder)
      let duration = (ContinuousClock.now - clock) / .seconds(1)
      #expect(whole.status == 0, "\(whole.errors)")
      let expected = try Tool.run(["export", "whole"], in: folder).output
      for round in 0..<5 {
        // One kill after the other; a run that is quicker than its end ends well.
        for _ in 0...(round % 2) {
          let (process, _, _) = try Tool.start(
            ["import", "s\(round)", "--resume"] + arguments,
            in: folder
          )
          usleep(UInt32(Double.random(in: 0...duration, using: &random) * 1e6))
          kill(process.processIdentifier, SIGKILL)
          process.waitUntilExit()
        }
        let last = try Tool.run(["import", "s\(round)", "--resume"] + arguments, in: folder)
        #expect(last.status == 0, "\(last.errors), seed \(seed)")
        let found = try Tool.run(["export", "s\(round)"], in: folder).output
        #expect(found == expected, "round \(round), seed \(seed)")
        let verify = try Tool.run(["verify", "s\(round)", "--quiet"], in: folder)
        #expect(verify.status == 0, "\(verify.output), seed \(seed)")
      }
    }
  }

  /// The commits at which the process ends, each with the place that `--resume` goes on from.
  @Test(arguments: [4, 15, 30])
  func `goes on behind what was committed`(commit: Int) throws {
    try TemporaryFolder.with { folder in
      try Data(Self.lines(12_000, texts: 12_000).utf8).write(to: URL(filePath: folder + "/n.jsonl"))
      let arguments = [
        "--file", "n.jsonl", "--embed", "hash:16", "--load-batch", "50", "--write-batch", "40",
        "--indexing", "manual", "--json", "--embed-batch", "10",
      ]
      let whole = try Tool.run(["import", "whole"] + arguments, in: folder)
      let (process, _, _) = try Tool.start(
        ["import", "s"] + arguments,
        in: folder,
        environment: ["VDB_KILLPOINT": "commit.after:\(commit)"]
      )
      process.waitUntilExit()
      #expect(process.terminationReason == .uncaughtSignal)
      let stats = try Tool.run(["stats", "s", "--json"], in: folder).output
      let match = try #require(try /"last_sequence":(\d+)/.firstMatch(in: stats))
      let rows = try #require(Int(match.1))
      let last = try Tool.run(["import", "s", "--resume"] + arguments, in: folder)
      #expect(last.status == 0, "\(last.errors)")
      let found = try #require(try /"resumption":{"entries":(\d+)/.firstMatch(in: last.output))
      let entries = try #require(Int(found.1))
      // The end of a page of 50, some batches of 40 rows before the last one.
      #expect(entries % 50 == 0)
      #expect(entries <= rows)
      #expect(entries >= rows - 50 - 12 * 40)
      #expect(last.output.contains("\"total\":\(12_000 - entries),"))
      #expect(last.output.contains("\"unchanged\":\(rows - entries)"))
      #expect(whole.status == 0)
      let expected = try Tool.run(["export", "whole"], in: folder).output
      #expect(try Tool.run(["export", "s"], in: folder).output == expected)
      // When all is read there is nothing left to go on from.
      let again = try Tool.run(["import", "s", "--resume"] + arguments, in: folder)
      #expect(again.output.contains("No interrupted import"), "\(again.output)")
      #expect(again.output.contains("\"inserted\":0"))
    }
  }
}
