/// Why a store refused or failed; its ``description`` says what happened and what to do next.
///
/// More cases will come: switch with a `default`. A programmer's mistake that the types allow traps
/// instead; an empty batch, an unknown id in `get` and a search in an empty collection are no errors.
public enum VectorStoreError: Error, Hashable, Sendable {
  // What was given
  /// A vector has another length than the collection's dimension.
  ///
  /// `row` counts within the batch, here and below; `nil` is a query.
  case dimensionMismatch(expected: Int, actual: Int, row: Int?)
  /// A vector has a component that is NaN, infinite or too large for the element type.
  case notFinite(row: Int?, component: Int)
  /// A zero vector (or one too short to scale) under cosine, where it has no direction.
  case zeroVector(row: Int?)
  /// A component is no whole number from -128 to 127, which `int8` under `dot` and `l2` asks for.
  case notInt8(row: Int, component: Int)
  /// Two rows of one batch carry the same id.
  case duplicateIDInBatch(id: RecordID, first: Int, second: Int)
  /// Insert semantics, and the id is in the collection already.
  case idExists(id: RecordID, row: Int)
  /// An id of 0 or more than 480 bytes.
  case invalidID(row: Int, byteCount: Int)
  /// Metadata that cannot be kept: too large, nested too deeply, or with a number that is not finite.
  case invalidMetadata(row: Int, reason: String)
  /// A document over ``VDBLimits/documentBytes``.
  case documentTooLarge(row: Int, byteCount: Int)
  /// A batch over ``VDBLimits/batchBytes``; or columns of different lengths.
  case invalidBatch(reason: String)
  /// A limit, width, radius or other argument outside its range.
  case invalidArgument(name: String, reason: String)
  /// A collection name outside `[A-Za-z0-9_-][A-Za-z0-9_.-]{0,63}`.
  case invalidCollectionName(String)

  // Collections
  /// There is no collection of that name.
  case unknownCollection(String)
  /// A collection of that name is there already.
  case collectionExists(String)
  /// The name is an alias, which stands for a collection, where a collection's own name is wanted.
  case nameIsAlias(String, collection: String)
  /// There is no alias of that name.
  case unknownAlias(String)
  /// The collection cannot be dropped while names stand for it.
  case collectionHasAliases(name: String, aliases: [String])
  /// The collection was created with another dimension, metric, element type or index.
  case collectionMismatch(name: String, property: String, existing: String, requested: String)
  /// The collection's vectors come from another model.
  case modelMismatch(collection: String, existing: String, requested: String)
  /// A search in a collection whose records have no vectors.
  case noVectors(collection: String)
  /// The collection has all the rows that it can number.
  case collectionFull(name: String, limit: Int)

  // The store's files
  /// There is no store at the path (and it was not to be created).
  case notFound(path: String)
  /// A new store is to be made in a folder that is not there.
  case folderNotFound(path: String)
  /// What is at the path is not a store of this library.
  case notAStore(path: String, reason: String)
  /// The store was written by a newer version.
  case newerFormat(found: Int, supported: Int)
  /// Another process writes to the store.
  case locked(holder: String)
  /// This process has the store open already.
  case alreadyOpen(path: String)
  /// The store was opened read-only, or its files are.
  case readOnly(operation: String)
  /// The permissions of the file system do not allow it.
  case permissionDenied(path: String)
  /// The file system cannot keep LMDB's promises.
  case unsupportedFileSystem(path: String, kind: String)
  /// The disk is full; the batch is not in the store, which stays usable.
  case diskFull(path: String)
  /// The store has reached its map size; open it with a larger one.
  case mapFull(limitBytes: Int)
  /// Too many readers at once.
  case tooManyReaders(limit: Int)
  /// Bytes on disk are not what was written; `place` says where.
  case corrupted(place: String, detail: String)
  /// The operating system refused something that should work.
  case io(operation: String, code: Int32, message: String)

  // The store's life
  /// A commit failed and may or may not be on disk: reopen the store and ask for the batch's records.
  case outcomeUnknown(cause: String)
  /// An earlier commit failed; writes are refused until the store is reopened.
  case writesRefused(cause: String)
  /// The store was closed.
  case closed
  /// The process was forked after opening; open the store in the child instead.
  case forked
  /// The named commit is not in the store.
  case sequenceNotReached(requested: SequenceNumber, committed: SequenceNumber)
  /// The task was cancelled before the batch was queued; nothing of it was committed.
  case cancelled
}

