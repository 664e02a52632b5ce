internal import VDBIngest

/// The body of a call.
enum EmbeddingRequest {
  static func body(_ texts: [String], for service: EmbeddingService) -> [UInt8] {
    var writer = JSONWriter()
    writer.object {
      $0.member("model", service.model)
      $0.key("input")
      $0.array { for text in texts { $0.string(text) } }
      $0.member("encoding_format", service.encoding.rawValue)
      if let dimensions = service.dimensions {
        $0.member("dimensions", dimensions)
      }
    }
    return writer.bytes
  }
}
