import Synchronization

/// Which runs of a stored graph and of its codes were found whole, so that walks may begin before all of
/// it was read.
///
/// A run is a power of two of neighbouring records, or of codes, with a checksum of their own. A walk asks
/// before it reads one; whoever asks first has it compared, by whoever knows where the bytes came from.
///
/// Safe: the tables and flags live as long as the object, and a flag is only ever set.
@safe package final class RunChecks: @unchecked Sendable {
  /// What is cut into runs.
  package struct Part: Sendable {
    /// A run has 1 << shift records or codes.
    package let shift: UInt32
    /// Records or codes in all.
    package let count: Int

    package init(shift: UInt32, count: Int) {
      self.shift = shift
      self.count = count
    }
  }

  /// Compares a run of a part: the layers' numbers, then one more for the codes.
  ///
  /// Gives all runs that are known to be whole now, this one among them, or `nil` for a damaged one. May
  /// be called by several threads at a time, for the same run too.
  package typealias Comparison = @Sendable (_ part: Int, _ run: Int) -> Range<Int>?

  private let compare: Comparison
  private let tables: UnsafeMutablePointer<RunTable>
  private let partCount: Int

  /// - Parameters:
  ///   - layers: The layers of the graph, rows first.
  ///   - codes: The codes that walks score.
  ///   - compare: Called for a run that was not found whole before.
  package init(layers: [Part], codes: Part, compare: @escaping Comparison) {
    self.compare = compare
    let parts = layers + [codes]
    partCount = parts.count
    unsafe tables = .allocate(capacity: parts.count)
    for (index, part) in parts.enumerated() {
      unsafe (tables + index).initialize(to: RunTable(part))
    }
  }

  deinit {
    for part in 0..<partCount { unsafe tables[part].release() }
    unsafe tables.deallocate()
  }

  /// What a walk of `layer` asks.
  func runGuard(layer: Int) -> RunGuard {
    precondition(layer < partCount - 1, "layer \(layer) of \(partCount - 1)")
    return unsafe RunGuard(
      records: tables[layer],
      codes: tables[partCount - 1],
      layer: layer,
      checks: Unmanaged.passUnretained(self)
    )
  }

  /// Whether the records of a layer's node were found whole, now or before.
  fileprivate func admits(record node: UInt32, layer: Int) -> Bool {
    unsafe check(layer, run: Int(node >> tables[layer].shift))
  }

  fileprivate func admits(code row: UInt32) -> Bool {
    unsafe check(partCount - 1, run: Int(row >> tables[partCount - 1].shift))
  }

  private func check(_ part: Int, run: Int) -> Bool {
    guard let whole = compare(part, run) else { return false }
    unsafe tables[part].insert(whole)
    return true
  }
}

/// The flags of one part, a byte a run.
@safe struct RunTable {
  private let flags: UnsafeMutablePointer<Atomic<UInt8>>
  private let count: Int
  let shift: UInt32

  init(_ part: RunChecks.Part) {
    shift = part.shift
    count = (part.count + (1 << Int(part.shift)) - 1) >> Int(part.shift)
    unsafe flags = .allocate(capacity: max(1, count))
    for run in 0..<count { unsafe (flags + run).initialize(to: Atomic(0)) }
  }

  func release() {
    unsafe flags.deinitialize(count: count)
    unsafe flags.deallocate()
  }

  @inline(__always)
  func contains(_ item: UInt32) -> Bool {
    unsafe flags[Int(item &>> shift)].load(ordering: .acquiring) != 0
  }

  func insert(_ runs: Range<Int>) {
    for run in runs.clamped(to: 0..<count) { unsafe flags[run].store(1, ordering: .releasing) }
  }
}

/// What a walk asks before it reads a record or a code.
protocol WalkGuard {
  /// Whether the record of a node may be read; the node is below the layer's count.
  func admits(record node: UInt32) -> Bool
  /// Whether the code of a row may be read; the row is below the graph's count.
  func admits(code row: UInt32) -> Bool
}

/// For a graph of which all is known to be whole: costs nothing.
struct NoGuard: WalkGuard {
  @inline(__always)
  func admits(record node: UInt32) -> Bool { true }
  @inline(__always)
  func admits(code row: UInt32) -> Bool { true }
}

/// For a graph of which some runs were not looked at yet.
///
/// Safe while the `RunChecks` that it came from live.
@safe struct RunGuard: WalkGuard {
  fileprivate let records: RunTable
  fileprivate let codes: RunTable
  fileprivate let layer: Int
  fileprivate let checks: Unmanaged<RunChecks>

  @inline(__always)
  func admits(record node: UInt32) -> Bool { records.contains(node) || check(record: node) }

  @inline(__always)
  func admits(code row: UInt32) -> Bool { codes.contains(row) || check(code: row) }

  @inline(never)
  private func check(record node: UInt32) -> Bool {
    unsafe checks._withUnsafeGuaranteedRef { $0.admits(record: node, layer: layer) }
  }

  @inline(never)
  private func check(code row: UInt32) -> Bool {
    unsafe checks._withUnsafeGuaranteedRef { $0.admits(code: row) }
  }
}
