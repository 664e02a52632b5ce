import TestSupport

/// What one step of the workload does.
///
/// It is acknowledged when the store has answered all of it.
enum Step {
  case create(Lane)
  /// Batches handed to the store at the same time, each of them new records for a lane.
  case insert([Part])
  case upsert(Part)
  case delete(Part)
  case drop(Lane)
  /// Waits for the indexer, so that what it publishes is in the recording too.
  case index
  /// Closes the store, compacts it and opens it again.
  case compact
}

extension Step {
  /// A few words for people.
  var summary: String {
    switch self {
    case .create(let lane): "create \(lane)"
    case .drop(let lane): "drop \(lane)"
    case .index: "index"
    case .compact: "compact"
    case .upsert(let part): "upsert \(part.numbers.count) in \(part.lane)"
    case .delete(let part): "delete \(part.numbers.count) from \(part.lane)"
    case .insert(let parts):
      "insert " + parts.map { "\($0.numbers.count) in \($0.lane)" }.joined(separator: ", ")
    }
  }
}

/// Records of one lane, by their numbers.
struct Part {
  let lane: Lane
  let numbers: [Int]
}

/// The records that must be there, each with the step that wrote it.
struct Model: Equatable {
  typealias Contents = [Int: Int]
  private(set) var lanes: [Lane: Contents] = [:]
  /// New records get numbers that none had before.
  private(set) var nextNumber = 0

  static func == (left: Model, right: Model) -> Bool { left.lanes == right.lanes }

  /// A model of what was found in a store.
  init(found lanes: [Lane: Contents]) { self.lanes = lanes }
  init() {}

  /// The state after a step, or after some of the parts that it handed over together.
  mutating func apply(_ step: Step, number: Int, parts: Set<Int>? = nil) {
    switch step {
    case .create(let lane): lanes[lane] = [:]
    case .drop(let lane): lanes[lane] = nil
    case .index, .compact: break
    case .upsert(let part): write(part, number)
    case .delete(let part): for record in part.numbers { lanes[part.lane]?[record] = nil }
    case .insert(let all):
      for (i, part) in all.enumerated() where parts?.contains(i) ?? true { write(part, number) }
    }
  }

  private mutating func write(_ part: Part, _ step: Int) {
    for record in part.numbers { lanes[part.lane]?[record] = step }
    nextNumber = max(nextNumber, (part.numbers.max() ?? -1) + 1)
  }
}

/// The workload: step `n` follows from the seed and the state that steps 1 to `n - 1` left behind.
struct Plan {
  let seed: UInt64
  /// Past this many live records deletions take over, which bounds the size of an image.
  private static let manyRecords = 2_000

  func step(_ number: Int, after model: Model) -> Step {
    if number == 1 { return .create(.texts) }
    if number == 2 { return .create(.points) }
    if number == 3 { return .create(.notes) }
    if number % 23 == 0 { return .compact }
    var random = SeededGenerator(seed: seed ^ UInt64(number) &* 0xD6E8_FEB8_6659_FD93)
    let lane: Lane =
      switch random.next() % 6 {
      case 0..<3: .texts
      case 3..<5: .points
      default: .notes
      }
    if model.lanes[lane]?.count ?? 0 > Self.manyRecords {
      return deletion(lane, model, &random, 600)
    }
    switch random.next() % 100 {
    case 0..<40: return .insert([fresh(lane, model.nextNumber, size(&random))])
    case 40..<52: return together(model, &random)
    case 52..<70: return upsert(lane, model, &random)
    case 70..<82: return deletion(lane, model, &random, size(&random))
    case 82..<94: return scratch(model, &random)
    default: return .index
    }
  }

  /// Mostly small batches, some of one row, some of hundreds.
  private func size(_ random: inout SeededGenerator) -> Int {
    switch random.next() % 10 {
    case 0: 1
    case 1..<6: Int.random(in: 2...40, using: &random)
    default: Int.random(in: 40...300, using: &random)
    }
  }

  private func fresh(_ lane: Lane, _ first: Int, _ count: Int) -> Part {
    Part(lane: lane, numbers: Array(first..<first + count))
  }

  private func together(_ model: Model, _ random: inout SeededGenerator) -> Step {
    var parts: [Part] = []
    var first = model.nextNumber
    // The third beside one of its own collection, or in one that has no blocks.
    for lane in [Lane.texts, .points, random.next() % 2 == 0 ? .texts : .notes] {
      let count = Int.random(in: 1...60, using: &random)
      parts.append(fresh(lane, first, count))
      first += count
    }
    return .insert(parts)
  }

  /// Replaces records, brings deleted ones back, and adds new ones, in one batch.
  private func upsert(_ lane: Lane, _ model: Model, _ random: inout SeededGenerator) -> Step {
    let known = model.nextNumber
    guard known > 0 else { return .insert([fresh(lane, 0, 10)]) }
    let old = Set((0..<size(&random)).map { _ in Int.random(in: 0..<known, using: &random) })
    let new = fresh(lane, known, Int.random(in: 0...20, using: &random)).numbers
    return .upsert(Part(lane: lane, numbers: old.sorted() + new))
  }

  /// Scattered records and a run of neighbours; some are not there, which is no error.
  private func deletion(
    _ lane: Lane,
    _ model: Model,
    _ random: inout SeededGenerator,
    _ count: Int
  ) -> Step {
    let known = model.nextNumber
    guard known > 0 else { return .index }
    let start = Int.random(in: 0..<known, using: &random)
    let run = Set(start..<min(known, start + count))
    let scattered = Set((0..<count / 4).map { _ in Int.random(in: 0..<known, using: &random) })
    return .delete(Part(lane: lane, numbers: run.union(scattered).sorted()))
  }

  private func scratch(_ model: Model, _ random: inout SeededGenerator) -> Step {
    guard let contents = model.lanes[.scratch] else { return .create(.scratch) }
    if contents.count > 300 { return .drop(.scratch) }
    return .insert([fresh(.scratch, model.nextNumber, Int.random(in: 50...300, using: &random))])
  }
}

/// States of the plan by step; keeps some, so that going back costs little.
struct History {
  let plan: Plan
  private var kept: [Int: Model] = [0: Model()]
  private var latest = (step: 0, model: Model())
  private static let spacing = 64

  init(seed: UInt64) { plan = Plan(seed: seed) }

  /// The state after `step` and everything before it.
  mutating func state(after step: Int) -> Model {
    var (at, model) = latest
    if at > step {
      at = step / Self.spacing * Self.spacing
      model = kept[at] ?? Model()
      if kept[at] == nil { at = 0 }
    }
    while at < step {
      at += 1
      model.apply(plan.step(at, after: model), number: at)
      if at % Self.spacing == 0 { kept[at] = model }
    }
    latest = (at, model)
    return model
  }
}
