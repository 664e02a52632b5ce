import ArgumentParser
import VDB
import VDBIngest

/// The command `vdbtool collections`.
struct CollectionsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "collections",
    abstract: "List a store's collections.",
    discussion: """
      With the names that stand for them; 'vdbtool alias' sets those.

      EXAMPLES
        vdbtool collections notes.vdb
        vdbtool collections notes.vdb --json
      """
  )

  @OptionGroup var store: StoreArgument
  @OptionGroup var json: JSONFlag

  func run() async throws {
    let collections = try await VectorStore.reading(store.store) { try $0.collections() }
    guard json.json else {
      let rows = collections.map { info in
        let options = info.options
        return [
          info.name,
          options.hasVectors
            ? "\(options.dimension) x \(options.element.rawValue)" : "no vectors",
          options.hasVectors ? options.metric.rawValue : "",
          "\(Text.grouped(info.live)) records", "\(Text.grouped(info.backlog)) not indexed",
          info.aliases.isEmpty ? "" : "alias " + info.aliases.joined(separator: ", "),
        ]
      }
      return try StandardOutput.write(
        rows.isEmpty ? "no collections\n" : Text.table(rows, right: [3, 4])
      )
    }
    try StandardOutput.writeJSON { writer in
      writer.key("collections")
      writer.array { for info in collections { write(info, to: &$0) } }
    }
  }

  private func write(_ info: CollectionInfo, to writer: inout JSONWriter) {
    let options = info.options
    let numbers = [
      ("dimension", options.dimension), ("rows", info.rows), ("live", info.live),
      ("deleted", info.deleted), ("indexed", info.indexed), ("backlog", info.backlog),
      ("m", options.index.m), ("ef_construction", options.index.efConstruction),
    ]
    writer.object {
      $0.member("name", info.name)
      $0.key("aliases")
      $0.array { for alias in info.aliases { $0.string(alias) } }
      $0.member("metric", options.metric.rawValue)
      $0.member("element", options.element.rawValue)
      $0.member("indexing", options.indexing.rawValue)
      $0.key("model")
      if let model = options.model { $0.string(model) } else { $0.null() }
      for (key, number) in numbers {
        $0.member(key, number)
      }
    }
  }
}
