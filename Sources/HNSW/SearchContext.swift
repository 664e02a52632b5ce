import CVectorKernels

/// The memory of one search at a time: make one per thread and use it for query after query.
///
/// Nothing is allocated by a search whose graph and `ef` are not greater than those before. After a
/// search `rows` and `keys` are its answer, nearest first, valid until the next one.
///
/// Safe: buffers are sized by `prepare` before they are used, and freed with the context.
@safe package final class SearchContext {
  var pool: UnsafeMutablePointer<UInt64>
  private var poolCapacity = 0
  var visited: UnsafeMutablePointer<UInt8>
  private var visitedCapacity = 0
  private var epoch: UInt8 = 0
  /// Two batches of gathered links: node numbers, and the rows that their codes are at.
  let batches: UnsafeMutablePointer<UInt32>
  let batchKeys: UnsafeMutablePointer<UInt32>
  private var queryBytes: UnsafeMutablePointer<Int8>
  private var queryCapacity = 0

  /// The rows found, nearest first, ties by row.
  package private(set) var rows: UnsafeMutablePointer<UInt32>
  /// The keys of the rows found.
  package private(set) var keys: UnsafeMutablePointer<UInt32>
  /// How many were found.
  package internal(set) var count = 0
  /// How many rows of layer 0 the last search scored, some of them by their first lines alone.
  package internal(set) var scored = 0

  /// A list's capacity is at most this, and so is a batch.
  static let batchCapacity = 2 * Parameters.mRange.upperBound

  /// Makes an empty context; the first search sizes it.
  package init() {
    unsafe pool = .allocate(capacity: 1)
    unsafe visited = .allocate(capacity: 1)
    unsafe queryBytes = .allocate(capacity: 1)
    unsafe rows = .allocate(capacity: 1)
    unsafe keys = .allocate(capacity: 1)
    unsafe batches = .allocate(capacity: 4 * Self.batchCapacity)
    unsafe batchKeys = .allocate(capacity: Self.batchCapacity)
  }

  deinit {
    unsafe pool.deallocate()
    unsafe visited.deallocate()
    unsafe UnsafeMutableRawPointer(queryBytes).deallocate()
    unsafe rows.deallocate()
    unsafe keys.deallocate()
    unsafe batches.deallocate()
    unsafe batchKeys.deallocate()
  }

  /// A 64-byte aligned buffer of at least `stride` bytes for the query's code, kept until a greater
  /// one is asked for.
  package func queryBuffer(stride: Int) -> UnsafeMutablePointer<Int8> {
    if stride > queryCapacity {
      unsafe UnsafeMutableRawPointer(queryBytes).deallocate()
      let raw = UnsafeMutableRawPointer.allocate(byteCount: stride, alignment: 64)
      unsafe queryBytes = unsafe raw.bindMemory(to: Int8.self, capacity: stride)
      queryCapacity = stride
    }
    return unsafe queryBytes
  }

  /// Makes room for a pool of `ef` and marks of `nodeCount` nodes.
  func prepare(ef: Int, nodeCount: Int) {
    if ef > poolCapacity {
      unsafe pool.deallocate()
      unsafe rows.deallocate()
      unsafe keys.deallocate()
      unsafe pool = .allocate(capacity: ef + Int(VK_POOL_SLACK))
      unsafe rows = .allocate(capacity: ef)
      unsafe keys = .allocate(capacity: ef)
      poolCapacity = ef
    }
    if nodeCount > visitedCapacity {
      unsafe visited.deallocate()
      // Room to grow by a quarter, so that an index under construction does not come here each slice.
      visitedCapacity = nodeCount + nodeCount / 4 + 1024
      unsafe visited = .allocate(capacity: visitedCapacity)
      unsafe visited.initialize(repeating: 0, count: visitedCapacity)
      epoch = 0
    }
  }

  /// A mark that no node carries yet; clears the marks once in 255 calls.
  func nextEpoch() -> UInt8 {
    if epoch == 255 {
      unsafe visited.update(repeating: 0, count: visitedCapacity)
      epoch = 0
    }
    epoch += 1
    return epoch
  }

  /// Makes the pool's entries the answer.
  func unpack(count: Int) {
    let pool = unsafe self.pool
    let rows = unsafe self.rows
    let keys = unsafe self.keys
    for i in 0..<count {
      let entry = unsafe pool[i]
      unsafe rows[i] = UInt32(truncatingIfNeeded: entry) >> 1
      unsafe keys[i] = UInt32(truncatingIfNeeded: entry >> 32)
    }
    self.count = count
  }
}
