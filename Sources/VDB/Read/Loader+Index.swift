import HNSW
import VectorKernels

/// Reads a collection's index: addresses only, but for the log of changed lists. What is missing or bad
/// is no error: queries scan exactly and the index is built again (I8).
extension Loader {
  func loadIndex(
    _ name: String,
    _ record: CollectionRecord,
    _ kernels: CollectionKernels,
    _ vectors: VectorBlocks,
    _ known: CollectionSnapshot?
  ) throws(VectorStoreError) -> IndexVersion? {
    guard record.graphGeneration != 0 else { return nil }
    if let known, known.record.graphGeneration == record.graphGeneration,
      known.record.graphSlices == record.graphSlices, known.record.linked == record.linked
    {
      return known.index
    }
    do throws(LoadFailure) {
      return try loadIndex(name, record, kernels.coding, vectors)
    } catch {
      return nil
    }
  }

  /// Why there is no index to use; nobody asks for more.
  private struct LoadFailure: Error {
    init(_ cause: any Error) {}
  }

  private func loadIndex(
    _ name: String,
    _ record: CollectionRecord,
    _ coding: Coding,
    _ vectors: VectorBlocks
  ) throws(LoadFailure) -> IndexVersion {
    do {
      var loader = try Graph.Loader(
        parameters: Parameters(record.options.index),
        counts: record.layerNodes.map(Int.init)
      )
      let layers = try addBlocks(to: &loader, name, record)
      try applyLog(to: &loader, name, record)
      let (graph, records) = try loader.finishDeferred()
      let stored = try storedCodes(name, record, CodeLayout(coding))
      let codes = try makeCodes(stored, name, record, coding, vectors)
      return IndexVersion(
        graph: graph,
        codes: codes,
        integrity: IndexIntegrity(
          StoredIndex(
            record: record,
            graph: graph,
            records: records,
            layers: layers,
            codes: stored,
            codeLayout: CodeLayout(coding)
          )
        )
      )
    } catch {
      throw LoadFailure(error)
    }
  }

  /// Adds the stored blocks by their addresses.
  ///
  /// - Returns: them, by layer and number.
  private func addBlocks(
    to loader: inout Graph.Loader,
    _ name: String,
    _ record: CollectionRecord
  ) throws -> [[StoredIndex.Block?]] {
    let parameters = Parameters(record.options.index)
    let shapes = record.layerNodes.indices.map { LayerShape(layer: $0, parameters: parameters) }
    var layers: [[StoredIndex.Block?]] = zip(shapes, record.layerNodes).map { shape, count in
      Array(repeating: nil, count: shape.blockCount(for: Int(count)))
    }
    let prefix = Key.graphPrefix(record.id, generation: record.graphGeneration)
    var failure: (any Error)?
    unsafe try forEach(prefix: prefix, in: reading.tables.graph) {
      (key, value) throws(VectorStoreError) in
      guard key.count == prefix.count + 5, value.count > BlockHeader.byteCount else {
        throw .corrupted(place: "graph of '\(name)'", detail: "a block with a strange key")
      }
      let layer = unsafe Int(key[prefix.count])
      let number = unsafe Int(Key.trailingNumber(key))
      do {
        // The header says how much of the value is records; checksums are compared before first use.
        let payload = try unsafe Int(BlockHeader(decoding: value, kind: .graph).payloadBytes)
        let records = BlockHeader.byteCount..<(BlockHeader.byteCount + payload)
        // Nothing pins the pages: whoever replaces a generation has published its successor before, and
        // a snapshot that still leads here has a read transaction of its own.
        try unsafe loader.add(
          block: number,
          layer: layer,
          bytes: UnsafeRawBufferPointer(rebasing: value[records]),
          owner: MappedBlocks.shared
        )
        layers[layer][number] = unsafe StoredIndex.Block(
          value: value,
          payload: payload,
          rows: payload / shapes[layer].strideBytes
        )
      } catch {
        failure = error
      }
    }
    if let failure { throw failure }
    return layers
  }

