import Testing
import VDBIngest

@testable import VDBHTTPEmbedding

/// Where texts and keys are sent.
struct AddressTests {
  private func address(
    _ url: String,
    key: Bool = false,
    allows: Bool = false
  ) throws -> ServiceAddress {
    let apiKey = key ? try APIKey("secret") : nil
    var service = EmbeddingService(baseURL: url, model: "m", apiKey: apiKey)
    service.allowsKeyOverPlainHTTP = allows
    return try ServiceAddress(service)
  }

  @Test(arguments: [
    ("http://localhost:8080/v1", "http://localhost:8080/v1/embeddings"),
    ("http://localhost:8080", "http://localhost:8080/v1/embeddings"),
    ("https://example.com/", "https://example.com/v1/embeddings"),
    ("https://example.com/api/v2/", "https://example.com/api/v2/embeddings"),
    ("https://example.com/x/embeddings", "https://example.com/x/embeddings"),
    ("http://[::1]:8080/v1", "http://[::1]:8080/v1/embeddings"),
  ])
  func `the path is completed`(base: String, whole: String) throws {
    #expect(try address(base).url == whole)
  }

  @Test(arguments: [
    "", "localhost:8080", "ftp://example.com/v1", "http:///v1", "unix:///tmp/s",
    "file:///etc/passwd",
    "http://user:TopSecret@example.com/v1", "https://example.com/v1?key=TopSecret",
    "https://example.com/v1#TopSecret",
  ])
  func `what is no address is refused without showing secrets`(base: String) throws {
    let error = #expect(throws: EmbeddingError.self) { try address(base) }
    #expect(!"\(try #require(error))".contains("TopSecret"))
  }

  @Test(arguments: [
    "http://example.com/v1", "http://10.0.0.1/v1", "http://127.0.0.1.example.com/v1",
    "http://localhost.example.com/v1", "http://0.0.0.0/v1", "http://127.1/v1", "http://[::2]/v1",
    "http://127.0.0.1@example.com/v1",
  ])
  func `a key is not sent in the clear to another machine`(base: String) throws {
    #expect(throws: EmbeddingError.self) { try address(base, key: true) }
    if !base.contains("@") {
      _ = try address(base, key: true, allows: true)
      _ = try address(base)
      _ = try address(base.replacing("http://", with: "https://"), key: true)
    }
  }

  @Test(arguments: ["localhost", "LOCALHOST", "127.0.0.1", "127.8.9.10", "[::1]"])
  func `a key is sent to this machine`(host: String) throws {
    _ = try address("http://\(host):8080/v1", key: true)
  }

  @Test func `identities name service, model and the dimension asked for`() {
    let small = EmbeddingService(.openAI, model: "text-embedding-3-small", dimensions: 512)
    #expect(small.modelIdentity == "openai:text-embedding-3-small@512")
    #expect(
      EmbeddingService(.textEmbeddingsInference, model: "BAAI/x").modelIdentity == "tei:BAAI/x"
    )
    #expect(EmbeddingService(baseURL: "http://x", model: "m").modelIdentity == "http:m")
    for preset in EmbeddingService.Preset.allCases {
      let service = EmbeddingService(preset, model: "m")
      #expect(throws: Never.self) { try ServiceAddress(service) }
      #expect(service.batchLimit >= 32)
    }
  }
}
