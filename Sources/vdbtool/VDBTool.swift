import ArgumentParser
import Foundation

/// The command line of the store; one file a command is in `Commands`.
@main
struct VDBTool: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "vdbtool",
    abstract: "A vector store on disk: import vectors, search them, look after them.",
    discussion: """
      A store is a folder. It holds collections of records: an id, a vector, metadata and a text. \
      What a command reports as stored is on disk and survives a loss of power.

      EXAMPLES
        vdbtool import notes.vdb --vectors vectors.npy --records notes.jsonl --wait
        vdbtool query notes.vdb --vectors questions.npy --limit 5
        vdbtool stats notes.vdb --json

      EXIT CODES
        0    done (also when the reader of the output went away)
        1    verify found problems
        64   wrong usage
        65   bad input data, or data that does not fit the store
        66   an input file or the store does not exist
        70   internal error, or a damaged store
        73   the store or an output file cannot be created
        74   input or output failed; disk full
        75   another process has the store open; try again
        77   no permission
        130  interrupted
      """,
    version: "0.1.0",
    subcommands: [
      ImportCommand.self, QueryCommand.self, GetCommand.self, StatsCommand.self,
      CompactCommand.self, VerifyCommand.self, CollectionsCommand.self, AliasCommand.self,
      DeleteCommand.self, ExportCommand.self, RecallCommand.self, IndexCommand.self,
      DropCommand.self, ReprocessCommand.self, BenchCommand.self,
    ]
  )

  static func main() async {
    // A reader that goes away must be an error of `write`, so that stores are closed.
    signal(SIGPIPE, SIG_IGN)
    let status = await run(CommandLine.arguments.dropFirst().map { $0 })
    Foundation.exit(status.rawValue)
  }

  /// Runs one command line and prints its error, if any.
  static func run(_ arguments: [String]) async -> ExitStatus {
    do {
      var command = try parseAsRoot(arguments)
      if var asynchronous = command as? any AsyncParsableCommand {
        try await asynchronous.run()
      } else {
        try command.run()
      }
      return .done
    } catch {
      return report(error, asJSON: arguments.contains("--json"))
    }
  }

  private static func report(_ error: any Error, asJSON: Bool) -> ExitStatus {
    if let failure = Failure(error) {
      guard let message = failure.message else { return failure.status }
      StandardError.write("vdbtool: \(message)\n")
      if asJSON { StandardError.write(failure.json + "\n") }
      return failure.status
    }
    // What is left comes from the parser: help and version are asked for, the rest is wrong usage.
    let text = fullMessage(for: error)
    if exitCode(for: error).isSuccess {
      do { try StandardOutput.write(text + "\n") } catch { return Failure(error)?.status ?? .done }
      return .done
    }
    let failure = Failure(status: .usage, message: message(for: error))
    StandardError.write(text.replacing("Error: ", with: "vdbtool: ", maxReplacements: 1) + "\n")
    if asJSON { StandardError.write(failure.json + "\n") }
    return .usage
  }
}
