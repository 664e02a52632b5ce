import Foundation
import HNSW
import LMDB
import VectorKernels

extension VectorStore {
  /// What the store consists of.
  ///
  /// Reads the whole graph for the degree histograms.
  public func statistics() throws(VectorStoreError) -> StoreStatistics {
    let snapshot = try snapshot()
    let collections = snapshot.collections.values.sorted { $0.name < $1.name }
    let info: EnvironmentInfo
    var tables: [StoreStatistics.Table] = []
    let freePages: Int
    do throws(LMDBError) {
      info = try environment.info()
      freePages = try snapshot.reading.transaction.freePageCount()
      for (name, table) in self.tables.all {
        let size = try snapshot.reading.transaction.statistics(of: table)
        tables.append(StoreStatistics.Table(name: name, entries: size.entries, bytes: size.bytes))
      }
    } catch {
      throw VectorStoreError(error, during: "read the statistics")
    }
    let figures = collections.map { Self.statistics(of: $0, in: snapshot) }
    return StoreStatistics(
      path: path,
      formatVersion: Int(Superblock.currentVersion),
      fileBytes: (info.lastPage + 1) * info.pageSize,
      freeBytes: freePages * info.pageSize,
      mapSizeBytes: environment.mapSizeBytes,
      lastSequence: SequenceNumber(snapshot.sequence),
      rows: figures.reduce(0) { $0 + $1.rows },
      live: figures.reduce(0) { $0 + $1.live },
      deleted: figures.reduce(0) { $0 + $1.deleted },
      indexed: figures.reduce(0) { $0 + $1.indexed },
      backlog: figures.reduce(0) { $0 + $1.backlog },
      tables: tables,
      collections: figures,
      readers: readers(snapshot, lastTransaction: info.lastTransactionID)
    )
  }

  private static func statistics(
    of collection: CollectionSnapshot,
    in snapshot: Snapshot
  ) -> StoreStatistics.Collection {
    let index = collection.intactIndex(in: snapshot.reading)
    var histogram: [Int] = []
    if let layer = index?.graph.layers.first {
      histogram = [Int](repeating: 0, count: layer.shape.capacity + 1)
      for node in 0..<layer.count { histogram[layer.links(of: node).count] += 1 }
    }
    let linkBytes =
      index?.graph.layers.reduce(0) { $0 + Int($1.count) * $1.shape.strideBytes } ?? 0
    let codeBytes =
      Int(index?.linked ?? 0) * CodeLayout(collection.kernels.coding).searchedBytes
    return StoreStatistics.Collection(
      name: collection.name,
      aliases: snapshot.names(of: collection.record.id),
      options: collection.record.options,
      rows: Int(collection.rows),
      live: Int(collection.record.live),
      deleted: collection.live.deletedCount,
      indexed: Int(collection.linked),
      backlog: collection.info.backlog,
      degreeHistogram: histogram,
      layerNodes: index?.graph.layers.map { Int($0.count) } ?? [],
      residentBytes: linkBytes + codeBytes,
      recall: RecallCalibration.limits.compactMap { limit in
        collection.estimate(limit: limit, efSearch: SearchPlan.defaultWidth(limit: limit))
      }
    )
  }

  private func readers(_ snapshot: Snapshot, lastTransaction: Int) -> [StoreStatistics.Reader] {
    let own = Int(ProcessInfo.processInfo.processIdentifier)
    let age = (ContinuousClock.now - snapshot.reading.began) / .seconds(1)
    return environment.readers().compactMap { reader in
      guard let transaction = reader.transactionID else { return nil }
      let isOwnCurrent = reader.processID == own && transaction == snapshot.reading.transaction.id
      return StoreStatistics.Reader(
        processID: reader.processID,
        lag: max(0, lastTransaction - transaction),
        ageSeconds: isOwnCurrent ? age : nil
      )
    }
  }
}
