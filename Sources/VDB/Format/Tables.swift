import LMDB

/// The sub-databases, resolved once before any snapshot is shared.
struct Tables: Sendable {
  let meta: Table
  let collections: Table
  let wal: Table
  let vectors: Table
  let codes: Table
  let records: Table
  let ids: Table
  let tombstones: Table
  let graph: Table
  let glog: Table

  static let names = [
    "meta", "collections", "wal", "vectors", "codes", "records", "ids", "tombstones", "graph",
    "glog",
  ]

  /// Creates what is missing.
  init(creatingIn transaction: inout WriteTransaction) throws(LMDBError) {
    meta = try transaction.openTable(named: "meta")
    collections = try transaction.openTable(named: "collections")
    wal = try transaction.openTable(named: "wal")
    vectors = try transaction.openTable(named: "vectors")
    codes = try transaction.openTable(named: "codes")
    records = try transaction.openTable(named: "records")
    ids = try transaction.openTable(named: "ids")
    tombstones = try transaction.openTable(named: "tombstones")
    graph = try transaction.openTable(named: "graph")
    glog = try transaction.openTable(named: "glog")
  }

  /// Resolves what must be there.
  init(in transaction: borrowing ReadTransaction, path: String) throws(VectorStoreError) {
    meta = try Self.resolve("meta", in: transaction, path: path)
    collections = try Self.resolve("collections", in: transaction, path: path)
    wal = try Self.resolve("wal", in: transaction, path: path)
    vectors = try Self.resolve("vectors", in: transaction, path: path)
    codes = try Self.resolve("codes", in: transaction, path: path)
    records = try Self.resolve("records", in: transaction, path: path)
    ids = try Self.resolve("ids", in: transaction, path: path)
    tombstones = try Self.resolve("tombstones", in: transaction, path: path)
    graph = try Self.resolve("graph", in: transaction, path: path)
    glog = try Self.resolve("glog", in: transaction, path: path)
  }

  private static func resolve(
    _ name: String,
    in transaction: borrowing ReadTransaction,
    path: String
  ) throws(VectorStoreError) -> Table {
    do throws(LMDBError) {
      if let table = try transaction.openTable(named: name) { return table }
    } catch {
      throw VectorStoreError(error, during: "open the table '\(name)'")
    }
    throw .notAStore(path: path, reason: "its data file has no table '\(name)'")
  }

  /// The tables with their names, for statistics and verification.
  var all: [(name: String, table: Table)] {
    Array(
      zip(
        Self.names,
        [meta, collections, wal, vectors, codes, records, ids, tombstones, graph, glog]
      )
    ).map { (name: $0.0, table: $0.1) }
  }
}
