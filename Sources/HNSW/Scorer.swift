import CVectorKernels

/// One query against the codes, as the hot loops use it.
///
/// Safe while the two structures it points at live, which is the length of the call that made it.
@safe struct Scorer {
  let codes: UnsafePointer<vk_codes>
  let query: UnsafePointer<vk_code_query>
  /// What the first lines of codes tell of them; of no columns where they are not looked at first.
  let prefix: vk_prefix

  /// A scorer that looks at first lines first where `byFirstLines` is set and codes are long enough.
  init(
    codes: UnsafePointer<vk_codes>,
    query: UnsafePointer<vk_code_query>,
    byFirstLines: Bool = false
  ) {
    unsafe self.codes = codes
    unsafe self.query = query
    var prefix = vk_prefix()
    if byFirstLines { unsafe vk_prefix_prepare(codes, query, &prefix) }
    self.prefix = prefix
  }

  /// Puts the keys of `count` rows into `keys`.
  @inline(__always)
  func score(
    _ rows: UnsafePointer<UInt32>,
    _ count: Int,
    into keys: UnsafeMutablePointer<UInt32>
  ) {
    unsafe vk_score_codes(codes, query, rows, count, keys)
  }

  /// The key of one row.
  func key(of row: UInt32) -> UInt32 {
    var (row, key) = (row, UInt32(0))
    unsafe score(&row, 1, into: &key)
    return key
  }

  /// Lines of a row's code.
  @inline(__always)
  var lines: UInt32 { unsafe codes.pointee.stride / 64 }

  /// Keeps those of `rows` that by their first lines may be nearer than `key`, asks the cache for the other
  /// lines of these, and returns how many they are.
  ///
  /// `rows` has room for a multiple of four.
  @inline(__always)
  func sift(_ rows: UnsafeMutablePointer<UInt32>, _ count: Int, below key: UInt32) -> Int {
    let kept = unsafe withUnsafePointer(to: prefix) {
      unsafe vk_prefix_filter(codes, query, $0, key, rows, count)
    }
    unsafe prefetch(rows, kept, from: prefix.columns, to: lines)
    return kept
  }

  /// Asks the cache for the codes of `count` rows, of each the lines from `first` to before `end`.
  @inline(__always)
  func prefetch(
    _ rows: UnsafePointer<UInt32>,
    _ count: Int,
    from first: UInt32 = 0,
    to end: UInt32
  ) {
    unsafe vk_prefetch_codes(codes, rows, count, first, end)
  }
}
