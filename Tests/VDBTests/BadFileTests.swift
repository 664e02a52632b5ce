import Foundation
import TestSupport
import Testing
import VDB

@Suite struct `A path that is no store` {
  static let modes: [StoreOptions.Mode] = [.readWrite, .readWriteExisting, .readOnly]

  @Test(arguments: [StoreOptions.Mode.readWriteExisting, .readOnly])
  func `is not found, and not created, when it is free`(_ mode: StoreOptions.Mode) async throws {
    try await TemporaryFolder.with { folder in
      let path = folder + "/missing"
      await expectError(.notFound(path: path), saying: [path]) {
        _ = try VectorStore.open(at: path, options: StoreOptions(mode: mode))
      }
      await expectError(.notFound(path: path)) { _ = try await VectorStore.compact(at: path) }
      #expect(!FileManager.default.fileExists(atPath: path))
    }
  }

  @Test func `is not created below a folder that is missing`() async throws {
    try await TemporaryFolder.with { folder in
      let missing = folder + "/a"
      for path in [missing + "/b", missing + "/b/"] {
        await expectError(.folderNotFound(path: missing), saying: [missing + "'", "Make it"]) {
          _ = try VectorStore.open(at: path)
        }
      }
      #expect(!FileManager.default.fileExists(atPath: folder + "/a"))
      for path in ["", "a\0b"] {
        await expectError(.invalidArgument(name: "path", reason: "is empty or holds a NUL")) {
          _ = try VectorStore.open(at: path)
        }
      }
    }
  }

  @Test(arguments: modes)
  func `is left as it is when it is a file`(_ mode: StoreOptions.Mode) async throws {
    try await TemporaryFolder.with { folder in
      let path = folder + "/file"
      try Data("hello".utf8).write(to: URL(filePath: path))
      let reason = "it is a file; a store is a folder"
      await expectError(.notAStore(path: path, reason: reason), saying: [path]) {
        _ = try VectorStore.open(at: path, options: StoreOptions(mode: mode))
      }
      #expect(try Data(contentsOf: URL(filePath: path)) == Data("hello".utf8))
    }
  }

  @Test(arguments: modes, ["notes.txt", "data.mdb"])
  func `is left as it is when it holds other files`(
    _ mode: StoreOptions.Mode,
    _ name: String
  ) async throws {
    try await TemporaryFolder.with { folder in
      let files = StoreFiles(folder: folder + "/other")
      let manager = FileManager.default
      try manager.createDirectory(atPath: files.folder, withIntermediateDirectories: true)
      try files.write(Array("mine".utf8), to: name)
      let reason = "the folder has other files and no superblock"
      await expectError(.notAStore(path: files.folder, reason: reason)) {
        _ = try VectorStore.open(at: files.folder, options: StoreOptions(mode: mode))
      }
      let names = try FileManager.default.contentsOfDirectory(atPath: files.folder)
      #expect(names == [name])
      #expect(try files.read(name) == Array("mine".utf8))
    }
  }

  @Test func `is made one when it is an empty folder`() async throws {
    try await TemporaryFolder.with { folder in
      let store = try VectorStore.open(at: folder)
      try await store.createCollection("c", CollectionOptions(dimension: 1))
      try await store.close()
      let mode = try FileManager.default.attributesOfItem(atPath: folder + "/data.mdb")
      #expect(mode[.posixPermissions] as? Int == 0o600)
    }
  }
}

@Suite struct `A damaged store` {
  enum Damage: String, CaseIterable {
    case emptySuperblock, shortSuperblock, longSuperblock, flippedSuperblock, foreignSuperblock
    case newerVersion, unknownFeature, otherByteOrder
    case noData, emptyData, shortData, textAsData, otherStoresData, folderAsData, linkAsData
  }

