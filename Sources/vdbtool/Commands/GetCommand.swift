import ArgumentParser
import VDB
import VDBIngest

/// The command `vdbtool get`.
struct GetCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "get",
    abstract: "Show records by id.",
    discussion: """
      With --json, one object a record, in the form that import reads.

      EXAMPLES
        vdbtool get notes.vdb n03463561
        vdbtool get notes.vdb 17 18 --id-type integer --vector --json
      """
  )

  @OptionGroup var store: StoreArgument

  @Argument(help: "The records' ids.")
  var ids: [String]

  @OptionGroup var idOptions: IDOptions
  @OptionGroup var collection: CollectionOption

  @Flag(help: "Show the vectors as well.")
  var vector = false

  @OptionGroup var json: JSONFlag

  func run() async throws {
    try await VectorStore.reading(store.store) { store in
      let found = try idOptions.resolve(ids, in: collection.collection, of: store)
      let fields: ResultFields = vector ? .all : [.metadata, .document, .original]
      let records = try store.get(
        found.compactMap { $0 },
        from: collection.collection,
        including: fields
      )
      var writer = JSONWriter()
      var text = ""
      for case let record? in records {
        if json.json {
          RecordText.write(record, to: &writer, withVector: vector)
          writer.newline()
        } else {
          text += describe(record)
        }
      }
      try StandardOutput.write(json.json ? writer.bytes : Array(text.utf8))
      let missing = zip(ids, found).filter { $0.1 == nil }.map { "'\($0.0)'" }
      if !missing.isEmpty {
        let message =
          "There is no record \(missing.joined(separator: ", ")) in "
          + "'\(collection.collection)'. Check the ids."
        throw Failure(status: .data, message: message)
      }
    }
  }

  private func describe(_ record: Record) -> String {
    var rows = [["id", Text.excerpt(record.id.description, 480)]]
    if let document = record.document { rows.append(["text", Text.excerpt(document, 1000)]) }
    if let original = record.original { rows.append(["original", Text.excerpt(original, 1000)]) }
    for (key, value) in record.metadata.sorted(by: { $0.key < $1.key }) {
      var writer = JSONWriter()
      writer.value(value)
      rows.append([Text.excerpt(key), Text.excerpt(writer.text, 1000)])
    }
    if vector, !record.vector.isEmpty {
      rows.append(["vector", record.vector.map(\.description).joined(separator: " ")])
    }
    return Text.table(rows)
  }
}
