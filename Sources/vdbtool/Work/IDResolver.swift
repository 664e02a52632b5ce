import ArgumentParser
import Foundation
import VDB

/// The kinds of ids, for ids given as text.
enum IDKind: String, CaseIterable, ExpressibleByArgument {
  case string, integer, uuid
}

/// How ids on the command line are read.
struct IDOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The kind of the ids given. Without it an id is tried as a string, then as an integer, "
        + "then as a UUID."
    )
  )
  var idType: IDKind?

  /// Finds the ids that the collection has, in order; `nil` where there is none.
  func resolve(
    _ texts: [String],
    in collection: String,
    of store: VectorStore
  ) throws -> [RecordID?] {
    var found = [RecordID?](repeating: nil, count: texts.count)
    for kind in idType.map({ [$0] }) ?? [.string, .integer, .uuid] {
      let open = found.indices.filter { found[$0] == nil }
      var candidates: [(index: Int, id: RecordID)] = []
      for index in open {
        if let id = Self.id(texts[index], kind) {
          candidates.append((index, id))
        } else if idType != nil {
          throw ValidationError("'\(texts[index])' is no id of type \(kind.rawValue).")
        }
      }
      if candidates.isEmpty { continue }
      let records = try store.get(candidates.map(\.id), from: collection, including: [])
      for (candidate, record) in zip(candidates, records) where record != nil {
        found[candidate.index] = candidate.id
      }
    }
    return found
  }

  private static func id(_ text: String, _ kind: IDKind) -> RecordID? {
    switch kind {
    case .string: (1...RecordID.maxStringBytes).contains(text.utf8.count) ? .string(text) : nil
    case .integer: Int64(text).map(RecordID.integer)
    case .uuid: UUID(uuidString: text).map(RecordID.uuid)
    }
  }
}
