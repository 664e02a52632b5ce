#if HTTPEmbedding
  import HTTPTestSupport
  import Synchronization
  import TestSupport
  import Testing
  import VDB
  import VDBIngest

  @testable import VDBHTTPEmbedding

  /// One run of the pipeline against a scripted server, with all that can be seen of it.
  struct PipelineRun {
    /// Forty texts, in batches of eight; the texts' positions are their ids.
    static let texts = (0..<40).map { "text number \($0)" }
    /// Stands in the second batch.
    static let marked = texts[13]

    let report: IngestReport
    /// Documents and vectors by id.
    let stored: [String: Record]
    let requests: [ServerRequest]
    /// The waits before repetitions, in their order.
    let waits: [Duration]

    /// Imports ``texts``.
    ///
    /// A wait before a repetition takes no time. The time of a call is over when the server has taken one
    /// that it leaves without an answer, and at no other time; so there must be one call at a time if the
    /// script has silences.
    static func run(
      workers: Int = 1,
      retries: Int = 2,
      service change: (inout EmbeddingService) -> Void = { _ in },
      script: @escaping ScriptedServer.Script
    ) async throws -> PipelineRun {
      try await TemporaryFolder.with { folder in
        try await ScriptedServer.with(script) { server in
          var service = EmbeddingService(baseURL: server.url, model: "test")
          // Only the script decides what fails, however slow the machine is.
          service.connectTimeout = .seconds(3600)
          change(&service)
          let caller = try ServiceCaller(service, timer: { _ in try await server.silence.wait() })
          let embedder = try HTTPEmbedder(caller, dimension: 4)
          let waits = Waits()
          let store = try VectorStore.open(at: folder + "/s")
          let ingestor = try await TextIngestor(
            into: "a",
            of: store,
            embedder: embedder,
            configuration: IngestConfiguration(
              workers: workers,
              embedBatch: 8,
              retries: retries,
              sleep: { waits.add($0) }
            )
          )
          let ids = texts.indices.map { RecordID.integer(Int64($0)) }
          let report = try await ingestor.insert(texts, ids: ids)
          let records = try store.scroll("a", limit: 1000).records
          try await store.close()
          await embedder.close()
          return PipelineRun(
            report: report,
            stored: Dictionary(uniqueKeysWithValues: records.map { ($0.id.description, $0) }),
            requests: server.requests,
            waits: waits.all
          )
        }
      }
    }

    /// Every text is stored once with its own vector, or reported once; nothing is both.
    func expectEachOnce(failed expected: Set<Int>, _ place: SourceLocation = #_sourceLocation) {
      let failed = report.failedBatches.flatMap { $0.ids.map(\.description) }
      #expect(Set(failed) == Set(expected.map(String.init)), sourceLocation: place)
      #expect(failed.count == expected.count, "a text is reported twice", sourceLocation: place)
      #expect(report.failed == expected.count, sourceLocation: place)
      #expect(report.inserted == Self.texts.count - expected.count, sourceLocation: place)
      #expect(report.replaced == 0, sourceLocation: place)
      #expect(stored.count == Self.texts.count - expected.count, sourceLocation: place)
      for (index, text) in Self.texts.enumerated() where !expected.contains(index) {
        let record = stored["\(index)"]
        #expect(record?.document == text, sourceLocation: place)
        #expect(record?.vector == AnswerText.vector(text), sourceLocation: place)
      }
    }

    /// What the report says of failures.
    var errors: [String] { report.failedBatches.flatMap(\.errors) }
  }

  /// Waits that were asked for.
  final class Waits: Sendable {
    private let list = Mutex<[Duration]>([])
    var all: [Duration] { list.withLock { $0 } }
    func add(_ wait: Duration) { list.withLock { $0.append(wait) } }
  }
#endif
