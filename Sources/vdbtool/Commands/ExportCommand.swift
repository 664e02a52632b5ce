import ArgumentParser
import VDB
import VDBIngest

/// The command `vdbtool export`.
struct ExportCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Write a collection as JSON Lines that import reads back.",
    discussion: """
      Records without vectors are read back with import --file. \
      Numbers have the digits they need to read back as the same. A file appears under its name \
      only when it is complete.

      EXAMPLES
        vdbtool export notes.vdb --output notes.jsonl
        vdbtool export notes.vdb | gzip > notes.jsonl.gz
        vdbtool export notes.vdb | vdbtool import copy.vdb --vectors -
      """
  )

  @OptionGroup var store: StoreArgument
  @OptionGroup var collection: CollectionOption

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("The file to write; standard output by default.", valueName: "file"),
    completion: .file()
  )
  var output: String?

  @OptionGroup var json: JSONFlag
  @OptionGroup var quiet: QuietFlag

  func validate() throws {
    if json.json, output == nil {
      throw ValidationError("--json reports on a file; it goes with --output.")
    }
  }

  func run() async throws {
    let progress = Progress(isQuiet: quiet.quiet || output == nil, unit: "records")
    let start = ContinuousClock.now
    let count = try await VectorStore.reading(store.store) { store in
      defer { progress.finish() }
      let total = try store.count(in: collection.collection)
      guard let output else {
        return try write(store, total, progress) { try StandardOutput.write($0) }
      }
      let interrupt = Interrupt()
      let file = try PendingFile(output)
      let count = try write(store, total, progress) { bytes in
        if interrupt.isRaised {
          throw Failure(status: .interrupted, message: "Interrupted; no file was written.")
        }
        try file.write(bytes)
      }
      try file.commit()
      return count
    }
    guard let output else { return }
    guard json.json else {
      return try StandardOutput.write("Wrote \(Text.grouped(count)) records to '\(output)'.\n")
    }
    try StandardOutput.writeJSON {
      $0.member("collection", collection.collection)
      $0.member("records", count)
      $0.member("output", output)
      $0.member("seconds", rounded: (ContinuousClock.now - start) / .seconds(1), 3)
    }
  }

  private func write(
    _ store: VectorStore,
    _ total: Int,
    _ progress: Progress,
    _ put: ([UInt8]) throws -> Void
  ) throws -> Int {
    var writer = JSONWriter()
    var count = 0
    var position: Int? = 0
    while let from = position {
      let page = try store.scroll(collection.collection, from: from, limit: 1000)
      for record in page.records {
        RecordText.write(record, to: &writer)
        writer.newline()
      }
      try put(writer.bytes)
      writer.reset()
      count += page.records.count
      progress.update("Exporting", done: count, total: total)
      position = page.next
    }
    return count
  }
}
