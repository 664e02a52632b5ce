import HNSW
import LMDB

/// The blocks of an index as they lie in the map, and the comparison of their checksums.
///
/// Addresses stay valid as those of an `IndexVersion` do: whoever asks holds a snapshot that leads there.
@safe
final class StoredIndex: @unchecked Sendable {
  /// A block with its header.
  @safe
  struct Block {
    let value: UnsafeRawBufferPointer
    /// Bytes of its rows, without header, checksums and padding.
    let payload: Int
    let rows: Int
  }

  private let record: CollectionRecord
  private let graph: Graph
  private let records: DeferredRecords
  private let layers: [[Block?]]
  private let codes: [Block]
  private let codeShape: BlockShape
  private let codeRuns: BlockRuns

  init(
    record: CollectionRecord,
    graph: Graph,
    records: DeferredRecords,
    layers: [[Block?]],
    codes: [Block],
    codeLayout: CodeLayout
  ) {
    self.record = record
    self.graph = graph
    self.records = records
    self.layers = layers
    self.codes = codes
    codeShape = codeLayout.shape
    codeRuns = BlockRuns(codeLayout)
  }

  /// What walks ask before they read.
  func makeChecks() -> RunChecks {
    RunChecks(
      layers: graph.layers.map { RunChecks.Part(shift: $0.shape.runShift, count: Int($0.count)) },
      codes: RunChecks.Part(shift: codeRuns.shift, count: Int(graph.linkedCount))
    ) { [self] part, run in
      part < layers.count ? compareRecords(run, layer: part) : compareCodes(run)
    }
  }

  /// Compares a run of records and puts it in its place.
  private func compareRecords(_ run: Int, layer: Int) -> Range<Int>? {
    let shape = graph.layers[layer].shape
    let perBlock = Int(shape.shift - shape.runShift)
    let block = run >> perBlock
    let firstRun = block << perBlock
    var found = run..<(run + 1)
    // A block that is not stored came from the log, which was checked when it was read.
    if let stored = layers[layer][block] {
      let key = Key.graph(
        record.id,
        generation: record.graphGeneration,
        layer: UInt8(layer),
        block: UInt32(block)
      )
      switch BlockRuns(shape).compare(run - firstRun, of: stored, key: key) {
      case .damaged: return nil
      case .runIsWhole: break
      case .blockIsWhole: found = firstRun..<(firstRun + 1 << perBlock)
      }
    }
    for run in found { records.fill(run: run, layer: layer) }
    let first = UInt32(found.lowerBound) << shape.runShift
    let nodes = first..<(first + UInt32(found.count) << shape.runShift)
    return graph.hasValidNumbers(nodes, layer: layer) ? found : nil
  }

  /// Compares a run of codes; those of the last rows are not stored but made anew.
  private func compareCodes(_ run: Int) -> Range<Int>? {
    let perBlock = Int(codeShape.shift - codeRuns.shift)
    let block = run >> perBlock
    let first = block << perBlock
    guard block < codes.count else { return run..<(run + 1) }
    let key = Key.item(record.id, UInt32(block))
    switch codeRuns.compare(run - first, of: codes[block], key: key) {
    case .damaged: return nil
    case .runIsWhole: return run..<(run + 1)
    case .blockIsWhole: return first..<(first + 1 << perBlock)
    }
  }

  /// Compares the checksums of all blocks, and puts all records in their place when they are right.
  ///
  /// - Returns: `nil` when `stop` was raised before the end.
  func isIntact(in reading: SharedReadTransaction, stop: StopFlag?) -> Bool? {
    let prefixes = [
      (Key.graphPrefix(record.id, generation: record.graphGeneration), reading.tables.graph),
      (Key.prefix(record.id), reading.tables.codes),
    ]
    var isIntact = true
    do throws(VectorStoreError) {
      for (prefix, table) in prefixes {
        unsafe try reading.forEach(from: prefix, prefix: prefix, in: table) { key, value in
          if unsafe !BlockHeader.isIntact(value, key: Array(key)) { isIntact = false }
          return isIntact && stop?.isRaised != true
        }
      }
    } catch {
      return false
    }
    if !isIntact { return false }
    if stop?.isRaised == true { return nil }
    guard records.fillAll(shouldStop: { stop?.isRaised == true }) else { return nil }
    let hasValidNumbers = graph.layers.indices.allSatisfy {
      graph.hasValidNumbers(0..<graph.layers[$0].count, layer: $0)
    }
    if hasValidNumbers { graph.listRows() }
    return hasValidNumbers
  }
}

extension BlockRuns {
  fileprivate func compare(_ run: Int, of block: StoredIndex.Block, key: [UInt8]) -> Finding {
    unsafe compare(run, of: block.value, payload: block.payload, rows: block.rows, key: key)
  }
}
