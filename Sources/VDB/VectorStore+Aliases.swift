import LMDB

/// Names that stand for collections: programs ask for "current", and what that is changes in one commit.
///
///     try await store.setAlias("current", to: "notes-2")
///     let hits = try store.search(query, in: "current")
///
/// A query sees the alias and the collection of one committed state (I3), so a switch is complete for
/// every query that begins after it and does not exist for those that began before.
extension VectorStore {
  /// The names that stand for collections, with the collections' names.
  public func aliases() throws(VectorStoreError) -> [String: String] {
    let snapshot = try snapshot()
    return snapshot.aliases.keys.reduce(into: [:]) { $0[$1] = snapshot.find($1)?.name }
  }

  /// Makes a name stand for a collection, wherever a collection's name is taken; durable when it returns.
  ///
  /// A name that stood for another collection is switched.
  ///
  /// - Parameters:
  ///   - alias: The name; no collection may have it.
  ///   - collection: A collection's own name.
  /// - Throws: `.invalidCollectionName`; `.collectionExists` when a collection has the name;
  ///   `.unknownCollection`, and `.nameIsAlias` when `collection` is an alias itself.
  public func setAlias(
    _ alias: String,
    to collection: String
  ) async throws(VectorStoreError) {
    guard CollectionOptions.isValidName(alias) else { throw .invalidCollectionName(alias) }
    _ = try await submit("set an alias", byteCount: 64) { (step) throws(VectorStoreError) in
      try step.setAlias(alias, to: collection)
      return Receipt.nothing
    }
  }

  /// Takes a name away; its collection stays.
  ///
  /// - Throws: `.unknownAlias`.
  public func removeAlias(_ alias: String) async throws(VectorStoreError) {
    _ = try await submit("remove an alias", byteCount: 64) { (step) throws(VectorStoreError) in
      try step.removeAlias(alias)
      return Receipt.nothing
    }
  }
}

extension WriterStep {
  fileprivate mutating func setAlias(
    _ alias: String,
    to collection: String
  ) throws(VectorStoreError) {
    guard state.names[alias] == nil else { throw .collectionExists(alias) }
    if let other = state.aliases[collection] {
      throw .nameIsAlias(collection, collection: state.collections[other]?.name ?? "")
    }
    let id = try state.id(of: collection)
    let key = Key.alias(alias)
    var writer = ByteWriter(capacity: 4)
    writer.put(id.number)
    do throws(LMDBError) {
      try transaction.put(SealedValue.seal(writer.bytes, key: key), forKey: key, in: tables.meta)
    } catch {
      throw VectorStoreError(error, during: "set an alias")
    }
    state.aliases[alias] = id
    try use(.aliases)
  }

  fileprivate mutating func removeAlias(_ alias: String) throws(VectorStoreError) {
    guard state.aliases[alias] != nil else { throw .unknownAlias(alias) }
    do throws(LMDBError) {
      try transaction.delete(Key.alias(alias), in: tables.meta)
    } catch {
      throw VectorStoreError(error, during: "remove an alias")
    }
    state.aliases[alias] = nil
  }
}
