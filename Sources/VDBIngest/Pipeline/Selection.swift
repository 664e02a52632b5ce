internal import Foundation
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
    /// 64 bits of the hash of the entry's own id.
    var idHash: UInt64?

    func record(id: RecordID, repeatsID: Bool = false) -> TextRecord {
      TextRecord(id: id, text: entry.text, metadata: entry.metadata, repeatsID: repeatsID)
    }
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
      let idHash = entry.id.map(Self.hash)
      items.append(Item(entry: cleaned, hash: ContentHash(text), idHash: idHash))
    }
  }

  /// Ids of different kinds are different, whatever they look like.
  private static func hash(_ id: RecordID) -> UInt64 {
    switch id {
    case .string(let text): return ContentHash(text, seed: 1).low
    case .integer(let number):
      return unsafe withUnsafeBytes(of: number.littleEndian) {
        unsafe ContentHash($0, seed: 2).low
      }
    case .uuid(let uuid):
      return unsafe withUnsafeBytes(of: uuid.uuid) { unsafe ContentHash($0, seed: 3).low }
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
  private var texts = HashSet64()
  private var ids = HashSet64()
  /// How often each text without an id came, beyond the first time.
  private var repetitions: [UInt64: UInt64] = [:]

  init(allowsDuplicates: Bool, only: Set<String>?) {
    self.allowsDuplicates = allowsDuplicates
    self.only = only
  }

  mutating func judge(_ item: CleanedChunk.Item) -> Verdict {
    let isNewText = texts.insert(item.hash.low)
    if !isNewText, !allowsDuplicates { return .duplicate }
    let record: TextRecord
    if let id = item.entry.id, let hash = item.idHash {
      let repeatsID = !ids.insert(hash)
      if repeatsID, !allowsDuplicates { return .duplicate }
      record = item.record(id: id, repeatsID: repeatsID)
    } else if isNewText {
      record = item.record(id: item.hash.id)
    } else {
      // The second of equal texts is the second in every run, so its id is the same in every run.
      let repetition = repetitions[item.hash.low, default: 0] + 1
      repetitions[item.hash.low] = repetition
      record = item.record(id: ContentHash(item.entry.text, seed: repetition).id)
    }
    if let only, !only.contains(record.id.description) { return .skipped }
    return .take(record)
  }
}
