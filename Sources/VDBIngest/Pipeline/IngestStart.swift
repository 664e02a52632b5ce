internal import VDB

/// Where a run begins: at the beginning of its source, or where an interrupted one had committed.
struct IngestStart: Sendable {
  var selection: Selection
  /// How far the source is committed; `nil` when it cannot be resumed.
  var cursor: SourceCursor?
  var resumption: IngestReport.Resumption?

  /// Finds the place and brings the source there.
  ///
  /// - Throws: What the source throws when it cannot be read on, and errors of the store.
  init(
    _ source: any TextSource,
    _ configuration: IngestConfiguration,
    model: String,
    store: VectorStore,
    collection: String
  ) throws {
    selection = Selection(
      allowsDuplicates: configuration.allowsDuplicates,
      only: configuration.only
    )
    // A run on some entries says nothing about the others.
    guard configuration.only == nil, let resumable = source as? any ResumableSource,
      let identity = resumable.identity
    else {
      note(configuration, "This source cannot be resumed: it is read from its beginning.")
      return
    }
    let settings = [
      configuration.cleaner.name, "duplicates \(configuration.allowsDuplicates)",
      "original \(configuration.keepOriginal)", model,
    ].joined(separator: ", ")
    var cursor = try SourceCursor(
      identity,
      settings: settings,
      store: store,
      collection: collection
    )
    selection.keepLog()
    if configuration.resumes {
      switch try cursor.find(in: store, collection) {
      case .nothing: note(configuration, "No interrupted import of this source is known.")
      case .changed(let reason):
        note(configuration, reason + ": it is read from its beginning.")
      case .place(let place, let logs):
        try resumable.skip(to: place.position)
        for log in logs { selection.replay(log) }
        cursor.resume(from: place)
        resumption = IngestReport.Resumption(entries: place.entries, note: nil)
      }
    }
    self.cursor = cursor
  }

  private mutating func note(_ configuration: IngestConfiguration, _ reason: String) {
    guard configuration.resumes else { return }
    resumption = IngestReport.Resumption(
      entries: 0,
      note: reason + " What is stored is left out."
    )
  }
}
