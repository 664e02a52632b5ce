public import ArgumentParser
public import VDB

extension Metric: ExpressibleByArgument {
  /// A metric's name; `cos` is short for `cosine`.
  public init?(argument: String) { self.init(rawValue: argument == "cos" ? "cosine" : argument) }
}

extension ElementType: ExpressibleByArgument {}

extension IndexingMode: ExpressibleByArgument {}

/// Whole numbers separated by commas: `16,32,64`.
struct IntegerList: ExpressibleByArgument {
  var values: [Int]

  init(_ values: [Int]) { self.values = values }

  init?(argument: String) {
    var values: [Int] = []
    for part in argument.split(separator: ",", omittingEmptySubsequences: false) {
      guard let value = Int(part), value > 0 else { return nil }
      values.append(value)
    }
    self.values = values
  }

  var defaultValueDescription: String { values.map(String.init).joined(separator: ",") }
}

/// Shares separated by commas: `0.9,0.95`.
struct ShareList: ExpressibleByArgument {
  var values: [Double]

  init?(argument: String) {
    var values: [Double] = []
    for part in argument.split(separator: ",", omittingEmptySubsequences: false) {
      guard let value = Double(part), value > 0, value <= 1 else { return nil }
      values.append(value)
    }
    self.values = values
  }
}

/// Rows `A:B`, from A up to but without B; either may be left out.
struct RowRange: ExpressibleByArgument {
  var lower: Int
  var upper: Int?

  init?(argument: String) {
    let parts = argument.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 2 else { return nil }
    guard let lower = parts[0].isEmpty ? 0 : Int(parts[0]), lower >= 0 else { return nil }
    self.lower = lower
    if !parts[1].isEmpty {
      guard let upper = Int(parts[1]), upper >= lower else { return nil }
      self.upper = upper
    }
  }
}

/// The store that a command works on.
struct StoreArgument: ParsableArguments {
  @Argument(help: "The store's folder.", completion: .directory)
  var store: String
}

/// The collection that a command works on.
struct CollectionOption: ParsableArguments {
  @Option(name: .shortAndLong, help: "The collection.")
  var collection = "default"
}

/// How much of the machine a command that writes may index with.
struct IndexingOption: ParsableArguments {
  @Option(help: ArgumentHelp("Threads that index; all cores by default.", valueName: "n"))
  var indexingThreads: Int?

  func validate() throws { try requirePositive(indexingThreads, "indexing-threads") }
}

/// How a command reports.
struct JSONFlag: ParsableArguments {
  @Flag(help: "Print JSON, one object a line, with keys that stay the same.")
  var json = false
}

/// Whether a long command shows how far it is.
struct QuietFlag: ParsableArguments {
  @Flag(name: .shortAndLong, help: "Show no progress.")
  var quiet = false
}

/// The range check that the parser does not do.
func requirePositive(_ value: Int?, _ name: String) throws {
  if let value, value < 1 { throw ValidationError("--\(name) must be at least 1, not \(value).") }
}

extension VectorStore {
  /// Opens the store, runs `body`, and closes the store whatever happened.
  static func with<Result>(
    _ path: String,
    _ options: StoreOptions,
    _ body: (VectorStore) async throws -> Result
  ) async throws -> Result {
    let store = try VectorStore.open(at: path, options: options)
    let result: Result
    do {
      result = try await body(store)
    } catch {
      do { try await store.close() } catch { StandardError.write("vdbtool: \(error)\n") }
      throw error
    }
    try await store.close()
    return result
  }

  /// Opens the store for reading, which works beside a writer.
  static func reading<Result>(
    _ path: String,
    _ body: (VectorStore) async throws -> Result
  ) async throws -> Result {
    try await with(path, StoreOptions(mode: .readOnly), body)
  }
}