  /// Makes the damage and says what must come of it.
  static func apply(
    _ damage: Damage,
    to files: StoreFiles,
    other: StoreFiles
  ) throws -> (VectorStoreError) -> Bool {
    let manager = FileManager.default
    switch damage {
    case .emptySuperblock: try files.write([], to: "superblock")
    case .shortSuperblock:
      try files.write(files.read("superblock").dropLast() + [], to: "superblock")
    case .longSuperblock: try files.write(files.read("superblock") + [0], to: "superblock")
    case .flippedSuperblock:
      try files.changeSuperblock(sealing: false) { $0[20] ^= 4 }
      return { if case .corrupted(place: "superblock", _) = $0 { true } else { false } }
    case .foreignSuperblock: try files.changeSuperblock(sealing: true) { $0[0] = 0x41 }
    case .newerVersion:
      try files.changeSuperblock(sealing: true) { $0[8] = 2 }
      return { $0 == .newerFormat(found: 2, supported: 1) }
    case .unknownFeature:
      try files.changeSuperblock(sealing: true) { $0[36] = 1 }
      return { if case .newerFormat = $0 { true } else { false } }
    case .otherByteOrder: try files.changeSuperblock(sealing: true) { $0[12..<16].reverse() }
    case .noData: try manager.removeItem(atPath: files.path("data.mdb"))
    case .emptyData:
      try files.write([], to: "data.mdb")
      return { if case .corrupted(place: "data.mdb", _) = $0 { true } else { false } }
    case .shortData:
      try files.write(Array(files.read("data.mdb").prefix(6000)), to: "data.mdb")
      return { if case .corrupted(place: "data.mdb", _) = $0 { true } else { false } }
    case .textAsData:
      try files.write(Array(repeating: 0x20, count: 100_000), to: "data.mdb")
      return { if case .corrupted(place: "data.mdb", _) = $0 { true } else { false } }
    case .otherStoresData: try files.write(other.read("data.mdb"), to: "data.mdb")
    case .folderAsData:
      try manager.removeItem(atPath: files.path("data.mdb"))
      try manager.createDirectory(
        atPath: files.path("data.mdb"),
        withIntermediateDirectories: false
      )
    case .linkAsData:
      try manager.moveItem(atPath: files.path("data.mdb"), toPath: files.folder + ".moved")
      try manager.createSymbolicLink(
        atPath: files.path("data.mdb"),
        withDestinationPath: files.folder + ".moved"
      )
    }
    return { if case .notAStore = $0 { true } else { false } }
  }

  @Test(arguments: Damage.allCases, `A path that is no store`.modes)
  func `is refused and not touched`(_ damage: Damage, _ mode: StoreOptions.Mode) async throws {
    try await TemporaryFolder.with { folder in
      for name in ["one", "two"] {
        let store = try VectorStore.open(at: folder + "/" + name)
        try await store.createCollection("c", CollectionOptions(dimension: 3))
        try await store.insertBatch(Numbered.records(0..<100, dimension: 3), into: "c")
        try await store.close()
      }
      let files = StoreFiles(folder: folder + "/one")
      let isExpected = try Self.apply(damage, to: files, other: StoreFiles(folder: folder + "/two"))
      let before = damage == .folderAsData ? [:] : try files.image()
      let error = #expect(throws: VectorStoreError.self) {
        _ = try VectorStore.open(at: files.folder, options: StoreOptions(mode: mode))
      }
      if let error { #expect(isExpected(error), "\(error)") }
      let after = damage == .folderAsData ? [:] : try files.image()
      #expect(after == before)
      // The process can still use other stores.
      let other = try VectorStore.open(at: folder + "/two")
      #expect(try other.count(in: "c") == 100)
      try await other.close()
    }
  }

  @Test func `is whole again when its file is put back`() async throws {
    try await TemporaryFolder.with { folder in
      let store = try VectorStore.open(at: folder + "/s")
      try await store.createCollection("c", CollectionOptions(dimension: 3))
      try await store.insertBatch(Numbered.records(0..<100, dimension: 3), into: "c")
      let contents = try Contents(store)
      try await store.close()
      let files = StoreFiles(folder: folder + "/s")
      let whole = try files.read("data.mdb")
      try files.write(Array(whole.prefix(5000)), to: "data.mdb")
      #expect(throws: VectorStoreError.self) { _ = try VectorStore.open(at: files.folder) }
      try files.write(whole, to: "data.mdb")
      let again = try VectorStore.open(at: files.folder)
      #expect(try Contents(again) == contents)
      try await again.close()
    }
  }
}
