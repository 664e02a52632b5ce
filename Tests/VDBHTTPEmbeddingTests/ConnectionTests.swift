#if HTTPEmbedding
  import HTTPTestSupport
  import TestSupport
  import Testing
  import VDBIngest

  @testable import VDBHTTPEmbedding

  /// Connections, their number and their end; the first call.
  struct ConnectionTests {
    /// No repetitions, so that a first error is seen.
    private static let once = RetryPolicy(retries: 0)

    @Test func `a connection serves many calls and ends with the embedder`() async throws {
      try await ScriptedServer.with { server in
        do {
          let service = EmbeddingService(baseURL: server.url, model: "m")
          let embedder = try await HTTPEmbedder.connect(to: service)
          #expect(embedder.dimension == 4)
          for number in 0..<20 {
            let text = "text \(number)"
            #expect(try await embedder.embed(text) == AnswerText.vector(text))
          }
          // A call may come before the last one has given its connection back.
          #expect(server.connections < 5)
        }
        // The embedder is gone, without a word; its connection follows.
        try await server.closing.wait()
      }
    }

    @Test func `a closed embedder says so, and may be closed again`() async throws {
      try await ScriptedServer.with { server in
        let service = EmbeddingService(baseURL: server.url, model: "m")
        let embedder = try await HTTPEmbedder.connect(to: service)
        await embedder.close()
        await embedder.close()
        try await server.closing.wait()
        let error = await #expect(throws: EmbeddingError.self) { try await embedder.embed("a") }
        #expect("\(try #require(error))".contains("has been closed"))
      }
    }

    @Test func `so many calls go on at a time, and all have their turn`() async throws {
      let limit = CallLimit(3)
      let running = Guarded((now: 0, most: 0, done: 0))
      await withTaskGroup { group in
        for _ in 0..<100 {
          group.addTask {
            do {
              try await limit.run { () async throws(EmbeddingError) in
                running.withLock {
                  $0.now += 1
                  $0.most = max($0.most, $0.now)
                }
                for _ in 0..<10 { await Task.yield() }
                running.withLock {
                  $0.now -= 1
                  $0.done += 1
                }
              }
            } catch {
              Issue.record(error)
            }
          }
        }
      }
      let (now, most, done) = running.withLock { $0 }
      #expect(now == 0)
      #expect(most <= 3)
      #expect(done == 100)
    }

    @Test func `calls beyond the limit wait, and may be cancelled`() async throws {
      try await ScriptedServer.with({ _ in .silence }) { server in
        var service = EmbeddingService(baseURL: server.url, model: "m")
        service.concurrencyLimit = 1
        let embedder = try HTTPEmbedder(service, dimension: 4)
        let call = { (text: String) in
          Task { () -> EmbeddingError? in
            do {
              _ = try await embedder.embed(text)
              return nil
            } catch {
              return error as? EmbeddingError
            }
          }
        }
        let first = call("first")
        try await server.silence.wait()
        // The first one has the only place, and keeps it until the others have been cancelled.
        let others = [call("second"), call("third")]
        for other in others { other.cancel() }
        for other in others { #expect(await other.value == .cancelled) }
        #expect(server.requests.count == 1)
        first.cancel()
        #expect(await first.value == .cancelled)
        // The place of a cancelled call is free again.
        let last = Task { try await embedder.embed("last") }
        try await server.silence.wait()
        last.cancel()
        await #expect(throws: EmbeddingError.cancelled) { try await last.value }
      }
    }

    @Test func `what is asked for is sent, and the answer's dimension is learned`() async throws {
      try await ScriptedServer.with { server in
        let plain = EmbeddingService(.vLLM, model: "plain", baseURL: server.url)
        let embedder = try await HTTPEmbedder.connect(to: plain)
        #expect(embedder.dimension == 4)
        #expect(embedder.modelIdentity == "vllm:plain")
        #expect(server.requests[0].dimensions == nil)
        #expect(server.requests[0].encoding == "base64")
        #expect(server.requests[0].headers["authorization"] == nil)
        let four = EmbeddingService(.openAI, model: "m", dimensions: 4, baseURL: server.url)
        _ = try await HTTPEmbedder.connect(to: four)
        #expect(server.requests[1].dimensions == 4)
        let six = EmbeddingService(.openAI, model: "m", dimensions: 6, baseURL: server.url)
        await #expect(throws: EmbeddingError.wrongDimension(expected: 6, actual: 4, index: 0)) {
          try await HTTPEmbedder.connect(to: six, retry: Self.once)
        }
      }
    }

    @Test func `texts that cannot be embedded or are too many are not sent`() async throws {
      try await ScriptedServer.with { server in
        var service = EmbeddingService(baseURL: server.url, model: "m")
        service.batchLimit = 3
        let embedder = try HTTPEmbedder(service, dimension: 4)
        #expect(try await embedder.embed([]) == [])
        await #expect(throws: EmbeddingError.noEmbedding(indices: [0, 2])) {
          try await embedder.embed(["", "a", " \n"])
        }
        await #expect(throws: EmbeddingError.self) {
          try await embedder.embed(["a", "b", "c", "d"])
        }
        #expect(server.requests.isEmpty)
        let some = try await embedder.embedWherePossible(["a", " ", "b", "c", "d", ""])
        #expect(some.map { $0 == nil } == [false, true, false, false, false, true])
      }
    }

    @Test func `a service that runs another model than the one named is refused`() async throws {
      try await ScriptedServer.with({ .json(AnswerText.whole($0.texts, model: "other/model")) }) {
        server in
        let wrong = EmbeddingService(.textEmbeddingsInference, model: "mine", baseURL: server.url)
        let error = await #expect(throws: EmbeddingError.self) {
          try await HTTPEmbedder.connect(to: wrong, retry: Self.once)
        }
        #expect("\(try #require(error))".contains("runs the model 'other/model', not 'mine'"))
        let right = EmbeddingService(
          .textEmbeddingsInference,
          model: "other/model",
          baseURL: server.url
        )
        _ = try await HTTPEmbedder.connect(to: right, retry: Self.once)
      }
    }

    @Test func `the first call is repeated as told`() async throws {
      let waits = Waits()
      let retry = RetryPolicy(retries: 2, sleep: { waits.add($0) })
      try await ScriptedServer.with({
        $0.number < 2 ? .error(503, "loading") : .vectors(for: $0)
      }) { server in
        let service = EmbeddingService(baseURL: server.url, model: "m")
        let embedder = try await HTTPEmbedder.connect(to: service, retry: retry)
        #expect(embedder.dimension == 4)
        #expect(server.requests.count == 3)
        #expect(waits.all.count == 2)
      }
    }

    @Test(arguments: [
      ("http://127.0.0.1:1/v1", "'127.0.0.1:1' does not accept connections"),
      ("http://a..b/v1", "no machine is known by the name 'a..b'"),
    ])
    func `a service that is not there is told by name`(url: String, says: String) async throws {
      let service = EmbeddingService(baseURL: url, model: "m")
      let error = await #expect(throws: EmbeddingError.self) {
        try await HTTPEmbedder.connect(to: service, retry: Self.once)
      }
      #expect("\(try #require(error))".contains(says))
      #expect(error?.isTransient == true)
    }

    @Test func `settings outside their range are refused without a call`() throws {
      let changes: [(inout EmbeddingService) -> Void] = [
        { $0.model = "" }, { $0.name = "" }, { $0.dimensions = 0 }, { $0.dimensions = 1 << 40 },
        { $0.batchLimit = 0 }, { $0.concurrencyLimit = 0 }, { $0.requestTimeout = .zero },
        { $0.connectTimeout = .seconds(-1) }, { $0.baseURL = "x" },
      ]
      for (index, change) in changes.enumerated() {
        var service = EmbeddingService(baseURL: "http://127.0.0.1:1", model: "m")
        change(&service)
        #expect(throws: EmbeddingError.self, "\(index)") { try HTTPEmbedder(service, dimension: 4) }
      }
      let service = EmbeddingService(baseURL: "http://127.0.0.1:1", model: "m")
      #expect(throws: EmbeddingError.self) { try HTTPEmbedder(service) }
      #expect(throws: EmbeddingError.self) { try HTTPEmbedder(service, dimension: 0) }
    }
  }
#endif
