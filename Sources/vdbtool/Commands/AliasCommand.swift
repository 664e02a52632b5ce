import ArgumentParser
import VDB
import VDBIngest

/// The command `vdbtool alias`.
struct AliasCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "alias",
    abstract: "Give a collection another name, and switch it to another one.",
    discussion: """
      An alias stands for a collection wherever a collection is named. Switching it takes one commit: \
      every query sees the old collection or the new one. A collection cannot be dropped while an \
      alias stands for it. Without a name the aliases are listed.

      EXAMPLES
        vdbtool alias notes.vdb current notes-2
        vdbtool alias notes.vdb current --remove
        vdbtool alias notes.vdb --json
        vdbtool query notes.vdb --collection current --text "how do plants make food"
      """
  )

  @OptionGroup var store: StoreArgument

  @Argument(help: "The alias.")
  var name: String?

  @Argument(help: "The collection that it is to stand for.")
  var collection: String?

  @Flag(help: "Take the alias away; its collection stays.")
  var remove = false

  @OptionGroup var json: JSONFlag

  func validate() throws {
    if remove, name == nil || collection != nil {
      throw ValidationError("--remove takes the alias alone: vdbtool alias STORE NAME --remove.")
    }
    if name != nil, collection == nil, !remove {
      throw ValidationError("Say which collection '\(name ?? "")' is to stand for, or --remove.")
    }
  }

  func run() async throws {
    guard let name else {
      return try write(try await VectorStore.reading(store.store) { try $0.aliases() })
    }
    let options = StoreOptions(mode: .readWriteExisting)
    let before = try await VectorStore.with(store.store, options) { store in
      let before = try store.aliases()[name]
      if let collection {
        try await store.setAlias(name, to: collection)
      } else {
        try await store.removeAlias(name)
      }
      return before
    }
    if json.json {
      return try StandardOutput.writeJSON {
        $0.member("alias", name)
        for (key, value) in [("collection", collection), ("before", before)] {
          $0.key(key)
          if let value { $0.string(value) } else { $0.null() }
        }
      }
    }
    let was = before.map { ", before for '\($0)'" } ?? ""
    try StandardOutput.write(
      collection.map { "'\(name)' stands for '\($0)'\(was).\n" } ?? "Removed '\(name)'\(was).\n"
    )
  }

  private func write(_ aliases: [String: String]) throws {
    let sorted = aliases.sorted { $0.key < $1.key }
    guard json.json else {
      let rows = sorted.map { [$0.key, $0.value] }
      return try StandardOutput.write(rows.isEmpty ? "no aliases\n" : Text.table(rows))
    }
    try StandardOutput.writeJSON { writer in
      writer.key("aliases")
      writer.object {
        for (name, collection) in sorted {
          $0.member(name, collection)
        }
      }
    }
  }
}
