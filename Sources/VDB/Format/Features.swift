import LMDB

/// What a store uses that not every program of its format version knows; see docs/file-format.md.
struct Features: OptionSet, Sendable {
  let rawValue: UInt32

  /// Records with an original.
  static let originals = Features(rawValue: 1)
  /// Names that stand for collections.
  static let aliases = Features(rawValue: 2)
  /// Collections whose codes keep lengths (`Coding.Rounding`).
  static let lengthKeepingCodes = Features(rawValue: 4)
  /// Collections that have 4-bit codes alone (`Coding.Widths`).
  static let nibblesAlone = Features(rawValue: 8)
  /// The same under other metrics than cosine.
  static let nibblesWithLengths = Features(rawValue: 16)

  static let known: Features = [
    .originals, .aliases, .lengthKeepingCodes, .nibblesAlone, .nibblesWithLengths,
  ]
}

extension Loader {
  /// What the store uses.
  ///
  /// - Throws: `.newerFormat` for what this version does not know.
  func features() throws(VectorStoreError) -> Features {
    let bits = try metaNumber(Key.features) ?? 0
    guard bits & ~UInt64(Features.known.rawValue) == 0 else {
      let version = Int(Superblock.currentVersion)
      throw .newerFormat(found: version + 1, supported: version)
    }
    return Features(rawValue: UInt32(bits))
  }
}

extension WriterStep {
  /// Notes, within the transaction that first uses it, that the store uses a feature.
  mutating func use(_ feature: Features) throws(VectorStoreError) {
    if state.features.isSuperset(of: feature) { return }
    state.features.formUnion(feature)
    var writer = ByteWriter(capacity: 4)
    writer.put(state.features.rawValue)
    do throws(LMDBError) {
      try transaction.put(
        SealedValue.seal(writer.bytes, key: Key.features),
        forKey: Key.features,
        in: tables.meta
      )
    } catch {
      throw VectorStoreError(error, during: "note a feature")
    }
  }
}
