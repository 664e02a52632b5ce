import Foundation
import HTTPTestSupport
import TestSupport
import Testing

/// Services on the command line.
struct ServiceTests {
  private static let notes = (0..<20).map { "{\"id\":\($0),\"text\":\"note \($0)\"}\n" }.joined()

  private static func with<Result>(_ body: (String) async throws -> Result) async throws -> Result {
    try await TemporaryFolder.with { folder in
      try Data(notes.utf8).write(to: URL(filePath: folder + "/n.jsonl"))
      return try await body(folder)
    }
  }

  static let refused: [([String], String)] = [
    (["--embed", "builtin", "--model", "m"], "--model goes with --vectors, or with an --embed"),
    (["--model", "m"], "--model goes with --vectors, or with an --embed"),
    (["--dimensions", "8"], "--dimensions goes with an --embed that is a service: openai, jina"),
    (["--embed", "hash", "--api-key-file", "k"], "--api-key-file goes with an --embed"),
    (
      ["--embed", "openai", "--model", "m", "--dimensions", "0"], "--dimensions must be at least 1"
    ),
  ]

  @Test(arguments: refused.indices)
  func `options of services need a service`(index: Int) async throws {
    let (arguments, says) = Self.refused[index]
    try await Self.with { folder in
      for command in [["import", "s", "--file", "n.jsonl"], ["query", "s", "--text", "a"]] {
        let run = try Tool.run(command + arguments, in: folder)
        #expect(run.status == 64, "\(run.errors)")
        let isQuery = command[0] == "query"
        let expected = isQuery ? says.replacing("--vectors, or with ", with: "") : says
        #expect(run.errors.contains(expected), "\(run.errors)")
      }
    }
  }

