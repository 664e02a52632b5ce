import ArgumentParser
import VDB
import VDBIngest

/// The command `vdbtool drop`.
struct DropCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "drop",
    abstract: "Delete a collection with all its records.",
    discussion: """
      EXAMPLES
        vdbtool drop notes.vdb drafts
        vdbtool drop notes.vdb drafts --json
      """
  )

  @OptionGroup var store: StoreArgument

  @Argument(help: "The collection.")
  var collection: String

  @OptionGroup var json: JSONFlag

  func run() async throws {
    let options = StoreOptions(mode: .readWriteExisting)
    let live = try await VectorStore.with(store.store, options) { store in
      let live = try store.collection(collection).live
      try await store.dropCollection(collection)
      return live
    }
    guard json.json else {
      return try StandardOutput.write(
        "Dropped '\(collection)' with \(Text.grouped(live)) records.\n"
      )
    }
    try StandardOutput.writeJSON {
      $0.member("collection", collection)
      $0.member("dropped_records", live)
    }
  }
}
