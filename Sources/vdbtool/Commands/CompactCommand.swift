import ArgumentParser
import VDB

/// The command `vdbtool compact`.
struct CompactCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compact",
    abstract: "Rewrite a store without deleted rows and free pages.",
    discussion: """
      Needs as much free disk as the new file takes. If it is interrupted, the old store or the new \
      one is there, never neither. Row numbers change; ids do not.

      EXAMPLES
        vdbtool compact notes.vdb
        vdbtool compact notes.vdb --json --quiet
      """
  )

  @OptionGroup var store: StoreArgument
  @OptionGroup var json: JSONFlag
  @OptionGroup var quiet: QuietFlag

  func run() async throws {
    let progress = Progress(isQuiet: quiet.quiet, unit: "steps")
    let report: CompactReport
    do {
      report = try await VectorStore.compact(at: store.store) {
        progress.update($0.stage, done: $0.done, total: $0.total)
      }
      progress.finish()
    } catch {
      progress.finish()
      throw error
    }
    if json.json { return try StandardOutput.writeJSON(report) }
    try StandardOutput.write(
      "\(Text.bytes(report.bytesBefore)) before, \(Text.bytes(report.bytesAfter)) after; "
        + "\(Text.grouped(report.rowsReclaimed)) deleted rows reclaimed in "
        + "\(Text.duration(report.seconds)).\n"
    )
  }
}
