import ArgumentParser
import Foundation
import VDB
import VDBIngest

/// The command `vdbtool delete`.
struct DeleteCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "delete",
    abstract: "Delete records by id.",
    discussion: """
      Ids that are not there are counted and no error. The bytes stay in the file until \
      'vdbtool compact'.

      EXAMPLES
        vdbtool delete notes.vdb --ids n03463561,v00444629
        vdbtool delete notes.vdb --ids-file old.txt
        grep -l draft ids.txt | vdbtool delete notes.vdb --ids-file - --json
      """
  )

  @OptionGroup var store: StoreArgument

  @Option(help: ArgumentHelp("Ids, separated by commas.", valueName: "a,b"))
  var ids: String?

  @Option(
    help: ArgumentHelp("A file with one id a line; - is standard input.", valueName: "file"),
    completion: .file()
  )
  var idsFile: String?

  @OptionGroup var idOptions: IDOptions
  @OptionGroup var collection: CollectionOption
  @OptionGroup var json: JSONFlag

  func validate() throws {
    if ids == nil, idsFile == nil { throw ValidationError("Give --ids A,B or --ids-file FILE.") }
  }

  func run() async throws {
    var wanted = ids.map { $0.split(separator: ",").map(String.init) } ?? []
    if let idsFile { wanted += try TextLines.read(idsFile) }
    var seen: Set<RecordID> = []
    var deleted = 0
    try await VectorStore.with(store.store, StoreOptions(mode: .readWriteExisting)) { store in
      for start in stride(from: 0, to: wanted.count, by: 1000) {
        let part = Array(wanted[start..<min(start + 1000, wanted.count)])
        let found = try idOptions.resolve(part, in: collection.collection, of: store)
        let fresh = found.compactMap { $0 }.filter { seen.insert($0).inserted }
        if fresh.isEmpty { continue }
        deleted += try await store.delete(ids: fresh, from: collection.collection).deleted
      }
    }
    let missing = wanted.count - deleted
    guard json.json else {
      let rest = missing > 0 ? "; \(Text.grouped(missing)) ids were not there" : ""
      return try StandardOutput.write("Deleted \(Text.grouped(deleted)) records\(rest).\n")
    }
    try StandardOutput.writeJSON {
      $0.member("collection", collection.collection)
      $0.member("deleted", deleted)
      $0.member("missing", missing)
    }
  }
}
