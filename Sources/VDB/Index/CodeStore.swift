import CVectorKernels
import Foundation
import LMDB
import VectorKernels

/// The codes of a collection in the indexer's hands: grows row by row, and hands out versions.
@safe
final class CodeStore {
  let coding: Coding
  let layout: CodeLayout
  var shape: BlockShape { layout.shape }
  /// Rows below it have a code.
  private(set) var coded: Row
  /// Rows below it are on disk; a multiple of a block.
  var flushed: Row
  private var addresses: [UInt64]
  private var owners: [AlignedMemory?]

  init(coding: Coding) {
    self.coding = coding
    layout = CodeLayout(coding)
    coded = 0
    flushed = 0
    addresses = []
    owners = []
  }

  /// Continues with the blocks of an index that was read from disk.
  init(continuing blocks: CodeBlocks, coding: Coding, coded: Row, flushed: Row) {
    self.coding = coding
    layout = CodeLayout(coding)
    self.coded = coded
    self.flushed = flushed
    addresses = (0..<blocks.count).map { blocks.address(of: $0) }
    owners = (0..<blocks.count).map { blocks.owner(of: $0) }
  }

  /// Rows encoded in one piece at most; a power of two, as the rows of blocks are.
  private static let pieceLimit = 128

  /// Bytes of a block with its aux rows.
  var blockPayloadBytes: Int { layout.blockBytes }

  /// Encodes rows up to `end` from full precision, with several threads.
  func encode(
    upTo end: Row,
    vectors: VectorBlocks,
    element: VectorKernels.ElementType,
    workers: Int
  ) {
    grow(to: shape.blocks(for: end), workers: workers)
    // Pieces of at most a block of either kind, so that each is one run of memory on both sides; small
    // ones, so that threads end together.
    let pieceRows = UInt32(min(shape.rows, vectors.shape.rows, Self.pieceLimit))
    var pieces: [(first: Row, count: Int)] = []
    var row = coded
    while row < end {
      let next = min(end, (row / pieceRows + 1) * pieceRows)
      pieces.append((row, Int(next - row)))
      row = next
    }
    let work = pieces
    let destination = addresses
    let coding = coding
    let layout = layout
    let shape = layout.shape
    forEachInParallel(count: work.count, workers: workers) { index in
      let (first, count) = work[index]
      let base = destination[Int(shape.block(of: first))]
      let within = Int(first & shape.mask)
      guard let target = unsafe UnsafeMutableRawPointer(bitPattern: UInt(base)) else { return }
      let codes = unsafe target + within * shape.stride
      let aux =
        unsafe coding.auxBytes == 0 ? nil : target + layout.auxOffset + within * coding.auxBytes
      if coding.widths == .nibbles {
        unsafe coding.encodeNibbles(
          from: vectors.address(of: first),
          element: element,
          rowStride: vectors.shape.stride,
          count: count,
          into: codes,
          aux: aux?.assumingMemoryBound(to: vk_nibble_aux.self)
        )
        return
      }
      unsafe coding.encodeRows(
        from: vectors.address(of: first),
        element: element,
        rowStride: vectors.shape.stride,
        count: count,
        codes: codes,
        aux: aux?.assumingMemoryBound(to: vk_aux.self)
      )
      if layout.secondStride > 0 {
        unsafe coding.packNibbles(
          codes,
          count: count,
          into: target + layout.secondOffset + within * layout.secondStride
        )
      }
    }
    coded = max(coded, end)
  }

  /// Adds empty blocks; clearing them touches new memory, which several threads do sooner.
  private func grow(to blocks: Int, workers: Int) {
    let missing = max(0, blocks - addresses.count)
    let byteCount = blockPayloadBytes
    let made = Guarded<[AlignedMemory]>([])
    forEachInParallel(count: missing, workers: workers) { _ in
      let memory = AlignedMemory(byteCount: byteCount)
      made.withLock { $0.append(memory) }
    }
    for memory in made.withLock({ $0 }) {
      addresses.append(memory.address)
      owners.append(memory)
    }
  }

  /// An immutable version for searching, or for the builder.
  func version() -> CodeBlocks {
    CodeBlocks(layout: layout, addresses: addresses, owners: owners)
  }

  /// Lets a stored block's copy in memory go: from now on it is read from the map.
  func adopt(address: UInt64, forBlock block: Int) {
    addresses[block] = address
    owners[block] = nil
  }
}

/// Calls `body` for each index, on up to `workers` threads.
func forEachInParallel(count: Int, workers: Int, _ body: @Sendable (Int) -> Void) {
  if workers <= 1 || count <= 1 {
    for index in 0..<count { body(index) }
    return
  }
  // Runs of indices, a few a worker, so that an uneven machine still finishes evenly.
  let runs = min(count, workers * 4)
  DispatchQueue.concurrentPerform(iterations: runs) { run in
    for index in (count * run / runs)..<(count * (run + 1) / runs) { body(index) }
  }
}
