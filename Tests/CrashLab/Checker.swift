import Foundation
import TestSupport
import VDB

/// How far the workload had come, as far as anyone outside knows.
struct Progress {
  /// The last step that was acknowledged; -1 before the store was.
  let acknowledged: Int
  /// Parts of the next step that were.
  let acknowledgedParts: Set<Int>
  /// The last step that can have begun.
  let started: Int
}

/// A promise that the store did not keep.
struct Broken: Error {
  let reason: String
  init(_ reason: String) { self.reason = reason }
}

/// Opens a store that survived something and compares all that is in it with the plan.
struct Checker {
  let seed: UInt64
  private var history: History
  private let written: WrittenRecords

  init(seed: UInt64) {
    self.seed = seed
    history = History(seed: seed)
    written = WrittenRecords(seed: seed)
  }

  /// Where the store stands: a step, and the parts of the next one that are there too.
  struct Standing {
    let step: Int
    let parts: Set<Int>
  }

  /// - Throws: `Broken` for a wrong answer, `VectorStoreError` for what the store reports itself.
  mutating func check(_ path: String, _ progress: Progress) async throws -> Standing {
    let store: VectorStore
    do { store = try VectorStore.open(at: path) } catch { throw Refused(error: error) }
    do {
      let standing = try examine(store, progress)
      try await store.close()
      return standing
    } catch {
      // The first failure is the one to report.
      do { try await store.close() } catch { emit("close: \(error)", to: STDERR_FILENO) }
      throw error
    }
  }

  /// The store would not open.
  struct Refused: Error {
    let error: VectorStoreError
  }

  private mutating func examine(_ store: VectorStore, _ progress: Progress) throws -> Standing {
    let found = try contents(of: store)
    let standing = try place(found, progress)
    let state = found.lanes
    for (lane, records) in state {
      try checkLookups(store, lane, records)
      try checkSearch(store, lane, records)
    }
    let report = try store.verify(.deep)
    if let problem = report.problems.first {
      throw Damage(
        text: "\(problem.invariant) at \(problem.place): \(problem.detail)"
          + " (\(report.problems.count) problems)"
      )
    }
    return standing
  }

  /// What `verify` reported while every answer was right.
  struct Damage: Error {
    let text: String
  }
}

/// The records of a seed, kept: thousands of images hold the same ones.
private final class WrittenRecords {
  private struct Key: Hashable {
    let lane: Lane
    let number: Int
    let step: Int
  }
  private static let limit = 50_000
  private let seed: UInt64
  private var kept: [Key: Record] = [:]

  init(seed: UInt64) { self.seed = seed }

  func record(_ lane: Lane, _ number: Int, _ step: Int) -> Record {
    let key = Key(lane: lane, number: number, step: step)
    if let record = kept[key] { return record }
    if kept.count >= Self.limit { kept.removeAll() }
    let record = lane.record(number, step: step, seed: seed)
    kept[key] = record
    return record
  }
}

// What is there
extension Checker {
  private func contents(of store: VectorStore) throws -> Model {
    var lanes: [Lane: Model.Contents] = [:]
    for info in try store.collections() {
      guard let lane = Lane(rawValue: info.name) else {
        throw Broken("extra collection \(info.name)")
      }
      guard info.options == lane.options else { throw Broken("options of \(info.name) differ") }
      lanes[lane] = try scan(store, lane)
    }
    return Model(found: lanes)
  }

  private func scan(_ store: VectorStore, _ lane: Lane) throws -> Model.Contents {
    var found: Model.Contents = [:]
    var position: Int? = 0
    while let from = position {
      let page = try store.scroll(lane.rawValue, from: from, limit: 500)
      for record in page.records {
        let (number, step) = try identify(record, lane)
        guard found.updateValue(step, forKey: number) == nil else {
          throw Broken("\(lane) has \(record.id) twice")
        }
      }
      position = page.next
    }
    let count = try store.count(in: lane.rawValue)
    guard count == found.count else {
      throw Broken("\(lane) counts \(count) records and lists \(found.count)")
    }
    return found
  }

  /// Which record this is, after comparing every part of it with what was written.
  private func identify(_ record: Record, _ lane: Lane) throws -> (number: Int, step: Int) {
    guard let number = Lane.number(of: record.id) else { throw Broken("unknown id \(record.id)") }
    guard let step = lane.step(of: record) else {
      throw Broken("\(lane) \(record.id): no such record was written")
    }
    let expected = written.record(lane, number, step)
    guard record != expected else { return (number, step) }
    let part =
      record.vector != expected.vector
      ? "vector" : record.metadata != expected.metadata ? "metadata" : "document"
    throw Broken("torn record: \(lane) \(record.id) of step \(step) has another \(part)")
  }

  /// Finds the state, among those that are legal, that the store is in.
  private mutating func place(_ found: Model, _ progress: Progress) throws -> Standing {
    for step in stride(from: progress.started, through: max(progress.acknowledged, 0), by: -1) {
      let whole = history.state(after: step)
      if step == progress.acknowledged,
        let parts = partial(found, whole, step + 1, progress.acknowledgedParts)
      {
        return Standing(step: step, parts: parts)
      }
      // Whole steps past the acknowledged one contain all of its parts.
      if found == whole, step > progress.acknowledged || progress.acknowledgedParts.isEmpty {
        return Standing(step: step, parts: [])
      }
    }
    throw Broken(diagnose(found, progress))
  }

