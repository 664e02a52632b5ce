#if HTTPEmbedding
  import Foundation
  import HTTPTestSupport
  import TestSupport
  import Testing
  import VDB
  import VDBIngest

  @testable import VDBHTTPEmbedding

  /// The key gets to the service and nowhere else.
  struct KeyTests {
    static let secret = "sk-Zq7TTopSecret0123456789"

    /// All that can be seen of a value by printing, dumping and walking its mirrors.
    private static func traces(of value: Any) -> String {
      var text = "\(value) " + String(reflecting: value) + " "
      dump(value, to: &text)
      func walk(_ value: Any, _ depth: Int) {
        text += "\(value) "
        if depth < 12 {
          for child in Mirror(reflecting: value).children { walk(child.value, depth + 1) }
        }
      }
      walk(value, 0)
      return text
    }

    @Test func `a key is sent as a bearer token, and shown by nothing that holds it`() async throws
    {
      let key = try APIKey(Self.secret)
      let error = EmbeddingError.service(status: 1, message: "\(key)", retryAfter: nil)
      try await ScriptedServer.with { server in
        let service = EmbeddingService(.openAI, model: "m", apiKey: key, baseURL: server.url)
        let embedder = try await HTTPEmbedder.connect(to: service)
        _ = try await embedder.embed("text")
        #expect(server.requests.count == 2)
        for request in server.requests {
          #expect(request.headers["authorization"] == "Bearer " + Self.secret)
        }
        let caching = CachingEmbedder(RetryingEmbedder(embedder))
        let holders: [Any] = [key, Optional(key) as Any, [key], service, embedder, caching, error]
        for holder in holders {
          let traces = Self.traces(of: holder)
          #expect(!traces.contains("TopSecret"), "\(type(of: holder))")
          #expect(!traces.contains("Bearer"), "\(type(of: holder))")
        }
        #expect(Self.traces(of: service).contains("(API key)"))
      }
    }

    /// Services that repeat the key in every way they have.
    static let echoes: [ServerReply] = [
      .error(400, "bad key \(secret) here"), .error(401, "Incorrect API key provided: \(secret)"),
      .error(403, "\(secret) may not"), .error(413, secret), .error(500, "\(secret) out of memory"),
      .answer(status: 502, headers: [:], body: "proxy: Authorization: Bearer \(secret)"),
      .answer(status: 307, headers: ["Location": "http://x/?key=\(secret)"], body: ""),
      .answer(status: 400, headers: [:], body: String(repeating: "x", count: 290) + secret),
      .json(#"{"error":"\#(secret)"}"#), .json(secret), .json(#"{"data":"\#(secret)"}"#),
      .json(AnswerText.whole(["a"], model: secret)), .half(body: secret + secret), .hangUp,
    ]

    @Test(arguments: echoes.indices)
    func `a service that repeats the key does not bring it into errors`(index: Int) async throws {
      let echo = Self.echoes[index]
      try await ScriptedServer.with({ _ in echo }) { server in
        let key = try APIKey(Self.secret)
        let service = EmbeddingService(
          .textEmbeddingsInference,
          model: "m",
          apiKey: key,
          baseURL: server.url
        )
        let embedder = try HTTPEmbedder(service, dimension: 4)
        let error = await #expect(throws: EmbeddingError.self) { try await embedder.embed("text") }
        let traces = Self.traces(of: try #require(error))
        #expect(!traces.contains("TopSecret"), "\(traces)")
        #expect(!traces.contains("sk-Z"), "\(traces)")
      }
    }

    @Test func `a key does not get into the store or the report`() async throws {
      try await TemporaryFolder.with { folder in
        let script: ScriptedServer.Script = { request in
          request.texts.contains("b") ? .error(403, Self.secret) : .vectors(for: request)
        }
        try await ScriptedServer.with(script) { server in
          let service = EmbeddingService(
            .vLLM,
            model: "m",
            apiKey: try APIKey(Self.secret),
            baseURL: server.url
          )
          let store = try VectorStore.open(at: folder + "/s")
          let report = try await ingest(
            texts: ["a", "b"],
            into: "a",
            of: store,
            embedder: HTTPEmbedder(service, dimension: 4),
            configuration: IngestConfiguration(embedBatch: 1)
          )
          #expect((report.inserted, report.failed) == (1, 1))
          try await store.close()
          let json = String(decoding: try JSONEncoder().encode(report), as: UTF8.self)
          #expect(!json.contains("TopSecret"))
          for file in try FileManager.default.contentsOfDirectory(atPath: folder + "/s") {
            let bytes = try Data(contentsOf: URL(filePath: folder + "/s/" + file))
            #expect(bytes.range(of: Data("TopSecret".utf8)) == nil, "\(file)")
          }
        }
      }
    }

    @Test func `keys come from variables and files, without what is around them`() throws {
      try TemporaryFolder.with { folder in
        let path = folder + "/key"
        try Data("  \(Self.secret)\r\n".utf8).write(to: URL(filePath: path))
        #expect(try APIKey.file(path).header == "Bearer " + Self.secret)
        let variables = ["A_KEY": Self.secret + "\n", "EMPTY": ""]
        #expect(try APIKey.environment("A_KEY", in: variables)?.header == "Bearer " + Self.secret)
        #expect(try APIKey.environment("EMPTY", in: variables) == nil)
        #expect(try APIKey.environment("NONE", in: variables) == nil)
      }
    }

    @Test(arguments: [
      "", " \n", "TopSecret\r\nX-Evil: 1", "TopSecret two", "TopSecrët", "\0TopSecret",
    ])
    func `what no key can be is refused without showing it`(text: String) throws {
      try TemporaryFolder.with { folder in
        let path = folder + "/key"
        try Data(text.utf8).write(to: URL(filePath: path))
        for make in [{ try APIKey(text) }, { try APIKey.file(path) }] as [() throws -> APIKey] {
          let error = #expect(throws: EmbeddingError.self) { _ = try make() }
          #expect(!"\(try #require(error))".contains("TopS"))
        }
        let long = String(repeating: "k", count: 9000)
        #expect(throws: EmbeddingError.self) { try APIKey(long) }
        #expect(throws: EmbeddingError.self) { try APIKey.file(folder + "/none") }
      }
    }
  }
#endif
