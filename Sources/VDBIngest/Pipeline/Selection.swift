internal import VDB

/// A cleaned text with the id under which it is stored.
struct TextRecord: Sendable {
  var id: RecordID
  var text: String
  var metadata: Metadata
  /// Whether an earlier entry of this run has the same id.
  var repeatsID = false
}

/// What a cleaning task makes of a part of a page.
struct CleanedChunk: Sendable {
  struct Item: Sendable {
    var entry: TextEntry
    var hash: ContentHash
  }
  var items: [Item] = []
  var rejected = 0

  init(_ entries: [TextEntry], cleaner: any TextCleaner) {
    items.reserveCapacity(entries.count)
    for entry in entries {
      guard let text = cleaner.clean(entry.text) else {
        rejected += 1
        continue
      }
      var cleaned = entry
      cleaned.text = text
      items.append(Item(entry: cleaned, hash: ContentHash(text)))
    }
  }
}

/// Decides, in the order of the input, which entries are stored and under which ids.
struct Selection {
  /// What became of one entry.
  enum Verdict {
    case take(TextRecord)
    case duplicate
    case skipped
  }

  let allowsDuplicates: Bool
  let only: Set<String>?
  // 64 bits of each hash: among a billion texts the odds of one false duplicate are 1 in 37.
  private var texts: Set<UInt64> = []
  private var ids: Set<UInt64> = []
  /// How often each text without an id came, beyond the first time.
  private var repetitions: [UInt64: UInt64] = [:]

  init(allowsDuplicates: Bool, only: Set<String>?) {
    self.allowsDuplicates = allowsDuplicates
    self.only = only
  }

  mutating func judge(_ item: CleanedChunk.Item) -> Verdict {
    let isNewText = texts.insert(item.hash.low).inserted
    if !isNewText, !allowsDuplicates { return .duplicate }
    var record = TextRecord(
      id: item.hash.id,
      text: item.entry.text,
      metadata: item.entry.metadata
    )
    if let id = item.entry.id {
      record.id = id
      record.repeatsID = !ids.insert(ContentHash(Self.key(id)).low).inserted
      if record.repeatsID, !allowsDuplicates { return .duplicate }
    } else if !isNewText {
      // The second of equal texts is the second in every run, so its id is the same in every run.
      let repetition = repetitions[item.hash.low, default: 0] + 1
      repetitions[item.hash.low] = repetition
      record.id = ContentHash(item.entry.text, seed: repetition).id
    }
    if let only, !only.contains(record.id.description) { return .skipped }
    return .take(record)
  }

  /// Ids of different kinds are different, whatever they look like.
  private static func key(_ id: RecordID) -> String {
    switch id {
    case .string(let text): "s" + text
    case .integer(let number): "i\(number)"
    case .uuid(let uuid): "u\(uuid)"
    }
  }
}
