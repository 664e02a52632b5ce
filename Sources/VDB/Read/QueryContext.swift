import HNSW
import Synchronization
import VectorKernels

/// The memory that one query needs, used again for query after query by one thread at a time.
@safe
final class QueryContext {
  let search = SearchContext()
  private var codeBuffer = CodeQueryBuffer(stride: 64)
  /// Rows to compare in full precision, with the keys of their codes.
  var candidates: [(row: Row, key: UInt32)] = []
  var addresses: [UnsafeRawPointer] = unsafe []
  var distances: [Float] = []
  /// Keys of rows that lie side by side.
  var keys = [UInt32](repeating: 0, count: TailCodes.pieceRows)

  /// Rows scored by their codes and compared in full precision since the count began.
  var scored = 0
  var compared = 0

  func beginCount() { (scored, compared) = (0, 0) }

  /// A buffer for a query's code of `stride` bytes.
  func codeBuffer(stride: Int) -> CodeQueryBuffer {
    if codeBuffer.stride != stride { codeBuffer = CodeQueryBuffer(stride: stride) }
    return codeBuffer
  }

  /// Makes room for the distances of `count` rows.
  func reserveDistances(_ count: Int) {
    if distances.count < count { distances = [Float](repeating: 0, count: 2 * count) }
  }
}

/// Contexts that wait for their next query; taking and giving back is one atomic exchange.
@safe
final class QueryContextPool: @unchecked Sendable {
  private let slots: UnsafeMutablePointer<Atomic<UInt>>
  private static let slotCount = 64

  init() {
    unsafe slots = .allocate(capacity: Self.slotCount)
    for index in 0..<Self.slotCount { unsafe (slots + index).initialize(to: Atomic(0)) }
  }

  deinit {
    for index in 0..<Self.slotCount { _ = take(index) }
    unsafe slots.deinitialize(count: Self.slotCount)
    unsafe slots.deallocate()
  }

  /// Lends a context to `body`.
  func with<Result, Failure: Error>(
    _ body: (QueryContext) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    var context: QueryContext?
    var index = 0
    while context == nil, index < Self.slotCount {
      context = take(index)
      index += 1
    }
    let used = context ?? QueryContext()
    defer { giveBack(used) }
    return try body(used)
  }

  private func take(_ index: Int) -> QueryContext? {
    if unsafe slots[index].load(ordering: .relaxed) == 0 { return nil }
    let bits = unsafe slots[index].exchange(0, ordering: .acquiring)
    guard let pointer = unsafe UnsafeRawPointer(bitPattern: bits) else { return nil }
    return unsafe Unmanaged<QueryContext>.fromOpaque(pointer).takeRetainedValue()
  }

  private func giveBack(_ context: QueryContext) {
    let retained = unsafe Unmanaged.passRetained(context)
    let bits = unsafe UInt(bitPattern: retained.toOpaque())
    for index in 0..<Self.slotCount {
      let outcome = unsafe slots[index].compareExchange(
        expected: 0,
        desired: bits,
        ordering: .releasing
      )
      if outcome.exchanged { return }
    }
    unsafe retained.release()
  }
}
