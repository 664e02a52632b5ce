import ArgumentParser
import VDB

/// What a collection is created as; for one that exists, what it must be.
struct NewCollectionOptions: ParsableArguments {
  @Option(help: "How distance is measured; cosine in a new collection.")
  var metric: Metric?

  @Option(help: "How numbers are kept; in a new collection as they come (float64 as float32).")
  var element: ElementType?

  @Option(help: "When rows of a new collection are indexed (default: background).")
  var indexing: IndexingMode?

  @Option(help: ArgumentHelp("Links a node of a new collection's graph makes.", valueName: "n"))
  var m: Int?

  @Option(
    help: ArgumentHelp("Candidates looked at for each node of a new graph.", valueName: "n")
  )
  var efConstruction: Int?

  /// Creates the collection, or checks the one there; returns whether it is new.
  func ensure(
    _ name: String,
    in store: VectorStore,
    dimension: Int,
    element native: ElementType,
    model: String?
  ) async throws -> Bool {
    if let existing = try store.findCollection(name) {
      try check(existing, dimension: dimension, model: model)
      return false
    }
    var index = IndexParameters()
    if let m { index.m = m }
    if let efConstruction { index.efConstruction = efConstruction }
    let options = CollectionOptions(
      dimension: dimension,
      metric: metric ?? .cosine,
      element: element ?? native,
      index: index,
      indexing: indexing ?? .background,
      model: model
    )
    try await store.createCollection(name, options)
    return true
  }

  private func check(_ existing: CollectionInfo, dimension: Int, model: String?) throws {
    let options = existing.options
    func same<Value: Equatable>(_ property: String, _ old: Value, _ new: Value?) throws {
      guard let new, new != old else { return }
      throw VectorStoreError.collectionMismatch(
        name: existing.name,
        property: property,
        existing: "\(old)",
        requested: "\(new)"
      )
    }
    // The model first: where that is another one, the dimension is as well.
    if let model, let known = options.model, model != known {
      throw VectorStoreError.modelMismatch(
        collection: existing.name,
        existing: known,
        requested: model
      )
    }
    try same("dimension", options.dimension, dimension)
    try same("metric", options.metric, metric)
    try same("element", options.element, element)
    try same("indexing", options.indexing, indexing)
    try same("m", options.index.m, m)
    try same("efConstruction", options.index.efConstruction, efConstruction)
  }
}