  private func applyLog(
    to loader: inout Graph.Loader,
    _ name: String,
    _ record: CollectionRecord
  ) throws {
    for slice in 0..<record.graphSlices {
      let key = Key.glog(record.id, generation: record.graphGeneration, slice: slice)
      var failure: GraphFormatError?
      let found: Void? = unsafe try read(key, from: reading.tables.glog, "glog of '\(name)'") {
        (value) throws(MalformedBytes) in
        var reader = unsafe ByteReader(value)
        let count = try reader.take(UInt32.self)
        do throws(GraphFormatError) {
          let log = unsafe UnsafeRawBufferPointer(rebasing: value.dropFirst(reader.offset))
          let lists = try unsafe loader.replace(log: log, owner: MappedBlocks.shared)
          if lists != Int(count) { throw .badRecord(layer: 0, node: 0, byteCount: log.count) }
        } catch {
          failure = error
        }
      }
      if let failure { throw failure }
      if found == nil { throw MalformedBytes("slice \(slice) is missing") }
    }
  }

  /// The stored blocks of codes of linked rows.
  private func storedCodes(
    _ name: String,
    _ record: CollectionRecord,
    _ layout: CodeLayout
  ) throws(VectorStoreError) -> [StoredIndex.Block] {
    var blocks: [StoredIndex.Block] = []
    let count = Int(min(record.coded, record.linked) >> layout.shape.shift)
    unsafe try forEachBlock(
      0..<count,
      of: record.id,
      in: reading.tables.codes,
      payload: layout.blockBytes,
      place: "codes of '\(name)'"
    ) { value in
      unsafe blocks.append(
        StoredIndex.Block(value: value, payload: layout.blockBytes, rows: layout.shape.rows)
      )
    }
    return blocks
  }

  /// Codes of all linked rows: stored blocks by address, the rest encoded again.
  private func makeCodes(
    _ blocks: [StoredIndex.Block],
    _ name: String,
    _ record: CollectionRecord,
    _ coding: Coding,
    _ vectors: VectorBlocks
  ) throws(VectorStoreError) -> CodeBlocks {
    let layout = CodeLayout(coding)
    let coded = UInt32(blocks.count) << layout.shape.shift
    let store = CodeStore(
      continuing: CodeBlocks(
        layout: layout,
        addresses: blocks.map { unsafe UInt64(UInt(bitPattern: $0.value.baseAddress)) }
          .map { $0 + UInt64(BlockHeader.byteCount) },
        owners: blocks.map { _ in nil }
      ),
      coding: coding,
      coded: coded,
      flushed: coded
    )
    try checkVectors(coded..<record.linked, name, record, vectors)
    store.encode(
      upTo: record.linked,
      vectors: vectors,
      element: record.options.element.kernel,
      workers: 1
    )
    return store.version()
  }

  /// Compares the checksums of the blocks that codes are to be made of.
  private func checkVectors(
    _ rows: Range<Row>,
    _ name: String,
    _ record: CollectionRecord,
    _ vectors: VectorBlocks
  ) throws(VectorStoreError) {
    if rows.isEmpty { return }
    let sealed = vectors.tail == nil ? vectors.count : vectors.count - 1
    let shape = vectors.shape
    let blocks = shape.block(of: rows.lowerBound)...shape.block(of: rows.upperBound - 1)
    for block in blocks where block < sealed && !vectors.checked.contains(block) {
      let place = "vectors of '\(name)', block \(block)"
      let key = Key.item(record.id, block)
      try unsafe readRequired(key, from: reading.tables.vectors, place, sealed: false) {
        (value) throws(MalformedBytes) in
        guard unsafe BlockHeader.isIntact(value, key: key) else {
          throw MalformedBytes("checksum differs")
        }
      }
      vectors.checked.insert(block)
    }
  }

  /// Bytes of the log of changed lists; one that cannot be read counts as nothing.
  func graphLogBytes(_ record: CollectionRecord) -> Int {
    var bytes = 0
    do throws(VectorStoreError) {
      let prefix = Key.graphPrefix(record.id, generation: record.graphGeneration)
      unsafe try forEach(prefix: prefix, in: reading.tables.glog) { _, value in bytes += value.count
      }
    } catch {
      return 0
    }
    return bytes
  }

  /// Stands for the owner of blocks that are in the map.
  private final class MappedBlocks: Sendable { static let shared = MappedBlocks() }
}
