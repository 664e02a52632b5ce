import CVectorKernels

/// One query against the codes, as the hot loops use it.
///
/// Safe while the two structures it points at live, which is the length of the call that made it.
@safe struct Scorer {
  let codes: UnsafePointer<vk_codes>
  let query: UnsafePointer<vk_code_query>

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
