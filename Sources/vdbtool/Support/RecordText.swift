import VDB
import VDBIngest

/// Records and results as JSON objects and as lines for people.
enum RecordText {
  /// Writes the results of a query as its member `results`.
  static func write(_ results: [SearchResult], to writer: inout JSONWriter) {
    writer.key("results")
    writer.array { for result in results { write(result, to: &$0) } }
  }

  /// A result's members: id, distance, score, text if there is one, metadata.
  static func write(_ result: SearchResult, to writer: inout JSONWriter) {
    writer.object {
      $0.key("id")
      $0.id(result.id)
      $0.key("distance")
      $0.float(result.distance)
      $0.key("score")
      $0.float(result.score)
      if let document = result.document {
        $0.member("text", document)
      }
      $0.key("metadata")
      $0.metadata(result.metadata)
    }
  }

  /// A record as a line that `import` reads back.
  static func write(_ record: Record, to writer: inout JSONWriter, withVector: Bool = true) {
    writer.object {
      $0.key("id")
      $0.id(record.id)
      if withVector, !record.vector.isEmpty {
        $0.key("vector")
        $0.array { for number in record.vector { $0.float(number) } }
      }
      if let document = record.document {
        $0.member("text", document)
      }
      if let original = record.original {
        $0.member("original", original)
      }
      if !record.metadata.isEmpty {
        $0.key("metadata")
        $0.metadata(record.metadata)
      }
    }
  }

  /// A table of results: rank, score, id, start of the text.
  static func table(_ results: [SearchResult]) -> String {
    if results.isEmpty { return "  no records\n" }
    let rows = results.enumerated().map { rank, result in
      [
        "", "\(rank + 1)", Text.fixed(Double(result.score), 4),
        Text.excerpt(result.id.description, 64), Text.excerpt(result.document ?? ""),
      ]
    }
    return Text.table(rows, right: [1, 2])
  }
}
