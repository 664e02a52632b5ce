import ArgumentParser
import VDB

/// The command `vdbtool stats`.
struct StatsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "stats",
    abstract: "Show what a store consists of.",
    discussion: """
      Rows, index, bytes of each sub-database, free bytes, graph degrees, measured recall and open \
      readers.

      EXAMPLES
        vdbtool stats notes.vdb
        vdbtool stats notes.vdb --json
      """
  )

  @OptionGroup var store: StoreArgument
  @OptionGroup var json: JSONFlag

  func run() async throws {
    let statistics = try await VectorStore.reading(store.store) { try $0.statistics() }
    if json.json { return try StandardOutput.writeJSON(statistics) }
    try StandardOutput.write(describe(statistics))
  }

  private func describe(_ statistics: StoreStatistics) -> String {
    let rows = [
      ["store", statistics.path],
      ["format", "\(statistics.formatVersion)"],
      ["file", Text.bytes(statistics.fileBytes)],
      ["free in the file", Text.bytes(statistics.freeBytes)],
      ["map size", Text.bytes(statistics.mapSizeBytes)],
      ["last sequence", "\(statistics.lastSequence)"],
      ["rows", Text.grouped(statistics.rows)],
      ["live", Text.grouped(statistics.live)],
      ["deleted", Text.grouped(statistics.deleted)],
      ["indexed", Text.grouped(statistics.indexed)],
      ["backlog", Text.grouped(statistics.backlog)],
    ]
    var text = Text.table(rows)
    for collection in statistics.collections { text += "\n" + describe(collection) }
    text += "\nSub-databases\n"
    text += Text.table(
      statistics.tables.map {
        ["", $0.name, Text.grouped($0.entries) + " entries", Text.bytes($0.bytes)]
      },
      right: [2, 3]
    )
    text += "\nReaders\n"
    if statistics.readers.isEmpty { text += "  none\n" }
    text += Text.table(
      statistics.readers.map { reader in
        let age = reader.ageSeconds.map { "for " + Text.duration($0) } ?? ""
        return ["", "process \(reader.processID)", "\(reader.lag) commits behind", age]
      }
    )
    return text
  }

  private func describe(_ collection: StoreStatistics.Collection) -> String {
    let options = collection.options
    let nodes = collection.degreeHistogram.reduce(0, +)
    let links = collection.degreeHistogram.enumerated().reduce(0) { $0 + $1.offset * $1.element }
    var rows = [
      [
        "", "vectors",
        options.hasVectors
          ? "\(options.dimension) x \(options.element.rawValue), \(options.metric.rawValue)"
          : "none",
      ],
      ["", "rows", Text.grouped(collection.rows)],
      ["", "live", Text.grouped(collection.live)],
      ["", "indexed", Text.grouped(collection.indexed)],
      ["", "backlog", Text.grouped(collection.backlog)],
      ["", "layers", collection.layerNodes.map(Text.grouped).joined(separator: ", ")],
      ["", "search touches", Text.bytes(collection.residentBytes)],
    ]
    if nodes > 0 {
      rows.append(["", "mean degree", Text.fixed(Double(links) / Double(nodes), 1)])
    }
    if !collection.aliases.isEmpty {
      rows.append(["", "aliases", collection.aliases.joined(separator: ", ")])
    }
    for estimate in collection.recall {
      rows.append(["", "recall@\(estimate.limit)", describe(estimate)])
    }
    if collection.recall.isEmpty { rows.append(["", "recall", "not calibrated"]) }
    if let model = options.model { rows.append(["", "model", Text.excerpt(model)]) }
    return "Collection '\(collection.name)'\n" + Text.table(rows)
  }

  private func describe(_ estimate: RecallEstimate) -> String {
    switch estimate.source {
    case .exact: return "1, every record is compared"
    case .storedRows, .queries:
      let what = estimate.source == .queries ? "queries" : "stored rows"
      let age = estimate.isCurrent ? "" : ", outgrown"
      return "\(Text.fixed(estimate.recall, 4)) at ef \(estimate.efSearch), at least "
        + "\(Text.fixed(estimate.lowerBound, 4)) (\(estimate.samples) \(what) at "
        + "\(Text.grouped(estimate.rows)) rows\(age))"
    }
  }
}
