import ArgumentParser
import VDB
import VDBIngest

/// The command `vdbtool verify`.
struct VerifyCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Check that a store is what was written.",
    discussion: """
      Checks every checksum, id and link, beside a writer or without one; nothing is changed. \
      Ends with code 1 if there are problems.

      EXAMPLES
        vdbtool verify notes.vdb
        vdbtool verify notes.vdb --quick --json
      """
  )

  @OptionGroup var store: StoreArgument

  @Flag(help: "Check counts, keys and headers only.")
  var quick = false

  @OptionGroup var json: JSONFlag
  @OptionGroup var quiet: QuietFlag

  func run() async throws {
    let progress = Progress(isQuiet: quiet.quiet, unit: "steps")
    let report: VerifyReport
    do {
      report = try await VectorStore.reading(store.store) { store in
        try store.verify(quick ? .quick : .deep) {
          progress.update($0.stage, done: $0.done, total: $0.total)
        }
      }
      progress.finish()
    } catch {
      progress.finish()
      throw error
    }
    if json.json {
      try writeJSON(report)
    } else {
      try StandardOutput.write(describe(report))
    }
    if !report.isSound { throw Failure(status: .problemsFound, message: nil) }
  }

  private func writeJSON(_ report: VerifyReport) throws {
    try StandardOutput.writeJSON {
      $0.member("sound", report.isSound)
      $0.member("depth", report.depth.rawValue)
      $0.member("checked_values", report.checkedValues)
      $0.member("checked_rows", report.checkedRows)
      $0.key("problems")
      $0.array { problems in
        for problem in report.problems {
          problems.object {
            $0.member("invariant", problem.invariant)
            $0.member("place", problem.place)
            $0.member("detail", problem.detail)
          }
        }
      }
    }
  }

  private func describe(_ report: VerifyReport) -> String {
    let checked =
      "\(Text.grouped(report.checkedValues)) values and \(Text.grouped(report.checkedRows)) rows"
    if report.isSound { return "Sound: \(checked) checked.\n" }
    let rows = report.problems.map {
      ["", $0.invariant, Text.excerpt($0.place), Text.excerpt($0.detail, 400)]
    }
    return "\(report.problems.count) problems in \(checked):\n" + Text.table(rows)
      + "Restore a backup, or export what can be read and import it anew.\n"
  }
}
