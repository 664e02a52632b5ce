import Foundation
import Testing

/// The built `vdbtool`, run as a process.
struct Tool {
  /// What a run printed and how it ended.
  struct Run {
    var status: Int32
    var output: String
    var errors: String
  }

  /// The products' folder is that of the running test bundle.
  static func path() throws -> String {
    let bundles =
      Bundle.allBundles.map(\.bundleURL.path) + CommandLine.arguments.prefix(1)
      + [Bundle.main.bundleURL.path]
    for start in bundles {
      var folder = URL(filePath: start)
      for _ in 0..<4 {
        let candidate = folder.appending(path: "vdbtool").path()
        if FileManager.default.isExecutableFile(atPath: candidate), !isFolder(candidate) {
          return candidate
        }
        folder.deleteLastPathComponent()
      }
    }
    throw CocoaError(.fileNoSuchFile, userInfo: [NSLocalizedDescriptionKey: "vdbtool not built"])
  }

  private static func isFolder(_ path: String) -> Bool {
    var isFolder: ObjCBool = false
    return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
      && isFolder.boolValue
  }

  /// The same for every run, whoever runs the tests; but a tool built with a sanitizer is told where its
  /// reports go.
  private static var environment: [String: String] {
    let own = ProcessInfo.processInfo.environment.filter { $0.key.hasSuffix("SAN_OPTIONS") }
    return own.merging(["COLUMNS": "80", "PATH": "/usr/bin:/bin", "TZ": "UTC"]) { $1 }
  }

  /// Starts a run whose output goes to files, so that no pipe can fill up.
  static func start(
    _ arguments: [String],
    in folder: String,
    input: Any = FileHandle.nullDevice,
    environment: [String: String] = [:]
  ) throws -> (process: Process, output: URL, errors: URL) {
    let process = Process()
    process.executableURL = URL(filePath: try path())
    process.arguments = arguments
    process.currentDirectoryURL = URL(filePath: folder)
    process.environment = Self.environment.merging(environment) { _, given in given }
    let name = UUID().uuidString
    let files = ["out", "err"].map { URL(filePath: "\(folder)/\(name).\($0)") }
    for file in files { try Data().write(to: file) }
    process.standardOutput = try FileHandle(forWritingTo: files[0])
    process.standardError = try FileHandle(forWritingTo: files[1])
    process.standardInput = input
    try process.run()
    return (process, files[0], files[1])
  }

  /// Runs to the end, with `input` on standard input.
  static func run(_ arguments: String..., in folder: String, input: String? = nil) throws -> Run {
    try run(arguments, in: folder, input: input)
  }

  /// Runs to the end, with `input` on standard input.
  static func run(
    _ arguments: [String],
    in folder: String,
    input: String? = nil,
    environment: [String: String] = [:]
  ) throws -> Run {
    var source: Any = FileHandle.nullDevice
    if let input {
      let file = URL(filePath: "\(folder)/\(UUID().uuidString).in")
      try Data(input.utf8).write(to: file)
      source = try FileHandle(forReadingFrom: file)
    }
    let (process, output, errors) = try start(
      arguments,
      in: folder,
      input: source,
      environment: environment
    )
    process.waitUntilExit()
    return Run(
      status: process.terminationStatus,
      output: String(decoding: try Data(contentsOf: output), as: UTF8.self),
      errors: String(decoding: try Data(contentsOf: errors), as: UTF8.self)
    )
  }
}
