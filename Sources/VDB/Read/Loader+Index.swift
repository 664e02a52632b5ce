import CVectorKernels
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
    guard let graph = loadGraph(name, record) else { return nil }
    guard let codes = try loadCodes(name, record, kernels.coding, vectors) else { return nil }
    return IndexVersion(
      graph: graph,
      codes: codes,
      integrity: IndexIntegrity(isBuiltHere: false)
    )
  }

  private func loadGraph(_ name: String, _ record: CollectionRecord) -> Graph? {
    do {
      var loader = try Graph.Loader(
        parameters: Parameters(record.options.index),
        counts: record.layerNodes.map(Int.init)
      )
      try addBlocks(to: &loader, name, record)
      try applyLog(to: &loader, name, record)
      return try loader.finish()
    } catch {
      return nil
    }
  }

  private func addBlocks(
    to loader: inout Graph.Loader,
    _ name: String,
    _ record: CollectionRecord
  ) throws {
    let prefix = Key.graphPrefix(record.id, generation: record.graphGeneration)
    var blocks: [StoredBlock] = []
    unsafe try forEach(prefix: prefix, in: reading.tables.graph) {
      (key, value) throws(VectorStoreError) in
      guard key.count == prefix.count + 5, value.count > BlockHeader.byteCount else {
        throw .corrupted(place: "graph of '\(name)'", detail: "a block with a strange key")
      }
      blocks.append(
        unsafe StoredBlock(
          layer: Int(key[prefix.count]),
          number: Int(Key.trailingNumber(key)),
          value: value
        )
      )
    }
    for block in blocks {
      // The header says how much of the value is records; its checksum is compared before first use.
      let header = try unsafe BlockHeader(decoding: block.value, kind: .graph)
      let records = BlockHeader.byteCount..<(BlockHeader.byteCount + Int(header.payloadBytes))
      // Nothing pins the pages: whoever replaces a generation has published its successor before, and
      // a snapshot that still leads here has a read transaction of its own.
      try unsafe loader.add(
        block: block.number,
        layer: block.layer,
        bytes: UnsafeRawBufferPointer(rebasing: block.value[records]),
        owner: MappedBlocks.shared
      )
    }
  }

  /// A block of links as it lies in the map.
  @safe
  private struct StoredBlock {
    let layer: Int
    let number: Int
    let value: UnsafeRawBufferPointer
  }

  private func applyLog(
    to loader: inout Graph.Loader,
    _ name: String,
    _ record: CollectionRecord
  ) throws {
    let parameters = Parameters(record.options.index)
    for slice in 0..<record.graphSlices {
      let key = Key.glog(record.id, generation: record.graphGeneration, slice: slice)
      let lists = unsafe try read(key, from: reading.tables.glog, "glog of '\(name)'") {
        (value) throws(MalformedBytes) in
        try unsafe Self.lists(in: value, parameters: parameters)
      }
      guard let lists else { throw MalformedBytes("slice \(slice) is missing") }
      for list in lists {
        try unsafe loader.replace(node: list.node, layer: list.layer, bytes: list.bytes)
      }
    }
  }

  @safe
  private struct ChangedList {
    let layer: Int
    let node: UInt32
    let bytes: UnsafeRawBufferPointer
  }

  private static func lists(
    in value: UnsafeRawBufferPointer,
    parameters: Parameters
  ) throws(MalformedBytes) -> [ChangedList] {
    var reader = unsafe ByteReader(value)
    let count = Int(try reader.take(UInt32.self))
    var lists: [ChangedList] = []
    for _ in 0..<count {
      let layer = Int(try reader.take(UInt8.self))
      _ = unsafe try reader.take(count: 3)
      let node = try reader.take(UInt32.self)
      let stride = LayerShape(layer: layer, parameters: parameters).strideBytes
      try unsafe lists.append(
        ChangedList(layer: layer, node: node, bytes: reader.take(count: stride))
      )
    }
    try reader.expectEnd()
    return lists
  }

  /// Codes of all linked rows: stored blocks by address, the rest encoded again.
  private func loadCodes(
    _ name: String,
    _ record: CollectionRecord,
    _ coding: Coding,
    _ vectors: VectorBlocks
  ) throws(VectorStoreError) -> CodeBlocks? {
    let layout = CodeLayout(coding)
    let shape = layout.shape
    var addresses: [UInt64] = []
    for block in 0..<(min(record.coded, record.linked) >> shape.shift) {
      do throws(VectorStoreError) {
        addresses.append(
          try blockAddress(
            Key.item(record.id, block),
            in: reading.tables.codes,
            payload: layout.blockBytes,
            place: "codes of '\(name)'"
          )
        )
      } catch {
        return nil
      }
    }
    let stored = CodeBlocks(
      layout: layout,
      addresses: addresses,
      owners: addresses.map { _ in nil }
    )
    let coded = UInt32(addresses.count) << shape.shift
    let store = CodeStore(continuing: stored, coding: coding, coded: coded, flushed: coded)
    store.encode(
      upTo: record.linked,
      vectors: vectors,
      element: record.options.element.kernel,
      workers: 1
    )
    return store.version()
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

  /// Compares the checksums of all blocks of links and codes.
  func isIndexIntact(_ record: CollectionRecord) -> Bool {
    var isIntact = true
    do throws(VectorStoreError) {
      let prefix = Key.graphPrefix(record.id, generation: record.graphGeneration)
      unsafe try forEach(prefix: prefix, in: reading.tables.graph) { key, value in
        if unsafe !BlockHeader.isIntact(value, key: Array(key)) { isIntact = false }
      }
      unsafe try forEach(prefix: Key.prefix(record.id), in: reading.tables.codes) { key, value in
        if unsafe !BlockHeader.isIntact(value, key: Array(key)) { isIntact = false }
      }
    } catch {
      return false
    }
    return isIntact
  }

  /// Stands for the owner of blocks that are in the map.
  private final class MappedBlocks: Sendable { static let shared = MappedBlocks() }
}
