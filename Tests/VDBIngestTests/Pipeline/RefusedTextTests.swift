import Testing
import VDB
import VDBIngest

/// Texts that a service refuses, and services that refuse every text.
struct RefusedTextTests {
  private static let texts = (0..<512).map { "text number \($0)" }
  private static let ids = texts.indices.map { RecordID.integer(Int64($0)) }

  /// Imports ``texts``, a call of 256 at a time, one call after the other.
  private func run(
    _ script: @escaping @Sendable (_ texts: [String], _ attempt: Int) -> FaultyEmbedder.Fault?
  ) async throws -> (report: IngestReport, stored: [RecordID], calls: Int) {
    try await withStore { store in
      let embedder = FaultyEmbedder(script: script)
      let report = try await ingest(
        texts: Self.texts,
        ids: Self.ids,
        into: "a",
        of: store,
        embedder: embedder,
        configuration: IngestConfiguration(workers: 1, embedBatch: 256)
      )
      let records = try store.scroll("a", limit: 1000).records
      for record in records {
        #expect(record.vector == FaultyEmbedder.vector(record.document ?? ""))
      }
      #expect(report.embedding.calls == embedder.calls)
      return (report, records.map(\.id), embedder.calls)
    }
  }

  @Test(arguments: [400, 422], [0, 100, 255])
  func `one text that is refused fails alone`(status: Int, bad: Int) async throws {
    let run = try await run { texts, _ in
      texts.contains(Self.texts[bad]) ? .bad(status, "a text is bad") : nil
    }
    #expect(run.report.failedBatches.map(\.ids) == [[Self.ids[bad]]])
    #expect(run.report.failedBatches[0].errors.count == 1)
    #expect(run.report.failedBatches[0].errors[0].contains("\(status): a text is bad"))
    #expect(run.stored == Self.ids.filter { $0 != Self.ids[bad] })
    // Two batches; the halves of eight calls; at five sizes above eight, one or two texts alone.
    #expect(run.calls <= 2 + 2 * 8 + 2 * 5)
  }

  @Test func `scattered texts that are refused fail alone, and so does a run of them`() async throws
  {
    let bad = Set([0, 85, 170, 255, 300] + Array(400..<440))
    let names = Set(bad.map { Self.texts[$0] })
    let run = try await run { texts, _ in
      // In words of its own for each text.
      texts.first { names.contains($0) }.map { .bad(400, "\($0) is bad") }
    }
    #expect(run.report.failed == bad.count)
    #expect(run.stored == Self.ids.indices.filter { !bad.contains($0) }.map { Self.ids[$0] })
  }

  @Test func `a service that refuses every text costs five calls a batch`() async throws {
    let run = try await run { _, _ in .bad(400, "no such model") }
    #expect(run.calls == 2 * 5)
    #expect(run.report.failed == 512)
    let halves = [Array(Self.ids[..<256]), Array(Self.ids[256...])]
    #expect(run.report.failedBatches.map(\.ids) == halves)
    for batch in run.report.failedBatches {
      #expect(batch.errors.count == 2)
      #expect(batch.errors.allSatisfy { $0.contains("400: no such model") }, "\(batch.errors)")
    }
    #expect(run.stored.isEmpty)
  }

  @Test func `a service that takes one text alone costs few calls`() async throws {
    let run = try await run { texts, _ in
      texts == [Self.texts[0]] ? nil : .bad(422, "nothing more")
    }
    #expect(run.stored == [Self.ids[0]])
    #expect(run.report.failed == 511)
    // The batch, its halves of four more sizes: 2 calls for the one with the text, 5 for the other. Of the
    // last sixteen each. The other batch.
    #expect(run.calls == 2 + 4 * (2 + 5) + 2 * 15 + 5)
  }

  @Test func `what passes when it is sent again is stored`() async throws {
    let run = try await run { texts, attempt in
      texts.count == 256 && attempt == 0 ? .bad(400, "not now") : nil
    }
    #expect(run.report.failed == 0)
    #expect(run.stored == Self.ids)
  }

  @Test(arguments: [401, 403, 404])
  func `other refusals end the batch at once`(status: Int) async throws {
    let run = try await run { _, _ in .bad(status, "no") }
    #expect(run.calls == 2)
    #expect(run.report.failed == 512)
  }
}