  #if HTTPEmbedding
    @Test func `texts are embedded by a service, and asked for by the same one`() async throws {
      try await Self.with { folder in
        try await ScriptedServer.with { server in
          try Data("secret-key\n".utf8).write(to: URL(filePath: folder + "/key"))
          let service = ["--embed", "vllm", "--base-url", server.url, "--api-key-file", "key"]
          let first = try Tool.run(
            ["import", "s", "--file", "n.jsonl", "--model", "org/small", "--dimensions", "4"]
              + service + ["--embed-batch", "10", "--json"],
            in: folder
          )
          #expect(first.status == 0, "\(first.errors)")
          #expect(first.output.contains(#""inserted":20,"#))
          #expect(first.output.contains(#""model":"vllm:org/small@4""#), "\(first.output)")
          // One call to learn the dimension, two for the texts.
          #expect(server.requests.count == 3)
          #expect(server.requests.allSatisfy { $0.headers["authorization"] == "Bearer secret-key" })
          #expect(server.requests.allSatisfy { $0.model == "org/small" && $0.dimensions == 4 })

          // Model and dimension are the collection's.
          let query = ["query", "s", "--text", "note 7", "--limit", "1"]
          let found = try Tool.run(query + service, in: folder)
          #expect(found.status == 0, "\(found.errors)")
          #expect(found.output.contains("7  note 7"), "\(found.output)")
          #expect(server.requests.count == 4)
          #expect(server.requests[3].model == "org/small")
          #expect(server.requests[3].dimensions == 4)
          #expect(server.requests[3].texts == ["note 7"])

          let again = try Tool.run(
            ["import", "s", "--file", "n.jsonl", "--json"] + service,
            in: folder
          )
          #expect(again.output.contains(#""unchanged":20"#), "\(again.errors)")

          let unnamed = try Tool.run(query, in: folder)
          #expect(unnamed.status == 65)
          #expect(
            unnamed.errors.contains("Name the embedder with --embed vllm"),
            "\(unnamed.errors)"
          )
          let other = try Tool.run(query + service + ["--model", "other"], in: folder)
          #expect(other.status == 65)
          #expect(other.errors.contains("'vllm:org/small@4', not 'vllm:other'"), "\(other.errors)")
          for run in [first, found, again, unnamed, other] {
            #expect(!(run.output + run.errors).contains("secret-key"))
          }
        }
      }
    }

    @Test func `an address alone is a service too`() async throws {
      try await Self.with { folder in
        try await ScriptedServer.with { server in
          let service = ["--embed", server.url, "--model", "m"]
          let run = try Tool.run(["import", "s", "--file", "n.jsonl"] + service, in: folder)
          #expect(run.status == 0, "\(run.errors)")
          #expect(server.requests.allSatisfy { $0.headers["authorization"] == nil })
          let found = try Tool.run(
            ["query", "s", "--text", "note 3", "--limit", "1", "--embed", server.url],
            in: folder,
            environment: ["EMBEDDING_API_KEY": "secret-key"]
          )
          #expect(found.output.contains("3  note 3"), "\(found.errors)")
          #expect(server.requests.last?.headers["authorization"] == "Bearer secret-key")
        }
      }
    }

    @Test func `what fails at the service is told, and nothing is stored by half`() async throws {
      let script: ScriptedServer.Script = { request in
        request.texts.contains("note 5") ? .error(400, "note 5 is bad") : .vectors(for: request)
      }
      try await Self.with { folder in
        try await ScriptedServer.with(script) { server in
          let service = ["--embed", server.url, "--model", "m", "--embed-batch", "4"]
          let run = try Tool.run(
            ["import", "s", "--file", "n.jsonl", "--report", "r.json"] + service,
            in: folder
          )
          #expect(run.status == 65)
          #expect(run.errors.contains("1 text could not be stored"), "\(run.errors)")
          #expect(run.errors.contains("The service answered 400: note 5 is bad."), "\(run.errors)")
        }
        try await ScriptedServer.with { server in
          let service = ["--embed", server.url, "--model", "m"]
          let run = try Tool.run(
            ["import", "s", "--file", "n.jsonl", "--retry-failed", "r.json", "--json"] + service,
            in: folder
          )
          #expect(run.output.contains(#""inserted":1,"#), "\(run.errors)")
        }
      }
    }

    @Test(arguments: [
      ["import", "s", "-c", "other", "--file", "n.jsonl"], ["reprocess", "s", "--into", "other"],
    ])
    func `the first Ctrl-C ends a command that waits for the service's first answer`(
      command: [String]
    ) async throws {
      try await Self.with { folder in
        let first = try Tool.run(["import", "s", "--file", "n.jsonl"], in: folder)
        #expect(first.status == 0, "\(first.errors)")
        try await ScriptedServer.with({ _ in .silence }) { server in
          let (process, _, errors) = try Tool.start(
            command + ["--embed", server.url, "--model", "m"],
            in: folder
          )
          try await server.silence.wait()
          process.interrupt()
          process.waitUntilExit()
          #expect(process.terminationReason == .exit)
          #expect(process.terminationStatus == 130)
          #expect(try String(contentsOf: errors, encoding: .utf8) == "vdbtool: Interrupted.\n")
        }
      }
    }

    static let failures: [([String], [String: String], Int32, String)] = [
      (["--embed", "openai", "--model", "m"], [:], 64, "Set the variable OPENAI_API_KEY"),
      (["--embed", "jina", "--model", "m"], [:], 64, "Set the variable JINA_API_KEY"),
      (
        ["--embed", "openai"], ["OPENAI_API_KEY": "k"], 64, "Name the service's model with --model"
      ),
      (
        ["--embed", "openai", "--model", "m", "--api-key-file", "no"], [:], 64,
        "'no' cannot be read"
      ),
      (
        ["--embed", "http://example.com/v1", "--model", "m"], ["EMBEDDING_API_KEY": "secret-key"],
        64, "http:// is not encrypted"
      ),
      (
        ["--embed", "http://127.0.0.1:1/v1", "--model", "m"], [:], 65,
        "'127.0.0.1:1' does not accept connections. Check its address and that it runs."
      ),
      (
        ["--embed", "http://a..b/v1", "--model", "m"], [:], 65,
        "no machine is known by the name 'a..b'"
      ),
    ]

    @Test(arguments: failures.indices)
    func `what is missing is told in one sentence`(index: Int) async throws {
      let (arguments, environment, status, says) = Self.failures[index]
      try await Self.with { folder in
        let run = try Tool.run(
          ["import", "s", "--file", "n.jsonl"] + arguments,
          in: folder,
          environment: environment
        )
        #expect(run.status == status, "\(run.errors)")
        #expect(run.errors.contains(says), "\(run.errors)")
        #expect(!run.errors.contains("secret-key"))
      }
    }
  #else
    @Test func `a tool without services says how to build one with them`() async throws {
      try await Self.with { folder in
        let run = try Tool.run(
          ["import", "s", "--file", "n.jsonl", "--embed", "openai", "--model", "m"],
          in: folder
        )
        #expect(run.status == 64)
        #expect(run.errors.contains("--traits HTTPEmbedding"), "\(run.errors)")
      }
    }
  #endif
}
