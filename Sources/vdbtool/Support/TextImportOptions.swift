import ArgumentParser
import Foundation
import VDB
import VDBIngest

/// The forms of files of texts.
enum TextFormat: String, CaseIterable, ExpressibleByArgument {
  case jsonl, lines, csv, tsv, folder
}

/// How thoroughly texts are cleaned and compared with what is stored.
enum IngestPreset: String, CaseIterable, ExpressibleByArgument {
  case standard, fast
}

/// What `import` asks when it imports texts.
struct TextImportOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Texts to clean, embed and store: JSON Lines, CSV, TSV, plain lines, a folder of .txt and .md "
        + "files, or - for standard input.",
      valueName: "file"
    ),
    completion: .file()
  )
  var file: String?

  @Option(help: "The form of the texts; told from the file's name by default.")
  var format: TextFormat?

  @Option(help: ArgumentHelp("The member or column that is the text.", valueName: "name"))
  var textField = "text"

  @Option(help: ArgumentHelp("The member or column that is the id.", valueName: "name"))
  var idField = "id"

  @Option(help: ArgumentHelp("Kept with each record as metadata 'source'.", valueName: "name"))
  var source: String?

  @Option(
    help: ArgumentHelp(
      "What makes the vectors: builtin, hash, a folder of a model in the Model2Vec form, a service "
        + "(\(ServiceOptions.names)), or none: then records have no vectors.",
      discussion: "A new collection takes builtin, or none with --preset fast."
    )
  )
  var embed: EmbedderName?

  @Option(
    help: ArgumentHelp(
      "How much is done to each text: standard or fast.",
      discussion: """
        standard strips HTML, composes Unicode, takes out control characters and superfluous white \
        space, leaves out what the collection has already, and embeds. fast is for large first \
        imports: it takes out control characters and white space only, does not look at what is \
        stored, and embeds only if --embed says so. Duplicates within the input are left out by both.
        """
    )
  )
  var preset = IngestPreset.standard

  @Option(help: ArgumentHelp("Entries read at a time.", valueName: "n"))
  var loadBatch: Int?

  @Option(help: ArgumentHelp("Entries cleaned at a time.", valueName: "n"))
  var cleanBatch: Int?

  @OptionGroup var pipeline: PipelineOptions

  @Flag(help: "Store texts that occur more than once as often as they occur.")
  var allowDuplicates = false

  @Flag(
    help:
      "Go on where an interrupted import of the same file had committed, without reading it again."
  )
  var resume = false

  @Option(
    help: ArgumentHelp(
      "Import only what failed according to a report of --report.",
      valueName: "report"
    ),
    completion: .file()
  )
  var retryFailed: String?

  /// Names of options that were given although no `--file` was.
  var strayNames: [String] {
    let given: [(String, Bool)] = [
      ("format", format != nil), ("source", source != nil), ("embed", embed != nil),
      ("load-batch", loadBatch != nil), ("clean-batch", cleanBatch != nil),
      ("allow-duplicates", allowDuplicates), ("resume", resume),
      ("retry-failed", retryFailed != nil),
    ]
    return (given + pipeline.given).filter(\.1).map { "--" + $0.0 }
  }

  func configuration() throws -> IngestConfiguration {
    var configuration = preset == .fast ? IngestConfiguration.fast : .standard
    pipeline.apply(to: &configuration, with: embed)
    configuration.loadBatch = loadBatch
    configuration.cleanBatch = cleanBatch
    configuration.allowsDuplicates = allowDuplicates
    configuration.resumes = resume
    if let retryFailed {
      let report = try IngestReport.read(retryFailed)
      configuration.only = Set(report.failedBatches.flatMap { $0.ids.map(\.description) })
    }
    return configuration
  }

  /// What was named; else what the collection has, or for a new one what the preset says.
  func embedder(
    _ service: ServiceOptions,
    for existing: CollectionInfo?
  ) async throws -> any Embedder {
    if let embed { return try await embed.load(service, for: existing) }
    let hasVectors = existing?.options.hasVectors ?? (preset == .standard)
    return try await (hasVectors ? EmbedderName.builtin : .none).load(service, for: existing)
  }

  func open(_ path: String) throws -> any TextSource {
    let opened: any TextSource =
      switch try format ?? Self.format(of: path) {
      case .jsonl: try JSONLinesSource(path: path, textField: textField, idField: idField)
      case .lines: try LinesSource(path: path)
      case .csv: try TableSource(path: path, textField: textField, idField: idField)
      case .tsv:
        try TableSource(path: path, separator: .tab, textField: textField, idField: idField)
      case .folder: try FolderSource(path: path)
      }
    guard let source else { return opened }
    return LabelledSource(opened, metadata: ["source": .string(source)])
  }

  private static func format(of path: String) throws -> TextFormat {
    if path == "-" { return .jsonl }
    var isFolder: ObjCBool = false
    if unsafe FileManager.default.fileExists(atPath: path, isDirectory: &isFolder),
      isFolder.boolValue
    {
      return .folder
    }
    switch URL(filePath: path).pathExtension.lowercased() {
    case "jsonl", "ndjson", "json": return .jsonl
    case "csv": return .csv
    case "tsv", "tab": return .tsv
    case "txt": return .lines
    default:
      let names = TextFormat.allCases.map(\.rawValue).joined(separator: ", ")
      throw ValidationError("The form of '\(path)' cannot be told. Give --format: \(names).")
    }
  }
}

extension IngestReport {
  /// Reads a report that `--report` wrote.
  static func read(_ path: String) throws -> IngestReport {
    guard let data = FileManager.default.contents(atPath: path) else {
      throw Failure(status: .noInput, message: "'\(path)' cannot be read. Check the path.")
    }
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    do {
      return try decoder.decode(IngestReport.self, from: data)
    } catch {
      throw Failure(status: .data, message: "'\(path)' is no report that --report wrote: \(error).")
    }
  }

  /// How many texts could not be stored and what was said of the first; `nil` if all could.
  var failedText: String? {
    if failed == 0 { return nil }
    let first = failedBatches.first?.errors.last ?? ""
    return "\(Text.grouped(failed)) text\(failed == 1 ? "" : "s") could not be stored: \(first)"
  }

  /// One line of JSON with keys in snake case.
  func json() throws -> String {
    let encoder = JSONEncoder()
    encoder.keyEncodingStrategy = .convertToSnakeCase
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(self), as: UTF8.self)
  }

  /// Writes it as JSON, whole or not at all.
  func write(to path: String) throws {
    let encoder = JSONEncoder()
    encoder.keyEncodingStrategy = .convertToSnakeCase
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes, .prettyPrinted]
    let file = try PendingFile(path)
    try file.write(Array(try encoder.encode(self)) + [0x0A])
    try file.commit()
  }
}
