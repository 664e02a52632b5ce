import Foundation
import Testing

/// Runs `vdb-crashlab`, a process to be killed, from a test.
struct Lab {
  /// How a process ended.
  enum End: Equatable {
    case exit(Int32)
    case signal(Int32)
  }

  /// What is known of a store from outside.
  struct Progress {
    var acknowledged = -1
    var parts: Set<Int> = []

    /// Takes in the lines that the workload wrote: "N" for a step, "N:p" for a part of one.
    mutating func read(_ output: String) {
      for line in output.split(separator: "\n") {
        let words = line.split(separator: ":").compactMap { Int($0) }
        if words.count == 2 { parts.insert(words[1]) }
        if words.count == 1 { (acknowledged, parts) = (words[0], []) }
      }
    }

    fileprivate var partList: String {
      parts.isEmpty ? "-" : parts.sorted().map(String.init).joined(separator: ",")
    }
  }

  let store: String
  let seed: UInt64
  let steps: Int
  var progress = Progress()

  init(store: String, seed: UInt64, steps: Int) {
    self.store = store
    self.seed = seed
    self.steps = steps
  }

  /// Runs the workload from where the store stands, dying at the kill point if one is named.
  mutating func work(killAt point: String? = nil) throws -> End {
    let (end, output, errors) = try Self.run(
      [
        "workload", store, "\(seed)", "\(steps)", "--done", "\(max(progress.acknowledged, 0))",
        "--parts", progress.partList,
      ],
      killAt: point
    )
    progress.read(output)
    if case .exit(let code) = end, code != 0 { Issue.record("the workload failed: \(errors)") }
    return end
  }

  /// Opens and closes the store, dying at the kill point if one is named.
  func recover(killAt point: String? = nil) throws -> End {
    let (end, _, errors) = try Self.run(["recover", store], killAt: point)
    if case .exit(let code) = end, code != 0 { Issue.record("recovery failed: \(errors)") }
    return end
  }

  /// Has the store judged, and goes on from where it stands.
  mutating func check(_ location: SourceLocation = #_sourceLocation) throws {
    let acknowledged = progress.acknowledged
    let question = "\(store) \(acknowledged) \(acknowledged + 1) \(seed) \(progress.partList)\n"
    let (end, output, _) = try Self.run(["check"], input: question)
    #expect(end == .exit(0), "the judge died on a store that was killed", sourceLocation: location)
    let words = output.split(whereSeparator: \.isWhitespace).map(String.init)
    if acknowledged < 0, words.first == "refused" { return }
    #expect(words.first == "ok", "\(output)", sourceLocation: location)
    guard words.count == 3, words[0] == "ok", let step = Int(words[1]) else { return }
    guard acknowledged >= 0 else { return }
    progress.acknowledged = step
    progress.parts = Set(words[2].split(separator: ",").compactMap { Int($0) })
  }
}

extension Lab {
  /// Built beside the tests; VDB_CRASHLAB names another one.
  private static var binary: URL {
    if let path = ProcessInfo.processInfo.environment["VDB_CRASHLAB"] {
      return URL(filePath: path)
    }
    var folder = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()
    // On Apple platforms the tests sit some folders deeper, in a bundle.
    for _ in 0..<5 {
      let candidate = folder.appending(path: "vdb-crashlab")
      if FileManager.default.isExecutableFile(atPath: candidate.path()) { return candidate }
      folder.deleteLastPathComponent()
    }
    let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..")
    return root.appending(path: ".build/debug/vdb-crashlab").standardizedFileURL
  }

  private static func run(
    _ arguments: [String],
    killAt point: String? = nil,
    input: String = ""
  ) throws -> (End, output: String, errors: String) {
    let process = Process()
    process.executableURL = binary
    process.arguments = arguments
    var environment = ProcessInfo.processInfo.environment
    environment["VDB_KILLPOINT"] = point
    environment["SWIFT_BACKTRACE"] = "enable=no"
    process.environment = environment
    let (question, answer, errors) = (Pipe(), Pipe(), Pipe())
    (process.standardInput, process.standardOutput) = (question, answer)
    process.standardError = errors
    try process.run()
    // All that is written fits into the pipes' buffers.
    try question.fileHandleForWriting.write(contentsOf: Data(input.utf8))
    try question.fileHandleForWriting.close()
    let output = try answer.fileHandleForReading.readToEnd() ?? Data()
    let complaints = try errors.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    let end: End =
      process.terminationReason == .uncaughtSignal
      ? .signal(process.terminationStatus) : .exit(process.terminationStatus)
    let texts = [output, complaints].map { String(decoding: $0, as: UTF8.self) }
    return (end, texts[0], texts[1])
  }
}
