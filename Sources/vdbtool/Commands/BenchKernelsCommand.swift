import ArgumentParser
import VDBIngest
import VectorKernels

/// The command `vdbtool bench kernels`.
struct BenchKernelsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "kernels",
    abstract: "Time distances, codes and checksum, beside reading the same memory.",
    discussion: """
      Each kernel runs on one thread with each instruction set that this machine has, over rows that \
      fit a core's cache and over rows that do not, and so does a plain loop that adds up the same \
      memory's words. Time is what the thread runs. Given are the bytes of rows a second, the time for one row, the rate beside \
      the scalar kernel's, and beside the plain loop's.

      EXAMPLES
        vdbtool bench kernels
        vdbtool bench kernels --dimension 1536 --megabytes 256 --json
      """
  )

  @Option(help: ArgumentHelp("Numbers per vector, up to 65536.", valueName: "n"))
  var dimension = 384
  @Option(help: ArgumentHelp("Megabytes of rows that fit no cache, up to 1024.", valueName: "n"))
  var megabytes = 128
  @Option(help: ArgumentHelp("Kilobytes of rows that fit the cache.", valueName: "n"))
  var kilobytes = 256
  @Option(help: ArgumentHelp("Milliseconds of a sample; five are taken.", valueName: "n"))
  var milliseconds = 20
  @OptionGroup var json: JSONFlag
  @OptionGroup var quiet: QuietFlag

  func validate() throws {
    guard (1...65536).contains(dimension) else {
      throw ValidationError("--dimension must be 1 to 65536, not \(dimension).")
    }
    guard (1...1024).contains(megabytes) else {
      throw ValidationError("--megabytes must be 1 to 1024, not \(megabytes).")
    }
    try requirePositive(kilobytes, "kilobytes")
    try requirePositive(milliseconds, "milliseconds")
    guard kilobytes << 10 >= 4 * dimension + 8192 else {
      throw ValidationError("--kilobytes must hold a few rows of \(dimension) numbers.")
    }
  }

  /// What one kernel gave with one instruction set, on memory of one size.
  private struct Figure {
    var kernel: String
    var set: String
    var isCached: Bool
    var bytesPerSecond: Double
    var nanosecondsPerRow: Double
    var ofScalar: Double
    var ofReading: Double
  }

  func run() throws {
    let clock = KernelClock(sample: Double(milliseconds) / 1000, time: .thread)
    let progress = Progress(isQuiet: quiet.quiet, unit: "measurements")
    let cases = KernelCase.all(dimension: dimension)
    let sets = InstructionSet.available
    let best = InstructionSet.current
    defer { InstructionSet.force(best) }
    var figures: [Figure] = []
    var reading: [(isCached: Bool, rate: Double)] = []
    for (bytes, isCached) in [(kilobytes << 10, true), (megabytes << 20, false)] {
      var rates: [Double] = []
      for kernel in cases {
        let memory = KernelMemory(count: bytes, element: kernel.element)
        // Beside each kernel, since what memory gives changes with what else the machine does.
        let rate = memory.readRate(clock)
        rates.append(rate)
        let rows = bytes / kernel.rowBytes
        var scalar = 0.0
        for set in sets {
          InstructionSet.force(set)
          let seconds = clock.seconds { kernel.run(memory, rows) }
          let rowRate = Double(rows) / seconds
          if set == .scalar { scalar = rowRate }
          figures.append(
            Figure(
              kernel: kernel.name,
              set: "\(set)",
              isCached: isCached,
              bytesPerSecond: rowRate * Double(kernel.rowBytes),
              nanosecondsPerRow: 1e9 / rowRate,
              ofScalar: rowRate / scalar,
              ofReading: rowRate * Double(kernel.rowBytes) / rate
            )
          )
          progress.update("Measuring", done: figures.count, total: 2 * cases.count * sets.count)
        }
      }
      reading.append((isCached, rates.sorted()[rates.count / 2]))
    }
    progress.finish()
    try report(figures, reading)
  }

  private func report(
    _ figures: [Figure],
    _ reading: [(isCached: Bool, rate: Double)]
  ) throws {
    guard json.json else {
      for (isCached, rate) in reading {
        let rows = figures.filter { $0.isCached == isCached }.map {
          [
            $0.kernel, $0.set, Text.fixed($0.bytesPerSecond / 1e9, 1),
            Text.fixed($0.nanosecondsPerRow, 1), Text.fixed($0.ofScalar, 1),
            Text.fixed($0.ofReading, 2),
          ]
        }
        let header = ["kernel", "instructions", "GB/s", "ns/row", "x scalar", "of reading"]
        try StandardOutput.write(
          (isCached ? "In the cache" : "From memory")
            + ", \(dimension) numbers a row; a plain loop reads \(Text.fixed(rate / 1e9, 1)) GB/s.\n"
            + Text.table([header] + rows, right: [2, 3, 4, 5]) + "\n"
        )
      }
      return
    }
    try StandardOutput.writeJSON { writer in
      writer.member("dimension", dimension)
      for (isCached, rate) in reading {
        writer.member(isCached ? "cache_read_gb_s" : "memory_read_gb_s", rounded: rate / 1e9, 2)
      }
      writer.key("kernels")
      writer.array { array in
        for figure in figures {
          array.object {
            $0.member("kernel", figure.kernel)
            $0.member("instructions", figure.set)
            $0.member("memory", figure.isCached ? "cache" : "memory")
            $0.member("gb_s", rounded: figure.bytesPerSecond / 1e9, 2)
            $0.member("ns_per_row", rounded: figure.nanosecondsPerRow, 2)
            $0.member("of_scalar", rounded: figure.ofScalar, 2)
            $0.member("of_reading", rounded: figure.ofReading, 3)
          }
        }
      }
    }
  }
}