extension VectorStoreError: CustomStringConvertible {
  /// What happened and what to do about it, for a person.
  public var description: String {
    switch self {
    case .dimensionMismatch(let expected, let actual, let row):
      "\(Self.place(row)) has \(actual) dimensions, but the collection has \(expected). "
        + "Use vectors of the same model, or another collection."
    case .notFinite(let row, let component):
      "\(Self.place(row)), component \(component), is NaN, infinite or too large for the element type. "
        + (row == nil ? "Correct it" : "Nothing was changed; correct the row") + " and try again."
    case .zeroVector(let row):
      "\(Self.place(row)) is a zero vector, which has no direction and so no cosine. "
        + (row == nil
          ? "Search with another one, or a collection under dot or l2."
          : "Leave the row out, or use the dot or l2 metric.")
    case .notInt8(let row, let component):
      "Row \(row), component \(component) is not a whole number from -128 to 127. "
        + "Scale the vectors, or use float16 elements."
    case .duplicateIDInBatch(let id, let first, let second):
      "Rows \(first) and \(second) of the batch have the same id '\(id)'. Keep one of them."
    case .idExists(let id, let row):
      "Row \(row): the id '\(id)' is in the collection already. Use upsert to replace it."
    case .invalidID(let row, let byteCount):
      "Row \(row): an id has 1 to \(RecordID.maxStringBytes) bytes of UTF-8, this one has \(byteCount)."
    case .invalidMetadata(let row, let reason):
      "Row \(row): the metadata cannot be stored: \(reason)."
    case .documentTooLarge(let row, let byteCount):
      "Row \(row): the document has \(byteCount) bytes, the limit is \(VDBLimits.documentBytes). "
        + "Split it into chunks."
    case .invalidBatch(let reason): "The batch cannot be stored: \(reason)."
    case .invalidArgument(let name, let reason): "\(name) \(reason)."
    case .invalidCollectionName(let name):
      "'\(name)' is no collection name: use 1 to 64 letters, digits, '_', '-' and '.', "
        + "not beginning with '.'."
    case .unknownCollection(let name):
      "There is no collection '\(name)'. Create it first, or list the ones there are."
    case .collectionExists(let name): "There is a collection '\(name)' already."
    case .nameIsAlias(let name, let collection):
      "'\(name)' is an alias of the collection '\(collection)'. Use another name, or remove the alias."
    case .unknownAlias(let name):
      "There is no alias '\(name)'. List the ones there are with the collections."
    case .collectionHasAliases(let name, let aliases):
      "The collection '\(name)' has the alias \(aliases.map { "'\($0)'" }.joined(separator: ", ")). "
        + "Point it to another collection or remove it, then drop the collection."
    case .collectionMismatch(let name, let property, let existing, let requested):
      "The collection '\(name)' has \(property) \(existing), not \(requested). "
        + "Use the same \(property), or another collection."
    case .modelMismatch(let collection, let existing, let requested):
      "The vectors of '\(collection)' come from the model '\(existing)', not '\(requested)'; "
        + "they cannot be compared. Use that model, or reprocess the texts into a new collection: "
        + "'vdbtool reprocess', or reprocess(_:into:of:) of VDBIngest."
    case .noVectors(let collection):
      "The records of '\(collection)' have no vectors, so none is near to anything. "
        + "Reprocess them into a collection with vectors and search that one."
    case .collectionFull(let name, let limit):
      "The collection '\(name)' has used its \(limit) row numbers. Compact it, or begin another."
    case .notFound(let path): "There is no store at '\(path)'."
    case .folderNotFound(let path):
      "The folder '\(path)', in which the store would be made, does not exist. "
        + "Make it first, or correct the path."
    case .notAStore(let path, let reason):
      "'\(path)' is not a vector store: \(reason). Nothing was changed."
    case .newerFormat(let found, let supported):
      "The store has format \(found), this version reads up to \(supported). Update the program."
    case .locked(let holder):
      "Another process (\(holder)) has the store open for writing. "
        + "Wait for it, or open the store read-only."
    case .alreadyOpen(let path):
      "This process has '\(path)' open already. Share that VectorStore."
    case .readOnly(let operation): "Cannot \(operation): the store is open read-only."
    case .permissionDenied(let path): "No permission for '\(path)'."
    case .unsupportedFileSystem(let path, let kind):
      "'\(path)' is on \(kind), where memory-mapped locks do not work. Use a local disk."
    case .diskFull(let path):
      "The disk of '\(path)' is full. The batch was not stored; free some space and insert again."
    case .mapFull(let limitBytes):
      "The store has reached its map size of \(limitBytes) bytes. "
        + "Reopen it with a larger mapSizeBytes; the batch was not stored."
    case .tooManyReaders(let limit): "More than \(limit) readers at once. Release some snapshots."
    case .corrupted(let place, let detail):
      "The store is damaged at \(place): \(detail). Restore a backup or run 'vdbtool verify'."
    case .io(let operation, let code, let message):
      "Could not \(operation): \(message) (code \(code))."
    case .outcomeUnknown(let cause):
      "The commit failed (\(cause)), so the batch may or may not be on disk. "
        + "Reopen the store and ask for its records."
    case .writesRefused(let cause):
      "An earlier commit failed (\(cause)). Reopen the store to write again; reading still works."
    case .closed: "The store is closed."
    case .forked: "The store was opened before a fork. Open it again in the child process."
    case .sequenceNotReached(let requested, let committed):
      "The store has committed up to sequence \(committed), not \(requested). "
        + "Is it the store that gave the receipt?"
    case .cancelled: "Cancelled; nothing of the batch was stored."
    }
  }

  private static func place(_ row: Int?) -> String { row.map { "Row \($0)" } ?? "The query" }
}
