internal import Foundation
internal import VDB

/// The end of a page of a source: a place where a later run may go on once all before it is settled.
struct PageEnd: Sendable {
  var position: SourcePosition
  /// What was learnt of the page's entries.
  var log: SelectionLog
  /// Entries of the source up to here.
  var entries: Int
}

/// How far a source is committed into a collection, kept as marks of the collection.
///
/// A place is committed in a transaction of rows behind it, when all rows before it are committed, so it
/// is never ahead of the rows, whichever of several commits under way fail. It trails them by a few
/// commits: entries between are looked up in the store. It stays before the first entry that failed, and is taken away when the source has been read to its end without one.
struct SourceCursor: Sendable {
  /// The value of the mark, as JSON.
  struct State: Codable, Equatable {
    var source: SourceIdentity
    /// What else the records depend on.
    var settings: String
    var position: SourcePosition
    var entries: Int
    /// Parts of the selection's log.
    var parts: Int
  }

  /// What is there of an earlier run.
  enum Found {
    case nothing
    /// Something else has been read than would be read now; says what.
    case changed(String)
    case place(State, [SelectionLog])
  }

  private var state: State
  /// The name of the state's mark, and what the names of the parts begin with.
  private let name: String
  /// Names of marks that are in the store.
  private var stored: Set<String>
  /// Marks for the next commit.
  private var pending: [Mark] = []
  /// The place is not moved any more.
  private var isStopped = false

  init(
    _ source: SourceIdentity,
    settings: String,
    store: VectorStore,
    collection: String
  ) throws(VectorStoreError) {
    let hash = ContentHash(source.name)
    name = "import/\(hash.id)"
    state = State(
      source: source,
      settings: settings,
      position: SourcePosition(),
      entries: 0,
      parts: 0
    )
    stored = Set(try store.marks(of: collection, prefix: name).map(\.name))
  }

  /// What an earlier run has left.
  func find(in store: VectorStore, _ collection: String) throws(VectorStoreError) -> Found {
    let marks = try store.marks(of: collection, prefix: name)
    let values = Dictionary(uniqueKeysWithValues: marks.map { ($0.name, $0.value ?? []) })
    guard let value = values[name] else { return .nothing }
    guard let known = Self.decode(value) else { return .changed("What was kept cannot be read") }
    guard known.source == state.source else { return .changed("The source has changed since") }
    guard known.settings == state.settings else { return .changed("The settings are others now") }
    var logs: [SelectionLog] = []
    for number in 0..<known.parts {
      guard let log = values[part(number)].flatMap(SelectionLog.init(part:)) else {
        return .changed("What was kept is not complete")
      }
      logs.append(log)
    }
    return .place(known, logs)
  }

  private static func decode(_ value: [UInt8]) -> State? {
    do {
      return try JSONDecoder().decode(State.self, from: Data(value))
    } catch {
      return nil
    }
  }

  /// Goes on from a place that was found.
  mutating func resume(from found: State) { state = found }

  /// Entries before the place.
  var entries: Int { state.entries }

  private func part(_ number: Int) -> String { "\(name)/\(number)" }

  /// Moves the place with the next commit.
  mutating func advance(to end: PageEnd) {
    if isStopped { return }
    state.position = end.position
    state.entries = end.entries
    for bytes in end.log.parts {
      pending.append(Mark(name: part(state.parts), value: bytes))
      state.parts += 1
    }
    hasMoved = true
  }

  private var hasMoved = false

  /// Leaves the place where it is from now on: an entry behind it is not settled.
  mutating func stop() {
    isStopped = true
    pending = []
    hasMoved = false
  }

  /// The marks that say where the place is, if it has moved.
  mutating func takeMarks() -> [Mark] {
    guard hasMoved else { return [] }
    hasMoved = false
    defer { pending = [] }
    var marks = pending
    // Of an earlier run that began anew or was given up.
    let kept = Set((0..<state.parts).map(part)).union([name])
    marks += stored.subtracting(kept).sorted().map { Mark(name: $0, value: nil) }
    marks.append(Mark(name: name, value: encoded()))
    stored = kept
    return marks
  }

  private func encoded() -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    do {
      return Array(try encoder.encode(state))
    } catch {
      preconditionFailure("strings and integers are JSON: \(error)")
    }
  }

  /// Takes everything away, with the last commit of a source that was read to its end.
  mutating func finish() -> [Mark] {
    pending = []
    hasMoved = false
    defer { stored = [] }
    return stored.sorted().map { Mark(name: $0, value: nil) }
  }
}
