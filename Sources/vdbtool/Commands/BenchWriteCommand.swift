import ArgumentParser
import Foundation
import Synchronization
import VDB
import VDBIngest

/// The command `vdbtool bench write`.
struct BenchWriteCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "write",
    abstract: "Durable rows a second, beside plain appended writes of the same bytes.",
    discussion: """
      Inserts made-up rows with ids and metadata into a fresh store, one commit a batch, and then \
      appends the same number of bytes to a plain file with one fdatasync a batch: the disk's own \
      limit, in the same run. With --callers it also counts the commits of small batches of many \
      concurrent callers against those of one.

      EXAMPLES
        vdbtool bench write
        vdbtool bench write --rows 1000000 --dimension 384 --batch-size 1000 --json
        vdbtool bench write --rows 2000 --batch-size 1 --callers 20
      """
  )

  @Option(help: ArgumentHelp("Rows to insert.", valueName: "n"))
  var rows = 200_000
  @Option(help: ArgumentHelp("Numbers per vector.", valueName: "n"))
  var dimension = 384
  @Option(help: ArgumentHelp("Rows of a commit.", valueName: "n"))
  var batchSize = 1000
  @Option(help: ArgumentHelp("Callers that insert at the same time.", valueName: "n"))
  var callers = 1
  @Option(help: "How numbers are kept.")
  var element: ElementType = .float32
  @Option(help: ArgumentHelp("Where the store is made; a temporary folder by default."))
  var scratch: String?
  @OptionGroup var json: JSONFlag

  func validate() throws {
    try requirePositive(rows, "rows")
    try requirePositive(dimension, "dimension")
    try requirePositive(batchSize, "batch-size")
    try requirePositive(callers, "callers")
  }

  func run() async throws {
    let folder =
      (scratch.map { URL(filePath: $0) } ?? FileManager.default.temporaryDirectory)
      .appending(path: "vdb-bench-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer {
      do { try FileManager.default.removeItem(at: folder) } catch {
        StandardError.write("vdbtool: left behind: '\(folder.path())': \(error)\n")
      }
    }
    let pattern = MadeUpRows(dimension: dimension)
    let one = callers > 1 ? try await insert(pattern, callers: 1, at: folder.path() + "/one") : nil
    let store = try await insert(pattern, callers: callers, at: folder.path() + "/store")
    let plain = try appendPlainly(pattern, to: folder.path() + "/plain")
    try report(store: store, one: one, plain: plain, rowBytes: pattern.bytesPerRow(element))
  }

  /// Seconds that the inserts took.
  private func insert(_ pattern: MadeUpRows, callers: Int, at path: String) async throws -> Double {
    let options = CollectionOptions(dimension: dimension, element: element, indexing: .manual)
    return try await VectorStore.with(path, StoreOptions()) { store in
      try await store.createCollection("bench", options)
      // Callers insert the same rows as one would, each a share of the batches.
      let batches = (rows + batchSize - 1) / batchSize
      let clock = ContinuousClock()
      let start = clock.now
      try await withThrowingTaskGroup(of: Void.self) { group in
        for caller in 0..<callers {
          group.addTask {
            for batch in stride(from: caller, to: batches, by: callers) {
              let first = batch * batchSize
              let made = pattern.batch(first: first, count: min(batchSize, rows - first))
              try await store.insertBatch(made, into: "bench")
            }
          }
        }
        try await group.waitForAll()
      }
      return (clock.now - start) / .seconds(1)
    }
  }

  /// Seconds that appending the same bytes takes with one fdatasync a batch.
  private func appendPlainly(_ pattern: MadeUpRows, to path: String) throws -> Double {
    let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL, 0o600)
    guard descriptor >= 0 else {
      throw Failure(status: .cannotCreate, message: "'\(path)' could not be made.")
    }
    defer { close(descriptor) }
    let bytes = [UInt8](repeating: 0xA5, count: batchSize * pattern.bytesPerRow(element))
    let clock = ContinuousClock()
    let start = clock.now
    for _ in 0..<((rows + batchSize - 1) / batchSize) {
      try Descriptor.write(bytes, to: descriptor)
      #if canImport(Darwin)
        _ = fcntl(descriptor, F_FULLFSYNC)
      #else
        fdatasync(descriptor)
      #endif
    }
    return (clock.now - start) / .seconds(1)
  }

  private func report(store: Double, one: Double?, plain: Double, rowBytes: Int) throws {
    let commits = Double((rows + batchSize - 1) / batchSize)
    if json.json {
      try StandardOutput.writeJSON { writer in
        writer.key("rows_per_s")
        writer.rounded(Double(rows) / store, 0)
        writer.key("commits_per_s")
        writer.rounded(commits / store, 0)
        writer.key("plain_rows_per_s")
        writer.rounded(Double(rows) / plain, 0)
        writer.key("of_plain")
        writer.rounded(plain / store, 3)
        if let one {
          writer.key("one_caller_commits_per_s")
          writer.rounded(commits / one, 0)
        }
        writer.key("bytes_per_row")
        writer.int(rowBytes)
      }
      return
    }
    var lines =
      "store          \(Text.grouped(Int(Double(rows) / store))) rows/s, "
      + "\(Text.grouped(Int(commits / store))) batches/s\n"
      + "plain appends  \(Text.grouped(Int(Double(rows) / plain))) rows/s "
      + "(the store reaches \(Text.fixed(plain / store, 2)) of it)\n"
    if let one {
      lines += "one caller     \(Text.grouped(Int(commits / one))) batches/s\n"
    }
    try StandardOutput.write(lines)
  }
}

/// Rows that look like real ones in size: vectors from a pattern, string ids, four metadata fields.
struct MadeUpRows: Sendable {
  /// Bytes of a row's id and metadata.
  static let recordBytes = 90
  let dimension: Int
  private let values: [Float]

  init(dimension: Int) {
    self.dimension = dimension
    var state: UInt64 = 0x5EED
    values = (0..<(dimension + 65_536)).map { _ in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Float(Int32(truncatingIfNeeded: state >> 32)) / Float(Int32.max)
    }
  }

  /// Bytes of a row's vector, id and metadata.
  func bytesPerRow(_ element: ElementType) -> Int {
    let number =
      switch element {
      case .float32: 4
      case .float16: 2
      case .int8: 1
      }
    return dimension * number + Self.recordBytes
  }

  func batch(first: Int, count: Int) -> RecordBatch {
    var numbers: [Float] = []
    numbers.reserveCapacity(count * dimension)
    for row in first..<(first + count) {
      let start = row &* 7919 & 0xFFFF
      numbers.append(contentsOf: values[start..<(start + dimension)])
    }
    return RecordBatch(
      ids: (first..<(first + count)).map { .string("row-\($0 &* 2_654_435_761 % 4_294_967_291)") },
      vectors: VectorRows(.float32(numbers), dimension: dimension),
      metadata: (first..<(first + count)).map { row in
        [
          "kind": .string(row % 3 == 0 ? "noun" : "verb"), "words": .int(Int64(row % 40)),
          "score": .double(Double(row) / 7), "tags": .array(["a", "b"]),
        ]
      }
    )
  }
}
