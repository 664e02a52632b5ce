import LMDB

/// Removes the values of a dropped collection, in slices; a crash in between is continued at the next
/// opening, since the collection's number stays in `meta` until the end.
struct Reclamation {
  let collection: CollectionID

  func run(writer: Writer) throws(VectorStoreError) {
    let prefix = Key.prefix(collection)
    let tables: [any KeyPath<Tables, Table> & Sendable] = [
      \.wal, \.graph, \.glog, \.codes, \.ids, \.tombstones, \.records, \.vectors,
    ]
    for table in tables {
      try writer.removeAll(prefix: prefix, table)
      KillPoint.reach("drop.slice")
    }
    try writer.removeAll(prefix: Key.markPrefix(collection), \.meta)
    let id = collection
    try writer.maintain("forget a dropped collection") { (step) throws(VectorStoreError) in
      do throws(LMDBError) {
        try step.transaction.delete(Key.drop(id), in: step.tables.meta)
      } catch {
        throw VectorStoreError(error, during: "forget a dropped collection")
      }
      step.state.dropping.removeAll { $0 == id }
    }
  }
}
