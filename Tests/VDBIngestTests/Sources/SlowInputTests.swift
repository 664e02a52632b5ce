import Foundation
import TestSupport
import Testing
import VDB

@testable import VDBIngest

/// Input that comes slowly: what has come is not kept waiting for what has not.
struct SlowInputTests {
  /// A stream that the test writes to, at a path.
  private final class Stream {
    private let pipe = Pipe()
    var path: String { "/dev/fd/\(pipe.fileHandleForReading.fileDescriptor)" }

    func write(_ text: String) throws {
      try pipe.fileHandleForWriting.write(contentsOf: Data(text.utf8))
    }

    func close() throws { try pipe.fileHandleForWriting.close() }
  }

  @Test func `a page of lines ends where the stream lets its reader wait`() throws {
    let stream = Stream()
    let source = try LinesSource(path: stream.path)
    try stream.write("one\ntwo\nthr")
    #expect(try source.next(100)?.map(\.text) == ["one", "two"])
    try stream.write("ee\n")
    #expect(try source.next(100)?.map(\.text) == ["three"])
    try stream.write("four\nfive")
    try stream.close()
    #expect(try source.next(100)?.map(\.text) == ["four", "five"])
    #expect(try source.next(100) == nil)
  }

  @Test func `a page of JSON Lines ends where the stream lets its reader wait`() throws {
    let stream = Stream()
    let source = try JSONLinesSource(path: stream.path)
    try stream.write("{\"text\":\"one\"}\n{\"text\":\"two\"}\n{\"te")
    #expect(try source.next(100)?.map(\.text) == ["one", "two"])
    try stream.write("xt\":\"three\"}\n{\"text\":\"four\"}")
    try stream.close()
    #expect(try source.next(100)?.map(\.text) == ["three", "four"])
    #expect(try source.next(100) == nil)
  }

  @Test func `a page of a table ends where the stream lets its reader wait`() throws {
    let stream = Stream()
    try stream.write("id,text\n1,one\n2,\"two\nlines\"\n3,\"thr")
    let source = try TableSource(path: stream.path)
    #expect(try source.next(100)?.map(\.text) == ["one", "two\nlines"])
    try stream.write("ee\"\n4,four")
    try stream.close()
    #expect(try source.next(100)?.map(\.text) == ["three", "four"])
    #expect(try source.next(100) == nil)
  }

  @Test func `a long line that comes in pieces is read whole`() throws {
    let stream = Stream()
    let source = try LinesSource(path: stream.path)
    // Less than a pipe holds, so that writing does not wait for the reader.
    let piece = String(repeating: "x", count: 20_000)
    try stream.write("one\n")
    for _ in 0..<3 { try stream.write(piece) }
    #expect(try source.next(100)?.map(\.text) == ["one"])
    for _ in 0..<3 { try stream.write(piece) }
    try stream.write("\nlast\n")
    #expect(try source.next(1)?.map(\.text) == [String(repeating: piece, count: 6)])
    #expect(try source.next(100)?.map(\.text) == ["last"])
  }

  @Test func `a batch of vectors ends after the idle time`() throws {
    let stream = Stream()
    for row in 1...3 { try stream.write("{\"id\":\(row),\"vector\":[\(row),1]}\n") }
    let page = try RecordFileReader(path: stream.path).next(100, idleTime: .zero)
    #expect(page?.ids == [1, 2, 3])
    try stream.close()
  }

  /// A source whose next page comes when the test gives it.
  private final class Given: TextSource, Sendable {
    let count: Int? = nil
    let share: Double? = nil
    private let pages = Guarded<[[TextEntry]?]>([])
    private let arrivals = DispatchSemaphore(value: 0)

    /// Gives texts, or the end.
    func give(_ texts: [String]?) {
      pages.withLock { $0.append(texts?.map { TextEntry(text: $0) }) }
      arrivals.signal()
    }

    func next(_ limit: Int) -> [TextEntry]? {
      arrivals.wait()
      return pages.withLock { $0.removeFirst() }
    }
  }

  @Test func `what came is committed once nothing follows for the idle time`() async throws {
    try await withStore { store in
      let (source, begun, over) = (Given(), Signal(), Signal())
      var configuration = IngestConfiguration(
        workers: 2,
        embedBatch: 100,
        writeBatch: 100,
        idleTime: .seconds(7)
      )
      configuration.idleTimer = { time in
        #expect(time == .seconds(7))
        begun.raise()
        try await over.wait()
      }
      let ingestor = try await TextIngestor(
        into: "a",
        of: store,
        embedder: FaultyEmbedder(),
        configuration: configuration
      )
      let run = Task { try await ingestor.insert(source) }
      for (number, texts) in [["one", "two"], ["three"]].enumerated() {
        let before = try store.count(in: "a")
        source.give(texts)
        try await begun.wait()
        // Far from a batch, and nobody has said that the time is over.
        #expect(try store.count(in: "a") == before)
        over.raise()
        while try store.count(in: "a") < before + texts.count {
          try await Task.sleep(for: .milliseconds(1))
        }
        #expect(try store.count(in: "a") == [2, 3][number])
      }
      source.give(["four"])
      source.give(nil)
      let report = try await run.value
      #expect(report.inserted == 4)
      #expect(report.failedBatches.isEmpty)
      let stored = try store.scroll("a", limit: 9).records.map(\.document)
      #expect(stored == ["one", "two", "three", "four"])
    }
  }

  @Test func `without an idle time nothing is committed before there is a batch`() async throws {
    try await withStore { store in
      let source = Given()
      var configuration = IngestConfiguration(writeBatch: 100, idleTime: nil)
      configuration.idleTimer = { _ in Issue.record("nobody waits") }
      let ingestor = try await TextIngestor(
        into: "a",
        of: store,
        embedder: FaultyEmbedder(),
        configuration: configuration
      )
      let run = Task { try await ingestor.insert(source) }
      source.give(["one"])
      source.give(["two"])
      source.give(nil)
      #expect(try await run.value.inserted == 2)
    }
  }

  @Test func `an import that waits for its input ends when it is cancelled`() async throws {
    try await withStore { store in
      let (source, begun) = (Given(), Signal())
      var configuration = IngestConfiguration()
      configuration.idleTimer = { _ in
        begun.raise()
        // Until it is cancelled.
        try await Signal().wait()
      }
      let ingestor = try await TextIngestor(
        into: "a",
        of: store,
        embedder: FaultyEmbedder(),
        configuration: configuration
      )
      let run = Task { try await ingestor.insert(source) }
      source.give(["one"])
      try await begun.wait()
      run.cancel()
      let stopped = await #expect(throws: IngestStopped.self) { try await run.value }
      #expect(stopped?.cause is CancellationError)
      // The read that blocks ends by itself.
      source.give(nil)
    }
  }
}