  /// The parts of a step handed over together that are there, if the store is between two steps.
  private func partial(
    _ found: Model,
    _ before: Model,
    _ number: Int,
    _ needed: Set<Int>
  ) -> Set<Int>? {
    guard case .insert(let parts) = history.plan.step(number, after: before), parts.count > 1 else {
      return nil
    }
    for bits in 0..<(1 << parts.count) {
      let chosen = Set(parts.indices.filter { bits >> $0 & 1 == 1 })
      guard chosen.isSuperset(of: needed) else { continue }
      var model = before
      model.apply(.insert(parts), number: number, parts: chosen)
      if model == found { return chosen }
    }
    return nil
  }

  private mutating func diagnose(_ found: Model, _ progress: Progress) -> String {
    for step in stride(from: progress.started + 5, through: 0, by: -1)
    where history.state(after: step) == found {
      return step > progress.started
        ? "phantom: step \(step) is there, which had not begun"
        : "lost: the store is at step \(step), \(progress.acknowledged) was acknowledged"
    }
    let expected = history.state(after: max(progress.acknowledged, 0))
    var differences: [String] = []
    for lane in Lane.allCases {
      let (have, want) = (found.lanes[lane], expected.lanes[lane])
      if have == want { continue }
      guard let have, let want else {
        differences.append("\(lane) is \(have == nil ? "missing" : "extra")")
        continue
      }
      let missing = want.keys.filter { have[$0] == nil }.count
      let extra = have.keys.filter { want[$0] == nil }.count
      let other = want.filter { have[$0.key] != nil && have[$0.key] != $0.value }.count
      differences.append("\(lane): \(missing) missing, \(extra) extra, \(other) of another step")
    }
    return "torn: against step \(progress.acknowledged): " + differences.joined(separator: "; ")
  }
}

// What it answers
extension Checker {
  private func checkLookups(_ store: VectorStore, _ lane: Lane, _ records: Model.Contents) throws {
    let known = records.keys.sorted()
    let gone = (0..<((known.last ?? 0) + 5)).filter { records[$0] == nil }.prefix(50)
    let got = try store.get((known + gone).map(Lane.id(of:)), from: lane.rawValue)
    guard got.count == known.count + gone.count else { throw Broken("get answers \(got.count)") }
    for (number, record) in zip(known, got) {
      guard let record else { throw Broken("\(lane) lists \(number) and get does not find it") }
      guard try identify(record, lane) == (number, records[number] ?? -1) else {
        throw Broken("\(lane) \(record.id): get and scroll differ")
      }
    }
    if let record = got.dropFirst(known.count).compactMap({ $0 }).first {
      throw Broken("\(lane) \(record.id): get finds a record that is not there")
    }
  }

  private func checkSearch(_ store: VectorStore, _ lane: Lane, _ records: Model.Contents) throws {
    guard lane.options.hasVectors else { return try checkNoSearch(store, lane) }
    let vectors = records.map { ($0.key, written.record(lane, $0.key, $0.value).vector) }
    var random = SeededGenerator(seed: seed &+ UInt64(records.count))
    for exact in [true, false] {
      let query =
        vectors.sorted { $0.0 < $1.0 }.randomElement(using: &random)
        ?? (-1, [Float](repeating: 1, count: lane.options.dimension))
      let hits = try store.search(query.1, in: lane.rawValue, limit: 5, exact: exact)
      let truth = vectors.map { lane.distance(query.1, $0.1) }.sorted().prefix(5)
      guard hits.count == truth.count else {
        throw Broken("\(lane): a search finds \(hits.count) of \(truth.count)")
      }
      try checkHits(hits, query, lane, records)
      if exact, let i = hits.indices.first(where: { !Self.close(hits[$0].distance, truth[$0]) }) {
        throw Broken("\(lane): exact answer \(i) at \(hits[i].distance), not \(truth[i])")
      }
    }
  }

  /// Without vectors there is nothing to search, and the store says so.
  private func checkNoSearch(_ store: VectorStore, _ lane: Lane) throws {
    for exact in [true, false] {
      do {
        let hits = try store.search([1], in: lane.rawValue, limit: 5, exact: exact)
        throw Broken("\(lane): a search without vectors finds \(hits.count)")
      } catch VectorStoreError.noVectors {
        continue
      }
    }
  }

  private func checkHits(
    _ hits: [SearchResult],
    _ query: (Int, [Float]),
    _ lane: Lane,
    _ records: Model.Contents
  ) throws {
    for hit in hits {
      guard let number = Lane.number(of: hit.id), let step = records[number] else {
        throw Broken("\(lane): a search finds \(hit.id), which is not there")
      }
      let record = written.record(lane, number, step)
      guard Self.close(hit.distance, lane.distance(query.1, record.vector)) else {
        throw Broken("\(lane): \(hit.id) at a wrong distance, \(hit.distance)")
      }
      guard hit.metadata == record.metadata, hit.document == record.document else {
        throw Broken("\(lane): a search returns other fields of \(hit.id)")
      }
    }
    guard zip(hits, hits.dropFirst()).allSatisfy({ $0.distance <= $1.distance }) else {
      throw Broken("\(lane): answers out of order")
    }
    // I4; under dot a record need not be its own nearest.
    if lane != .scratch, query.0 >= 0, !hits.contains(where: { $0.id == Lane.id(of: query.0) }) {
      throw Broken("\(lane): record \(query.0) is not found by its own vector")
    }
  }

  private static func close(_ distance: Float, _ expected: Double) -> Bool {
    abs(Double(distance) - expected) <= 1e-4 * max(1, abs(expected))
  }
}
