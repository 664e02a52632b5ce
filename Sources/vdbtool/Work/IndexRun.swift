import VDB

/// Indexes a collection and shows how far it is.
struct IndexRun {
  let store: VectorStore
  let collection: String
  let progress: Progress
  var interrupt: Interrupt?

  /// Returns when every row is in the graph; `false` if it was interrupted before.
  func run() async throws -> Bool {
    let (store, collection) = (store, collection)
    let work = Task { try await store.index(collection) }
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
