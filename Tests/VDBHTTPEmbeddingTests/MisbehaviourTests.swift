#if HTTPEmbedding
  import HTTPTestSupport
  import Testing
  import VDB
  import VDBIngest

  @testable import VDBHTTPEmbedding

  /// What becomes of texts when the service misbehaves, through the whole pipeline into a store.
  struct MisbehaviourTests {
    @Test(arguments: Fault.allCases.filter { $0.isRepeated || $0.halves })
    func `a fault that passes costs no text`(fault: Fault) async throws {
      let run = try await PipelineRun.run { request in
        request.attempt == 0 && request.texts.count == 8
          && request.texts.contains(PipelineRun.marked)
          ? fault.reply(to: request) : .vectors(for: request)
      }
      run.expectEachOnce(failed: [])
      #expect(run.report.failedBatches.isEmpty)
      // Five batches, and the second once more: whole, or as two halves.
      #expect(run.requests.count == (fault.halves ? 7 : 6))
      #expect(run.waits.count == (fault.halves ? 0 : 1))
    }

    @Test(arguments: Fault.allCases.filter { !$0.halves })
    func `a fault that stays is reported once and harms no other batch`(fault: Fault) async throws {
      let run = try await PipelineRun.run { request in
        request.texts.contains(PipelineRun.marked)
          ? fault.reply(to: request) : .vectors(for: request)
      }
      run.expectEachOnce(failed: Set(8..<16))
      #expect(run.report.failedBatches.map(\.index) == [1])
      let attempts = fault.isRepeated ? 3 : 1
      #expect(run.errors.count == attempts)
      #expect(run.requests.count == 4 + attempts)
      for error in run.errors {
        for part in fault.says { #expect(error.contains(part), "\(error)") }
      }
    }

    @Test(arguments: Fault.allCases.filter(\.halves))
    func `of a batch that is refused for one text only that one is reported`(
      fault: Fault
    ) async throws {
      let run = try await PipelineRun.run { request in
        request.texts.contains(PipelineRun.marked)
          ? fault.reply(to: request) : .vectors(for: request)
      }
      run.expectEachOnce(failed: [13])
      #expect(run.errors.count == 1)
      for part in fault.says { #expect(run.errors[0].contains(part), "\(run.errors)") }
      // Eight, four and four, two and two, one and one: each cut once, around the text.
      #expect(run.requests.count == 4 + 7)
    }

    @Test(arguments: Fault.allCases)
    func `a service that does nothing else fails every text once`(fault: Fault) async throws {
      let run = try await PipelineRun.run(retries: 1) { request in
        // With fewer texts than the fault needs there is still nothing to be had.
        request.texts.count == 8
          ? fault.reply(to: request) : Fault.payloadTooLarge.reply(to: request)
      }
      run.expectEachOnce(failed: Set(0..<40))
      #expect(run.stored.isEmpty)
    }

    @Test(arguments: Fault.allCases.filter { $0 != .slow })
    func `several workers at a time lose and repeat nothing either`(fault: Fault) async throws {
      let run = try await PipelineRun.run(workers: 4) { request in
        request.attempt == 0 && request.texts.count == 8
          ? fault.reply(to: request) : .vectors(for: request)
      }
      run.expectEachOnce(failed: fault.isRepeated || fault.halves ? [] : Set(0..<40))
    }

    @Test func `vectors in another order come to their texts`() async throws {
      let run = try await PipelineRun.run { request in
        let elements = request.texts.enumerated().map {
          AnswerText.element($0, AnswerText.numbers(AnswerText.vector($1)))
        }
        let isOdd = request.number % 2 == 1
        return .json(AnswerText.whole(elements: isOdd ? elements.reversed() : elements.shuffled()))
      }
      run.expectEachOnce(failed: [])
      #expect(run.requests.count == 5)
    }

    @Test(arguments: [EmbeddingService.Encoding.float, .base64])
    func `both encodings are read, whichever was asked for`(
      encoding: EmbeddingService.Encoding
    ) async throws {
      for answersInBase64 in [false, true] {
        let run = try await PipelineRun.run(service: { $0.encoding = encoding }) { request in
          .json(AnswerText.whole(request.texts, isBase64: answersInBase64))
        }
        run.expectEachOnce(failed: [])
        #expect(run.requests.allSatisfy { $0.encoding == encoding.rawValue })
      }
    }

    @Test func `the wait that a service asks for is kept, and a little is added`() async throws {
      let sent = "Sun, 06 Nov 1994 08:49:37 GMT"
      let asks: [([String: String], Duration)] = [
        (["Retry-After": "7"], .seconds(7)), (["retry-after": "0"], .zero), ([:], .zero),
        (["Retry-After": "soon"], .zero), (["retry-after-ms": "1500"], .milliseconds(1500)),
        (["Date": sent, "Retry-After": "Sun, 06 Nov 1994 08:50:07 GMT"], .seconds(30)),
        (["Date": sent, "Retry-After": "Sun, 06 Nov 1994 08:49:07 GMT"], .zero),
      ]
      for (headers, asked) in asks {
        let run = try await PipelineRun.run { request in
          request.number == 0 ? .error(429, "slow", headers: headers) : .vectors(for: request)
        }
        run.expectEachOnce(failed: [])
        let wait = try #require(run.waits.first)
        #expect(run.waits.count == 1)
        #expect(wait >= asked + .milliseconds(100), "\(headers)")
        #expect(wait <= asked + .milliseconds(200), "\(headers)")
      }
    }

    @Test func `a service that asks for a wait of an hour is not waited for`() async throws {
      let run = try await PipelineRun.run { request in
        request.texts.contains(PipelineRun.marked)
          ? .error(429, "no quota left", headers: ["Retry-After": "3600"]) : .vectors(for: request)
      }
      run.expectEachOnce(failed: Set(8..<16))
      #expect(run.waits.isEmpty)
      #expect(run.errors.count == 1)
      #expect(run.errors[0].contains("It asks to wait 3600"), "\(run.errors)")
    }

    @Test func `what failed is stored by running the same again`() async throws {
      let healthy = try await PipelineRun.run { .vectors(for: $0) }
      healthy.expectEachOnce(failed: [])
      #expect(healthy.report.embedding.model == "http:test")
      #expect(healthy.requests.allSatisfy { $0.path == "/v1/embeddings" && $0.model == "test" })
      #expect(healthy.requests.flatMap(\.texts) == PipelineRun.texts)
    }
  }
#endif
