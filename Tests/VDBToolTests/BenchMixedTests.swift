import Foundation
import TestSupport
import Testing

/// `bench mixed` on a few rows: what it says of itself, not how quick it was.
struct BenchMixedTests {
  private struct Inflow: Decodable {
    var rows: Int
    var rowsPerS: Double
    var unlinkedMost: Int
    var batchSize: Int
    var backlog: Int?
    var turns: [Turn]
  }

  private struct Turn: Decodable {
    var rows: Int
    var duringQps: Double
  }

  private struct Output: Decodable {
    var steady: Inflow?
    var burst: Inflow?
    var linkedOnly: Bool
  }

  /// Rows of three numbers: the counts, then the numbers, little endian.
  private static func file(of rows: Int) -> Data {
    var words = [UInt32(rows), 3]
    for row in 0..<rows {
      let numbers: [Float] = [Float(row), Float(row * row % 101), 1]
      words += numbers.map(\.bitPattern)
    }
    var data = Data()
    for word in words {
      for byte in 0..<4 as Range<UInt32> {
        data.append(UInt8(truncatingIfNeeded: word >> (8 * byte)))
      }
    }
    return data
  }

  private func bench(_ arguments: String..., in folder: String) throws -> Tool.Run {
    try Self.file(of: 300).write(to: URL(filePath: folder + "/base.fbin"))
    try Self.file(of: 5).write(to: URL(filePath: folder + "/queries.fbin"))
    return try Tool.run(
      ["bench", "mixed", "--base", "base.fbin", "--queries", "queries.fbin", "--quiet"]
        + ["--scratch", folder, "--seconds", "0.1", "--indexing-threads", "1"] + arguments,
      in: folder
    )
  }

  @Test func `inserts the same rows steadily and in a burst`() throws {
    try TemporaryFolder.with { folder in
      let run = try bench("--batch-size", "50", "--backlog", "75", "--json", in: folder)
      #expect(run.status == 0, "\(run.errors)")
      let decoder = JSONDecoder()
      decoder.keyDecodingStrategy = .convertFromSnakeCase
      let output = try decoder.decode(Output.self, from: Data(run.output.utf8))
      let steady = try #require(output.steady)
      #expect(steady.rows == 150 && steady.rowsPerS > 0)
      #expect(steady.unlinkedMost <= 75)
      #expect(steady.turns.map(\.rows) == [50, 50, 50])
      #expect(steady.turns.allSatisfy { $0.duringQps > 0 })
      #expect(steady.batchSize == 50 && steady.backlog == 75)
      let burst = try #require(output.burst)
      #expect(burst.rows == 150 && burst.batchSize == 50 && burst.backlog == nil)
      #expect(burst.turns.count == 1)
      #expect(!output.linkedOnly)
    }
  }

  @Test func `measures one of them alone, and names it`() throws {
    try TemporaryFolder.with { folder in
      let run = try bench("--burst", "--batch-size", "100", "--linked-only", in: folder)
      #expect(run.status == 0, "\(run.errors)")
      #expect(
        run.output.hasPrefix("burst: commits of 100 rows, as fast as the disk takes them\n")
      )
      #expect(!run.output.contains("steady"))
      let left = try FileManager.default.contentsOfDirectory(atPath: folder)
      #expect(!left.contains { $0.hasPrefix("vdb-bench") })
    }
  }

  @Test func `refuses a backlog without room for a commit`() throws {
    try TemporaryFolder.with { folder in
      let run = try bench("--backlog", "99", in: folder)
      #expect(run.status != 0)
      #expect(run.errors.contains("--backlog 99 must leave room for a commit of 100 rows."))
    }
  }
}
