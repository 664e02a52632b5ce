import Foundation
import VDB

/// A store's workload and its judge, as processes of their own.
///
/// Tests kill the first, cut its power or damage its files, and then ask the second.
@main
enum CrashLab {
  static let usage = """
    usage:
      vdb-crashlab workload STORE SEED STEPS [--done N] [--parts A,B] [--ack-fd FD]
          runs steps N+1 to STEPS, waits for the index, closes; acknowledges on FD (1)
      vdb-crashlab cycle STORE SEED [--done N] [--parts A,B]
          the same without end
      vdb-crashlab recover STORE
          opens a store, waits for the index, closes
      vdb-crashlab plan SEED STEPS
          prints what the steps do, without a store
      vdb-crashlab check
          reads lines "PATH ACKNOWLEDGED STARTED SEED PARTS" (PARTS: "-" or "0,2") and answers each
          with "ok STEP PARTS", "damage …" (verify complains, all answers right),
          "error …" (the store reported it), "refused …" (it did not open) or "bad …" (wrong answer)
    """

  static func main() async {
    var arguments = Array(CommandLine.arguments.dropFirst())
    let command = arguments.isEmpty ? "" : arguments.removeFirst()
    do {
      switch command {
      case "workload", "cycle": try await work(endless: command == "cycle", &arguments)
      case "recover":
        guard arguments.count == 1 else { stop(usage, 64) }
        let store = try VectorStore.open(at: arguments[0])
        try await store.indexed()
        try await store.close()
      case "check": await check()
      case "plan":
        guard arguments.count == 2, let seed = UInt64(arguments[0]), let steps = Int(arguments[1])
        else { stop(usage, 64) }
        printPlan(seed: seed, steps: steps)
      default: stop(usage, 64)
      }
    } catch { stop("vdb-crashlab: \(error)", 1) }
  }

  private static func work(endless: Bool, _ arguments: inout [String]) async throws {
    let done = Int(option("--done", &arguments) ?? "0")
    let parts = parse(parts: option("--parts", &arguments) ?? "-")
    let descriptor = Int32(option("--ack-fd", &arguments) ?? "1")
    guard arguments.count == (endless ? 2 : 3), let done, let descriptor, let parts,
      let seed = UInt64(arguments[1])
    else { stop(usage, 64) }
    let last = endless ? nil : Int(arguments[2])
    guard endless || last != nil else { stop(usage, 64) }
    try await Workload(path: arguments[0], seed: seed, acknowledgements: descriptor)
      .run(done: done, doneParts: parts, last: last)
  }

  private static func printPlan(seed: UInt64, steps: Int) {
    var history = History(seed: seed)
    for number in 1...max(1, steps) {
      let before = history.state(after: number - 1)
      let step = history.plan.step(number, after: before)
      let live = Lane.allCases.map { "\(history.state(after: number).lanes[$0]?.count ?? -1)" }
      emit("\(number) \(step.summary) -> \(live.joined(separator: " "))")
    }
  }

  private static func check() async {
    var checker = Checker(seed: 0)
    while let line = readLine() {
      let words = line.split(separator: " ").map(String.init)
      guard words.count == 5, let acknowledged = Int(words[1]), let started = Int(words[2]),
        let seed = UInt64(words[3]), let parts = parse(parts: words[4])
      else { stop("cannot read '\(line)'", 64) }
      if checker.seed != seed { checker = Checker(seed: seed) }
      let progress = Progress(
        acknowledged: acknowledged,
        acknowledgedParts: parts,
        started: started
      )
      emit(await answer(&checker, words[0], progress))
    }
  }

  private static func answer(
    _ checker: inout Checker,
    _ path: String,
    _ progress: Progress
  ) async -> String {
    let text: String
    do {
      let standing = try await checker.check(path, progress)
      let parts = standing.parts.sorted().map(String.init).joined(separator: ",")
      text = "ok \(standing.step) \(parts.isEmpty ? "-" : parts)"
    } catch let broken as Broken {
      text = "bad \(broken.reason)"
    } catch let refused as Checker.Refused {
      text = "refused \(refused.error)"
    } catch let damage as Checker.Damage {
      text = "damage \(damage.text)"
    } catch {
      text = "error \(error)"
    }
    return text.replacing("\n", with: " ")
  }

  private static func option(_ name: String, _ arguments: inout [String]) -> String? {
    guard let i = arguments.firstIndex(of: name), i + 1 < arguments.count else { return nil }
    let value = arguments[i + 1]
    arguments.removeSubrange(i...i + 1)
    return value
  }

  private static func parse(parts text: String) -> Set<Int>? {
    if text == "-" { return [] }
    let numbers = text.split(separator: ",").map { Int($0) }
    return numbers.contains(nil) ? nil : Set(numbers.compactMap(\.self))
  }

  private static func stop(_ message: String, _ code: Int32) -> Never {
    emit(message, to: STDERR_FILENO)
    exit(code)
  }
}
