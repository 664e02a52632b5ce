import ArgumentParser
import Foundation
import VDB
import VDBIngest

/// The command `vdbtool bench open`.
struct BenchOpenCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "open",
    abstract: "Time from opening a store to its first answer, and memory until then.",
    discussion: """
      Opens the store read-only, as a program that only asks would, and searches for the neighbours of \
      its first record. Each repetition opens the store anew.

      EXAMPLES
        vdbtool bench open words.vdb
        vdbtool bench open words.vdb --repetitions 20 --json
      """
  )

  @OptionGroup var store: StoreArgument
  @OptionGroup var collection: CollectionOption
  @Option(help: ArgumentHelp("Openings to time.", valueName: "n"))
  var repetitions = 10
  @OptionGroup var json: JSONFlag

  func validate() throws { try requirePositive(repetitions, "repetitions") }

  func run() async throws {
    let query = try await VectorStore.reading(store.store) { store in
      try store.scroll(collection.collection, limit: 1, including: .vector).records.first?.vector
    }
    guard let query else {
      throw Failure(status: .data, message: "'\(collection.collection)' has no record to ask for.")
    }
    let clock = ContinuousClock()
    var opened: [Double] = []
    var answered: [Double] = []
    var grown: [Int] = []
    for _ in 0..<repetitions {
      let before = ResidentMemory.now(mappedUnder: store.store)
      let start = clock.now
      try await VectorStore.reading(store.store) { store in
        opened.append((clock.now - start) / .milliseconds(1))
        grown.append(ResidentMemory.now(mappedUnder: self.store.store).total - before.total)
        let asked = clock.now
        _ = try store.search(query, in: collection.collection, limit: 10)
        answered.append((clock.now - asked) / .milliseconds(1) + (opened.last ?? 0))
      }
    }
    try report(opened.sorted(), answered.sorted(), grown.max() ?? 0)
  }

  private func report(_ opened: [Double], _ answered: [Double], _ grown: Int) throws {
    let middle = repetitions / 2
    if json.json {
      try StandardOutput.writeJSON { writer in
        writer.member("open_ms", rounded: opened[middle], 2)
        writer.member("first_answer_ms", rounded: answered[middle], 2)
        writer.member("first_answer_max_ms", rounded: answered[repetitions - 1], 2)
        writer.member("memory_before_first_query_mb", rounded: Double(grown) / 1_048_576, 1)
        writer.member("repetitions", repetitions)
      }
    } else {
      try StandardOutput.write(
        """
        open            \(Text.fixed(opened[middle], 2)) ms
        first answer    \(Text.fixed(answered[middle], 2)) ms (at most \
        \(Text.fixed(answered[repetitions - 1], 2)) ms)
        memory before   \(Text.fixed(Double(grown) / 1_048_576, 1)) MB grown at most

        """
      )
    }
  }
}
