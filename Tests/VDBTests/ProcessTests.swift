import Foundation
import TestSupport
import Testing
import VDB

/// Ends a child with a status that says which step failed.
private func demand(_ condition: Bool, _ status: Int32) {
  if !condition { exit(status) }
}

@Suite struct `Another process` {
  @Test func `is refused as a second writer, and told who writes`() async throws {
    try await TemporaryFolder.with { folder in
      let path = folder + "/s"
      let store = try await `A closed store`.make(path)
      let contents = try Contents(store)
      let own = Int(ProcessInfo.processInfo.processIdentifier)
      await #expect(processExitsWith: .success) { [path = path as String, own = own as Int] in
        for mode in [StoreOptions.Mode.readWrite, .readWriteExisting] {
          do throws(VectorStoreError) {
            _ = try VectorStore.open(at: path, options: StoreOptions(mode: mode))
            exit(2)
          } catch {
            guard case .locked(let holder) = error else { exit(3) }
            demand(holder.contains("pid \(own)"), 4)
            demand(error.description.contains("pid \(own)"), 5)
          }
        }
        do throws(VectorStoreError) {
          _ = try await VectorStore.compact(at: path)
          exit(6)
        } catch {
          guard case .locked = error else { exit(7) }
        }
      }
      #expect(try Contents(store) == contents)
      try await store.close()
      await #expect(processExitsWith: .success) { [path = path as String] in
        let store = try VectorStore.open(at: path)
        try await store.close()
      }
    }
  }

  @Test func `is refused as a second writer by a hard link of the data file too`() async throws {
    try await TemporaryFolder.with { folder in
      let (path, other) = (folder + "/s", folder + "/t")
      try await `A closed store`.make(path).close()
      let files = FileManager.default
      try files.createDirectory(atPath: other, withIntermediateDirectories: false)
      try files.copyItem(atPath: path + "/superblock", toPath: other + "/superblock")
      try files.linkItem(atPath: path + "/data.mdb", toPath: other + "/data.mdb")
      let store = try VectorStore.open(at: path)
      await expectError(.alreadyOpen(path: other)) { _ = try VectorStore.open(at: other) }
      await #expect(processExitsWith: .success) { [other = other as String] in
        do throws(VectorStoreError) {
          _ = try VectorStore.open(at: other)
          exit(2)
        } catch {
          guard case .locked(let holder) = error else { exit(3) }
          demand(holder.contains("another folder"), 4)
        }
      }
      try await store.close()
      await #expect(processExitsWith: .success) { [other = other as String] in
        let store = try VectorStore.open(at: other)
        demand(try store.count(in: "c") == 10, 2)
        try await store.close()
      }
    }
  }

  @Test func `has its commits seen by the next query of a reader`() async throws {
    try await TemporaryFolder.with { folder in
      let path = folder + "/s"
      try await `A closed store`.make(path).close()
      let reader = try VectorStore.open(at: path, options: StoreOptions(mode: .readOnly))
      #expect(try reader.count(in: "c") == 10)
      // The child ends without closing: what was acknowledged is there all the same.
      for closes in [true, false] {
        let first = try reader.collection("c").rows
        await #expect(processExitsWith: .success) {
          [path = path as String, closes = closes as Bool, first = first as Int] in
          let store = try VectorStore.open(at: path)
          let receipt = try await store.insertBatch(
            Numbered.records(first..<first + 1500, dimension: 2),
            into: "c"
          )
          demand(receipt.inserted == 1500, 2)
          if closes {
            try await store.index("c")
            try await store.delete(ids: [3], from: "c")
            try await store.createCollection("d", CollectionOptions(dimension: 3))
            try await store.close()
          }
          exit(0)
        }
        let rows = first + 1500
        let query = Numbered.vector(rows - 1, dimension: 2)
        let hit = try reader.search(query, in: "c", limit: 1).first
        #expect(hit?.id == .integer(Int64(rows - 1)))
        #expect(try reader.count(in: "c") == rows - 1)
        #expect(try reader.get([3], from: "c") == [nil])
        #expect(try reader.collections().map(\.name) == ["c", "d"])
        #expect(try reader.verify(.deep).problems == [])
      }
      try await reader.close()
    }
  }

  @Test func `reads beside a writer, and stops it from compacting under its feet`() async throws {
    try await TemporaryFolder.with { folder in
      let path = folder + "/s"
      try await `A closed store`.make(path).close()
      let reader = try VectorStore.open(at: path, options: StoreOptions(mode: .readOnly))
      let own = Int(ProcessInfo.processInfo.processIdentifier)
      await #expect(processExitsWith: .success) { [path = path as String, own = own as Int] in
        do throws(VectorStoreError) {
          _ = try await VectorStore.compact(at: path)
          exit(2)
        } catch {
          guard case .locked(let holder) = error else { exit(3) }
          demand(holder.contains("\(own)"), 4)
        }
      }
      #expect(try reader.count(in: "c") == 10)
      try await reader.close()
      #expect(try await VectorStore.compact(at: path).rowsReclaimed == 0)
    }
  }

  @Test(.enabled(if: getuid() == 0, "only root can become another user"))
  func `without the right to write or read is told so`() async throws {
    try await TemporaryFolder.with { folder in
      let path = folder + "/s"
      try await `A closed store`.make(path).close()
      let files = StoreFiles(folder: path)
      let before = try files.image()
      await #expect(processExitsWith: .success) { [path = path as String] in
        demand(seteuid(65_534) == 0, 2)
        for mode in `A path that is no store`.modes {
          do throws(VectorStoreError) {
            _ = try VectorStore.open(at: path, options: StoreOptions(mode: mode))
            exit(3)
          } catch {
            if case .permissionDenied(let denied) = error, denied == path { continue }
            print("\(mode): \(error)")
            exit(4)
          }
        }
        // Not by way of exit: the leak detector cannot look into a process that has changed its user.
        _exit(EXIT_SUCCESS)
      }
      let modes = [("", 0o755), ("/superblock", 0o644), ("/data.mdb", 0o444), ("/lock.mdb", 0o666)]
      for (name, mode) in modes {
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path + name)
      }
      await #expect(processExitsWith: .success) { [path = path as String] in
        demand(seteuid(65_534) == 0, 2)
        do throws(VectorStoreError) {
          _ = try VectorStore.open(at: path)
          exit(3)
        } catch {
          guard case .permissionDenied = error else { exit(4) }
        }
        let store = try VectorStore.open(at: path, options: StoreOptions(mode: .readOnly))
        demand(try store.count(in: "c") == 10, 5)
        try await store.close()
        // Not by way of exit: the leak detector cannot look into a process that has changed its user.
        _exit(EXIT_SUCCESS)
      }
      #expect(try files.image() == before)
    }
  }

  @Test func `that is started inherits none of the store's files`() async throws {
    try await TemporaryFolder.with { folder in
      let store = try await `A closed store`.make(folder + "/s")
      #if os(Linux)
        let process = Process()
        process.executableURL = URL(filePath: "/bin/ls")
        process.arguments = ["-l", "/proc/self/fd"]
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let output = try pipe.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        #expect(!String(decoding: output, as: UTF8.self).contains(".mdb"))
      #endif
      try await store.close()
    }
  }
}
