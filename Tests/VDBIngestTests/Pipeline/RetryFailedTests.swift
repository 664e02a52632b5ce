import Foundation
import TestSupport
import Testing
import VDB

@testable import VDBIngest

/// Trying again what a report says failed.
struct RetryFailedTests {
  private static let texts = (0..<100).map { "text number \($0)" }

  @Test func `only what failed is embedded again, and the report says so`() async throws {
    try await withStore { store in
      // A service that has no answer for these texts today, and one that has for all tomorrow.
      let today = FaultyEmbedder { texts, _ in
        texts.contains(Self.texts[15]) || texts.contains(Self.texts[73]) ? .error : nil
      }
      var configuration = IngestConfiguration(embedBatch: 10, retries: 0)
      let first = try await ingest(
        texts: Self.texts,
        into: "x",
        of: store,
        embedder: today,
        configuration: configuration
      )
      #expect(first.failed == 20)
      #expect(first.retry == nil)
      // As it is read back from a file.
      let read = try JSONDecoder().decode(
        IngestReport.self,
        from: try JSONEncoder().encode(first)
      )
      configuration.only = Set(read.failedBatches.flatMap { $0.ids.map(\.description) })
      // Two of those that failed are not in the source any more.
      let left = Self.texts.enumerated().filter { ![10, 79].contains($0.offset) }.map(\.element)
      let second = try await ingest(
        texts: left,
        into: "x",
        of: store,
        embedder: FaultyEmbedder(),
        configuration: configuration
      )
      #expect(second.inserted == 18)
      #expect(second.skipped == 80)
      #expect(second.unchanged == 0)
      #expect(second.embedding.texts == 18)
      #expect(second.retry == IngestReport.Retry(wanted: 20, found: 18))
      #expect(try store.count(in: "x") == 98)
    }
  }
}
