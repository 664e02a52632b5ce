import Foundation
import TestSupport
import Testing
import VDB

@testable import VDBIngest

/// Going on where an interrupted run had committed.
struct ResumeTests {
  /// A source that breaks off after some pages, like a process that ends there.
  private final class BrokenSource: ResumableSource {
    struct Broken: Error {}
    private let source: any ResumableSource
    private var pagesLeft: Int

    init(_ source: any ResumableSource, pages: Int) {
      self.source = source
      pagesLeft = pages
    }

    var count: Int? { nil }
    var share: Double? { nil }
    var identity: SourceIdentity? { source.identity }
    var position: SourcePosition { source.position }
    func skip(to position: SourcePosition) throws { try source.skip(to: position) }
    func next(_ limit: Int) throws -> [TextEntry]? {
      if pagesLeft == 0 { throw Broken() }
      pagesLeft -= 1
      return try source.next(limit)
    }
  }

  enum Form: CaseIterable {
    case jsonLines, lines, table, folder, labelled
  }

  /// Texts of which some are equal after cleaning, under other ids, far from each other.
  private static func write(_ form: Form, to path: String) throws {
    var text = ""
    switch form {
    case .jsonLines, .labelled:
      text = "\u{FEFF}"
      for number in 0..<300 {
        let id = number % 3 == 0 ? "" : "\"id\":\(number % 280),"
        text += "{\(id)\"text\":\"note  \(number % 170)\",\"n\":\(number)}\r\n"
        if number % 50 == 0 { text += "\n" }
      }
    case .lines:
      text = (0..<300).map { "line \($0 % 170)\n\($0 % 7 == 0 ? "\r\n" : "")" }.joined()
    case .table:
      text = "id,text,n\r\n"
      for number in 0..<300 {
        text += "\(number % 280),\"note, \(number % 170)\n\"\"quoted\"\"\",\(number)\r\n"
      }
    case .folder:
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
      for file in 0..<20 {
        let text = (0..<file).map { "# Part \($0)\nText \(file * $0 % 90).\n" }.joined()
        try Data(text.utf8).write(to: URL(filePath: "\(path)/\(file).md"))
      }
      return
    }
    try Data(text.utf8).write(to: URL(filePath: path))
  }

  private static func open(_ form: Form, _ path: String) throws -> any ResumableSource {
    switch form {
    case .jsonLines: try JSONLinesSource(path: path)
    case .lines: try LinesSource(path: path)
    case .table: try TableSource(path: path)
    case .folder: try FolderSource(path: path)
    case .labelled: LabelledSource(try JSONLinesSource(path: path), metadata: ["source": "x"])
    }
  }

  private static func insert(
    _ form: Form,
    _ path: String,
    pages: Int = .max,
    _ store: VectorStore,
    _ collection: String,
    allowsDuplicates: Bool = false,
    resumes: Bool = false,
    embedder: FaultyEmbedder = FaultyEmbedder()
  ) async throws -> IngestReport {
    let ingestor = try await TextIngestor(
      into: collection,
      of: store,
      embedder: embedder,
      configuration: IngestConfiguration(
        loadBatch: 10,
        cleanBatch: 7,
        embedBatch: 4,
        writeBatch: 9,
        retries: 0,
        allowsDuplicates: allowsDuplicates,
        resumes: resumes
      )
    )
    return try await ingestor.insert(BrokenSource(open(form, path), pages: pages))
  }

