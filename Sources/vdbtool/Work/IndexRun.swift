import VDB

/// Indexes a collection, shows how far it is, and measures the recall of what came of it.
struct IndexRun {
  let store: VectorStore
  let collection: String
  let progress: Progress
  var interrupt: Interrupt?
  /// Whether the recall is measured, where it is not known already.
  var calibrates = true

  /// Returns when every row is in the graph; `false` if it was interrupted before.
  func run() async throws -> Bool {
    let (store, collection) = (store, collection)
    let work = Task { [progress, calibrates] in
      try await store.index(collection)
      guard calibrates else { return }
      progress.update("Measuring recall", done: 0, total: nil)
      try await store.refreshRecall(collection)
    }
    let watch = Task { [progress] in
      for await status in store.indexStatusUpdates(of: collection) {
        if Task.isCancelled { break }
        progress.update("Indexing", done: status.indexed, total: status.rows)
      }
    }
    interrupt?.onRaise { work.cancel() }
    defer { watch.cancel() }
    do {
      try await work.value
    } catch {
      if interrupt?.isRaised == true { return false }
      throw error
    }
    return true
  }
}
