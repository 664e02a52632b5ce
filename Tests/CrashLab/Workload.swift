import Foundation
import VDB

/// Runs the plan's steps against a store and says of each, once the store has answered, that it did.
struct Workload {
  let path: String
  let seed: UInt64
  /// Where "0" (the store is open), "N" (step N is acknowledged) and "N:p" (part p of it) are written.
  let acknowledgements: Int32

  /// - Parameters:
  ///   - done: Steps that are in the store already.
  ///   - doneParts: Parts of the next one that are.
  ///   - last: The last step to run; `nil` never ends.
  /// - Throws: What the store throws: no step may fail.
  func run(done: Int, doneParts: Set<Int>, last: Int?) async throws {
    var store = try VectorStore.open(at: path)
    if done == 0 && doneParts.isEmpty { acknowledge("0") }
    var history = History(seed: seed)
    var number = done
    while number < last ?? .max {
      let model = history.state(after: number)
      number += 1
      let step = history.plan.step(number, after: model)
      if case .compact = step {
        try await store.close()
        _ = try await VectorStore.compact(at: path)
        store = try VectorStore.open(at: path)
      } else {
        try await perform(step, number, skipping: number == done + 1 ? doneParts : [], in: store)
      }
      acknowledge("\(number)")
    }
    try await store.indexed()
    try await store.close()
  }

  private func perform(
    _ step: Step,
    _ number: Int,
    skipping doneParts: Set<Int>,
    in store: VectorStore
  ) async throws {
    switch step {
    case .create(let lane): try await store.createCollection(lane.rawValue, lane.options)
    case .drop(let lane): try await store.dropCollection(lane.rawValue)
    case .index: try await store.indexed()
    case .compact: break
    case .upsert(let part):
      try await store.insertBatch(records(part, number), into: part.lane.rawValue, mode: .upsert)
    case .delete(let part):
      try await store.delete(ids: part.numbers.map(Lane.id(of:)), from: part.lane.rawValue)
    case .insert(let parts):
      try await withThrowingTaskGroup(of: Void.self) { group in
        for (i, part) in parts.enumerated() where !doneParts.contains(i) {
          group.addTask {
            try await store.insertBatch(records(part, number), into: part.lane.rawValue)
            if parts.count > 1 { acknowledge("\(number):\(i)") }
          }
        }
        try await group.waitForAll()
      }
    }
  }

  private func records(_ part: Part, _ step: Int) -> [Record] {
    part.numbers.map { part.lane.record($0, step: step, seed: seed) }
  }

  private func acknowledge(_ text: String) { emit(text, to: acknowledgements) }
}

/// Writes a line in one system call, past every buffer, because the process may be killed right after.
func emit(_ line: String, to descriptor: Int32 = STDOUT_FILENO) {
  let bytes = Array((line + "\n").utf8)
  guard write(descriptor, bytes, bytes.count) == bytes.count else { exit(71) }
}
