import ArgumentParser
import Foundation
import VDB

/// Where a measurement makes its store.
struct ScratchOption: ParsableArguments {
  @Option(help: ArgumentHelp("Where the store is made; a temporary folder by default."))
  var scratch: String?

  /// A folder that is not there yet, for this run alone.
  var newFolder: String {
    (scratch.map { URL(filePath: $0) } ?? FileManager.default.temporaryDirectory)
      .appending(path: "vdb-bench-\(UUID().uuidString)").path()
  }

  /// Makes such a folder, and those above it that are missing.
  func makeFolder() throws -> String {
    let folder = newFolder
    do {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    } catch {
      throw Failure(
        status: .cannotCreate,
        message: "'\(folder)' cannot be made. Give another place with --scratch."
      )
    }
    return folder
  }
}

/// What the made-up rows of a measurement are.
struct MadeUpRowsOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Numbers per vector.", valueName: "n"))
  var dimension = 384
  @Option(help: "How numbers are kept.")
  var element: ElementType = .float32

  func validate() throws { try requirePositive(dimension, "dimension") }

  var rows: MadeUpRows { MadeUpRows(dimension: dimension, element: element) }
}
