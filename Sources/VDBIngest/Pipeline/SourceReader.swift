internal import Dispatch
internal import VDB

/// Reads a source, which may block, on a thread of its own for tasks, which must not.
final class SourceReader: Sendable {
  /// Some entries and how far the source is; no entries after the last ones.
  struct Page: Sendable {
    var entries: [TextEntry]?
    var share: Double?
  }

  private struct State {
    var waiter: Answer<Result<Page, any Error>>?
    var isCancelled = false
  }

  private let source: Guarded<any TextSource>
  private let queue = DispatchQueue(label: "vdb.ingest.read")
  private let state = Guarded(State())

  init(_ source: sending any TextSource) { self.source = Guarded(source) }

  /// The next page; an empty one after ``cancel()``, even while the read itself still blocks.
  func next(_ limit: Int) async throws -> Page {
    let result = await Answer<Result<Page, any Error>>.wait { answer in
      let isCancelled = state.withLock { state in
        if !state.isCancelled { state.waiter = answer }
        return state.isCancelled
      }
      if isCancelled {
        answer.give(.success(Page()))
        return
      }
      queue.async { [self] in
        let result = source.withLock { source in
          Result { Page(entries: try source.next(limit), share: source.share) }
        }
        takeWaiter()?.give(result)
      }
    }
    return try result.get()
  }

  /// Answers whoever waits; a read that blocks is left to end by itself.
  func cancel() {
    state.withLock { $0.isCancelled = true }
    takeWaiter()?.give(.success(Page()))
  }

  private func takeWaiter() -> Answer<Result<Page, any Error>>? {
    state.withLock { $0.waiter.take() }
  }
}
