internal import Dispatch
internal import Synchronization

/// Reads a source, which may block, on a thread of its own for tasks, which must not.
final class SourceReader: Sendable {
  /// Some entries and how far the source is; no entries after the last ones.
  struct Page: Sendable {
    var entries: [TextEntry]?
    var share: Double?
    /// Where the source is after the entries, when it can be resumed there.
    var position: SourcePosition?
  }

  private struct State {
    var waiter: CheckedContinuation<Result<Page, any Error>, Never>?
    var isCancelled = false
  }

  private let source: Mutex<any TextSource>
  private let queue = DispatchQueue(label: "vdb.ingest.read")
  private let state = Guarded(State())

  init(_ source: sending any TextSource) { self.source = Mutex(source) }

  /// The next page; an empty one after ``cancel()``, even while the read itself still blocks.
  func next(_ limit: Int) async throws -> Page {
    let result = await withCheckedContinuation { continuation in
      let isCancelled = state.withLock { state in
        if !state.isCancelled { state.waiter = continuation }
        return state.isCancelled
      }
      if isCancelled {
        continuation.resume(returning: .success(Page()))
        return
      }
      queue.async { [self] in
        let result = source.withLock { source in
          Result {
            let entries = try source.next(limit)
            let position = (source as? any ResumableSource)?.position
            return Page(entries: entries, share: source.share, position: position)
          }
        }
        takeWaiter()?.resume(returning: result)
      }
    }
    return try result.get()
  }

  /// Answers whoever waits; a read that blocks is left to end by itself.
  func cancel() {
    state.withLock { $0.isCancelled = true }
    takeWaiter()?.resume(returning: .success(Page()))
  }

  private func takeWaiter() -> CheckedContinuation<Result<Page, any Error>, Never>? {
    state.withLock { $0.waiter.take() }
  }
}
