import ArgumentParser

/// The command `vdbtool bench`.
struct BenchCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench",
    abstract: "Measure the store on this machine.",
    subcommands: [
      BenchANNCommand.self, BenchKernelsCommand.self, BenchMixedCommand.self,
      BenchOpenCommand.self, BenchScanCommand.self, BenchWriteCommand.self,
    ]
  )
}
