import ArgumentParser
import VDB
import VDBIngest

/// What commands ask about a service that embeds texts.
struct ServiceOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The model that made the vectors, or the one that the service of --embed shall use.",
      valueName: "name"
    )
  )
  var model: String?

  @Option(help: ArgumentHelp("Numbers per vector to ask the service for.", valueName: "n"))
  var dimensions: Int?

  @Option(
    help: ArgumentHelp(
      "A file that holds the API key, instead of a variable such as OPENAI_API_KEY.",
      valueName: "file"
    ),
    completion: .file()
  )
  var apiKeyFile: String?

  @Option(
    help: ArgumentHelp("The service's address, if it is another than usual.", valueName: "url")
  )
  var baseURL: String?

  @Flag(help: "Send the API key over unencrypted HTTP to another machine.")
  var allowPlainHTTPKey = false

  /// Names of options that were given and make no sense without a service.
  var serviceNames: [String] {
    let given: [(String, Bool)] = [
      ("dimensions", dimensions != nil), ("api-key-file", apiKeyFile != nil),
      ("base-url", baseURL != nil), ("allow-plain-http-key", allowPlainHTTPKey),
    ]
    return given.filter(\.1).map { "--" + $0.0 }
  }

  /// Checks what goes with what.
  func validate(with embed: EmbedderName?) throws {
    if let embed, case .service = embed {
      try requirePositive(dimensions, "dimensions")
    } else if let stray = serviceNames.first {
      throw ValidationError("\(stray) goes with an --embed that is a service: \(Self.names).")
    }
  }

  /// The services, as named on the command line.
  static let names = "openai, jina, vllm, tei or a URL"
}

/// The part of a model's identity that a service made: its name, the model, the dimension asked for.
struct ServiceModel: Equatable {
  var service: String
  var model: String
  var dimensions: Int?

  /// - Returns: `nil` for the identity of a model that is not a service's.
  init?(identity: String) {
    guard let colon = identity.firstIndex(of: ":") else { return nil }
    service = String(identity[..<colon])
    guard EmbedderName.services.contains(service) || service == "http" else { return nil }
    model = String(identity[identity.index(after: colon)...])
    if let at = model.lastIndex(of: "@"), let number = Int(model[model.index(after: at)...]) {
      dimensions = number
      model = String(model[..<at])
    }
  }

  /// What to give on the command line to use it.
  var option: String { service == "http" ? "--embed URL" : "--embed \(service)" }
}
