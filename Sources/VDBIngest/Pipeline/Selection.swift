internal import Foundation
internal import VDB

/// A cleaned text with the id under which it is stored.
struct TextRecord: Sendable {
  var id: RecordID
  var text: String
  var metadata: Metadata
  /// The text before cleaning, when it was another one and is to be kept.
  var original: String?
  /// Whether an earlier entry of this run has the same id.
  var repeatsID = false
}

extension String {
  /// Whether both have the same bytes: `==` does not tell composed from decomposed characters, and
  /// cleaning does.
  func hasBytes(of other: String) -> Bool {
    let areSame = unsafe utf8.withContiguousStorageIfAvailable { own in
      unsafe other.utf8.withContiguousStorageIfAvailable { others in
        guard own.count == others.count else { return false }
        guard let left = own.baseAddress, let right = others.baseAddress else { return true }
        return unsafe memcmp(left, right, own.count) == 0
      }
    }
    return (areSame ?? nil) ?? utf8.elementsEqual(other.utf8)
  }
}

/// A part of a page, for a cleaning task.
struct CleaningJob: Sendable {
  var entries: [TextEntry]
  /// Where the source is after them, at the end of a page.
  var end: SourcePosition?
  /// Whether everything up to here is to be committed.
  var flushes = false
}

/// What a cleaning task makes of a part of a page.
struct CleanedChunk: Sendable {
  struct Item: Sendable {
    var entry: TextEntry
    var original: String?
    var hash: ContentHash
    /// 64 bits of the hash of the entry's own id.
    var idHash: UInt64?

    func record(id: RecordID, repeatsID: Bool = false) -> TextRecord {
      TextRecord(
        id: id,
        text: entry.text,
        metadata: entry.metadata,
        original: original,
        repeatsID: repeatsID
      )
    }
  }
  var items: [Item] = []
  var rejected = 0
  /// Originals that are larger than a store takes.
  var originalsLeftOut = 0
  /// Where the source is after the entries, at the end of a page.
  var end: SourcePosition?
  /// Whether everything up to here is to be committed.
  let flushes: Bool

  init(_ job: CleaningJob, cleaner: any TextCleaner, keepsOriginals: Bool) {
    end = job.end
    flushes = job.flushes
    items.reserveCapacity(job.entries.count)
    for entry in job.entries {
      guard let text = cleaner.clean(entry.text) else {
        rejected += 1
        continue
      }
      var cleaned = entry
      cleaned.text = text
      var original = keepsOriginals ? entry.original ?? entry.text : nil
      if original?.hasBytes(of: text) == true { original = nil }
      if let bytes = original?.utf8.count, bytes > VDBLimits.documentBytes {
        original = nil
        originalsLeftOut += 1
      }
      items.append(
        Item(
          entry: cleaned,
          original: original,
          hash: ContentHash(text),
          idHash: entry.id.map(Self.hash)
        )
      )
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
  /// What was judged since it was taken last, when that is wanted.
  private var log: SelectionLog?

  init(allowsDuplicates: Bool, only: Set<String>?) {
    self.allowsDuplicates = allowsDuplicates
    self.only = only
  }

  /// Begins to keep a log of what is judged.
  mutating func keepLog() { log = SelectionLog() }

  /// What was judged since the last time.
  mutating func takeLog() -> SelectionLog {
    guard let taken = log else { return SelectionLog() }
    log = SelectionLog()
    return taken
  }

  /// Knows afterwards what the run knew that wrote the log.
  mutating func replay(_ log: SelectionLog) {
    for (text, id) in zip(log.texts, log.ids) {
      let isNewText = texts.insert(text)
      if !isNewText, !allowsDuplicates { continue }
      if id != 0 {
        _ = ids.insert(id)
      } else if !isNewText {
        repetitions[text, default: 0] += 1
      }
    }
  }

  mutating func judge(_ item: CleanedChunk.Item) -> Verdict {
    let isNewText = texts.insert(item.hash.low)
    if !isNewText, !allowsDuplicates { return .duplicate }
    log?.texts.append(item.hash.low)
    log?.ids.append(item.idHash.map { max($0, 1) } ?? 0)
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
