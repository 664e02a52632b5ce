import Foundation
import TestSupport
import Testing
import VDB

/// Imports: order, repetition, bad input, interruption.
struct ImportTests {
  private func writeVectors(_ rows: Int, to path: String) throws {
    var bytes = [UInt8]()
    for number in [UInt32(rows), 2] { withUnsafeBytes(of: number.littleEndian) { bytes += $0 } }
    for row in 0..<rows { bytes += [UInt8(row % 100 + 1), UInt8(row / 100 + 1)] }
    try Data(bytes).write(to: URL(filePath: path))
  }

  @Test func `rows keep the order of the file over many small batches`() async throws {
    try await TemporaryFolder.with { folder in
      try writeVectors(2000, to: folder + "/v.i8bin")
      let run = try Tool.run(
        "import",
        "s",
        "--vectors",
        "v.i8bin",
        "--batch-size",
        "7",
        "--indexing",
        "manual",
        "--json",
        in: folder
      )
      #expect(
        run.output.hasPrefix(
          #"{"collection":"default","rows":2000,"inserted":2000,"replaced":0,"last_sequence":2000,"#
        )
      )
      let store = try VectorStore.open(at: folder + "/s", options: StoreOptions(mode: .readOnly))
      let page = try store.scroll("default", limit: 2000, including: [])
      #expect(page.records.map(\.id) == (0..<2000).map { .integer($0) })
      try await store.close()
    }
  }

  @Test func `an import may be repeated, and ids that occur twice are told`() throws {
    try TemporaryFolder.with { folder in
      try writeVectors(20, to: folder + "/v.i8bin")
      for replaced in [0, 20] {
        let run = try Tool.run("import", "s", "--vectors", "v.i8bin", "--json", in: folder)
        #expect(run.status == 0)
        #expect(run.output.contains(#""replaced":\#(replaced),"#))
      }
      let twice = "{\"id\":1,\"vector\":[1]}\n{\"id\":1,\"vector\":[2]}\n"
      let apart = try Tool.run(
        "import",
        "t",
        "--vectors",
        "-",
        "--batch-size",
        "1",
        in: folder,
        input: twice
      )
      #expect(apart.status == 0)
      #expect(apart.errors.contains("1 ids occur more than once in the input"))
      let together = try Tool.run("import", "u", "--vectors", "-", in: folder, input: twice)
      // The first record is a batch of its own, because it tells the dimension.
      #expect(together.status == 0)
    }
  }

  static let refused: [([String], String?, Int32, String)] = [
    (["--vectors", "none.npy"], nil, 66, "vdbtool: 'none.npy': there is no such file."),
    (["--vectors", "v.csv"], nil, 65, "none of the known formats"),
    (["--vectors", "-"], "{\"vector\":[1]}\n{\"vector\":[1,2]}\n", 65, "line 2: the vector has 2"),
    (["--vectors", "-"], "{\"vector\":[1,}\n", 65, "line 1, column 14: expected a digit"),
    (["--vectors", "-"], "", 65, "there are no records"),
    (["--vectors", "-"], "{\"vector\":[0,0]}\n", 65, "zero vector"),
    (["--vectors", "v.i8bin", "--records", "-"], "{}\n", 65, "1 records for 3 rows"),
    (["--vectors", "v.i8bin", "--batch-size", "0"], nil, 64, "--batch-size must be at least 1"),
    (["--vectors", "v.i8bin", "--metric", "euclid"], nil, 64, "'euclid' is invalid"),
    (["--vectors", "v.i8bin", "--collection", "../x"], nil, 64, "is no collection name"),
    ([], nil, 64, "Give either --vectors FILE or --file FILE"),
  ]

  @Test(arguments: refused.indices)
  func `bad input has its exit code and a sentence`(index: Int) throws {
    let (arguments, input, status, says) = Self.refused[index]
    try TemporaryFolder.with { folder in
      try writeVectors(3, to: folder + "/v.i8bin")
      try Data("1,2".utf8).write(to: URL(filePath: folder + "/v.csv"))
      let (process, _, errors) = try Tool.start(
        ["import", "s"] + arguments + ["--json"],
        in: folder,
        input: try input.map { text -> Any in
          let file = URL(filePath: folder + "/input")
          try Data(text.utf8).write(to: file)
          return try FileHandle(forReadingFrom: file)
        } ?? FileHandle.nullDevice
      )
      process.waitUntilExit()
      let text = try String(contentsOf: errors, encoding: .utf8)
      #expect(process.terminationStatus == status, "\(text)")
      #expect(text.contains(says), "\(text)")
      #expect(text.hasSuffix("\"}}\n"), "with --json the error is an object too: \(text)")
    }
  }

  @Test func `another metric than the collection's is refused`() throws {
    try TemporaryFolder.with { folder in
      try writeVectors(3, to: folder + "/v.i8bin")
      #expect(try Tool.run("import", "s", "--vectors", "v.i8bin", in: folder).status == 0)
      let run = try Tool.run("import", "s", "--vectors", "v.i8bin", "--metric", "l2", in: folder)
      #expect(run.status == 65)
      #expect(run.errors.contains("has metric cosine, not l2"))
    }
  }

  @Test(arguments: [
    (["--vectors", "-"], "\"vector\":[1,2]"),
    (["--file", "-", "--embed", "hash:16"], "\"text\":\"a line\""),
  ])
  func `rows of an input that pauses are there before it ends`(
    input: [String],
    member: String
  ) throws {
    try TemporaryFolder.with { folder in
      let pipe = Pipe()
      let (process, _, errors) = try Tool.start(
        ["import", "s", "--quiet"] + input,
        in: folder,
        input: pipe
      )
      // Far from a batch, and the input stays open.
      try pipe.fileHandleForWriting.write(contentsOf: Data("{\"id\":1,\(member)}\n".utf8))
      while process.isRunning, try Tool.run("get", "s", "1", in: folder).status != 0 {
        usleep(20_000)
      }
      #expect(process.isRunning)
      try pipe.fileHandleForWriting.close()
      process.waitUntilExit()
      let text = try String(contentsOf: errors, encoding: .utf8)
      #expect(process.terminationStatus == 0, "\(text)")
    }
  }

  @Test func `an interrupted import keeps what it committed and says how much`() throws {
    try TemporaryFolder.with { folder in
      let pipe = Pipe()
      let (process, _, errors) = try Tool.start(
        ["import", "s", "--vectors", "-", "--batch-size", "10", "--indexing", "manual"],
        in: folder,
        input: pipe
      )
      for row in 1...100 {
        let line = "{\"id\":\(row),\"vector\":[\(row),1]}\n"
        try pipe.fileHandleForWriting.write(contentsOf: Data(line.utf8))
      }
      // The input stays open: the import waits for more until the signal comes.
      let store = folder + "/s"
      for _ in 0..<100 where !FileManager.default.fileExists(atPath: store) { usleep(50_000) }
      usleep(500_000)
      process.interrupt()
      process.waitUntilExit()
      #expect(process.terminationReason == .exit)
      #expect(process.terminationStatus == 130)
      let text = try String(contentsOf: errors, encoding: .utf8)
      let parts = text.split(separator: " ").compactMap { Int($0) }
      let committed = try #require(parts.first)
      let export = try Tool.run("export", "s", in: folder)
      #expect(export.output.split(separator: "\n").count == committed, "\(text)")
      #expect(committed > 0)
    }
  }
}