  @Test(arguments: Form.allCases, [false, true])
  func `gives what an uninterrupted run gives`(form: Form, allowsDuplicates: Bool) async throws {
    try await TemporaryFolder.with { folder in
      let path = folder + "/source"
      try Self.write(form, to: path)
      let store = try VectorStore.open(at: folder + "/s")
      let whole = try await Self.insert(
        form,
        path,
        store,
        "whole",
        allowsDuplicates: allowsDuplicates
      )
      #expect(whole.resumption == nil)
      #expect(try store.marks(of: "whole") == [])
      var read = 0
      for pages in [3, 1, 6, 0, 2] {
        // Another object each time, as another process has.
        let stopped = await #expect(throws: IngestStopped.self) {
          _ = try await Self.insert(
            form,
            path,
            pages: pages,
            store,
            "parts",
            allowsDuplicates: allowsDuplicates,
            resumes: true
          )
        }
        let report = try #require(stopped?.report)
        #expect(report.resumption?.entries == read)
        read += report.total
        #expect(
          read == [3, 4, 10, 10, 12][[3, 1, 6, 0, 2].prefix(while: { $0 != pages }).count] * 10
        )
      }
      let last = try await Self.insert(
        form,
        path,
        store,
        "parts",
        allowsDuplicates: allowsDuplicates,
        resumes: true
      )
      #expect(last.resumption == IngestReport.Resumption(entries: 120, note: nil))
      #expect(last.total == whole.total - 120)
      #expect(last.unchanged == 0)
      #expect(try store.marks(of: "parts") == [])
      let expected = try store.scroll("whole").records
      #expect(try store.scroll("parts").records == expected)
      try await store.close()
    }
  }

  @Test func `begins anew where the source or the settings have changed, and says so`() async throws
  {
    try await TemporaryFolder.with { folder in
      let path = folder + "/t.txt"
      try Self.write(.lines, to: path)
      let store = try VectorStore.open(at: folder + "/s")
      func interrupt() async {
        await #expect(throws: IngestStopped.self) {
          _ = try await Self.insert(.lines, path, pages: 5, store, "x")
        }
      }
      let none = try await Self.insert(.lines, path, store, "y", resumes: true)
      #expect(none.resumption?.note?.contains("No interrupted import") == true)
      await interrupt()
      let settings = try await Self.insert(
        .lines,
        path,
        store,
        "x",
        allowsDuplicates: true,
        resumes: true
      )
      #expect(settings.resumption?.note?.contains("settings are others") == true)
      #expect(settings.total == 300)
      #expect(settings.unchanged == 50)
      await interrupt()
      // The same size, and one byte that is another.
      var bytes = Array(try Data(contentsOf: URL(filePath: path)))
      bytes[0] = 0x4C
      try Data(bytes).write(to: URL(filePath: path))
      let changed = try await Self.insert(.lines, path, store, "x", resumes: true)
      #expect(changed.resumption?.note?.contains("source has changed") == true)
      #expect(changed.total == 300)
      #expect(try store.marks(of: "x") == [])
      try await store.close()
    }
  }

  @Test func `stays before what failed, so that it is tried again`() async throws {
    try await TemporaryFolder.with { folder in
      let path = folder + "/t.txt"
      try Self.write(.lines, to: path)
      let store = try VectorStore.open(at: folder + "/s")
      let failing = FaultyEmbedder { texts, _ in texts.contains("line 57") ? .refused : nil }
      let first = try await Self.insert(
        .lines,
        path,
        store,
        "x",
        embedder: failing
      )
      #expect(first.failed > 0)
      let second = try await Self.insert(.lines, path, store, "x", resumes: true)
      // Later pages may be embedded before an earlier one is committed, so how far it is varies.
      #expect(second.resumption.map { $0.entries <= 50 } == true)
      #expect(second.inserted == first.failed)
      #expect(try store.texts(of: "x").count == 170)
      #expect(try store.marks(of: "x") == [])
      try await store.close()
    }
  }

  @Test func `a log of texts and ids survives being stored in parts`() throws {
    var log = SelectionLog()
    for number in 0..<UInt64(2 * SelectionLog.partEntries + 5) {
      log.texts.append(number &* 0x9E37_79B9_7F4A_7C15)
      log.ids.append(number % 3 == 0 ? 0 : number)
    }
    let parts = log.parts
    #expect(parts.count == 3)
    #expect(parts.allSatisfy { $0.count <= VDBLimits.markBytes })
    var again = SelectionLog()
    for part in parts {
      let read = try #require(SelectionLog(part: part))
      again.texts += read.texts
      again.ids += read.ids
    }
    #expect(again == log)
    #expect(SelectionLog(part: [1, 2, 3]) == nil)
  }
}
