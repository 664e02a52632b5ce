import Foundation
import LMDB
import TestSupport
import Testing

/// Files that are not what they should be: an error, never a crash, never wrong data.
///
/// Openings that could end the process are done in one of their own.
@Suite struct RefusedFileTests {
  private func foreign(_ bytes: [UInt8], _ check: (LMDBError) -> Bool) throws {
    try TemporaryFolder.with { folder in
      let path = folder + "/data.mdb"
      try Data(bytes).write(to: URL(filePath: path))
      for isReadOnly in [false, true] {
        var options = small
        options.isReadOnly = isReadOnly
        let error = refusal(folder, options)
        #expect(error.map(check) == true, "\(String(describing: error))")
      }
      let after = try Data(contentsOf: URL(filePath: path))
      #expect(after == Data(bytes), "a refused file was changed")
      let names = try FileManager.default.contentsOfDirectory(atPath: folder)
      #expect(names == ["data.mdb"])
      // What was refused is not kept as open.
      #expect(refusal(folder).map(check) == true)
    }
  }

  @Test(arguments: [0, 1, 16, 151, 4096, 8192, 1 << 20])
  func `zeros are refused, and no bytes at all are not taken for a new file`(count: Int) throws {
    try foreign([UInt8](repeating: 0, count: count)) { $0.isDamage }
  }

  @Test(arguments: [1, 2, 3] as [UInt64])
  func `random bytes are refused`(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    let bytes = (0..<100_000).map { _ in UInt8.random(in: 0...255, using: &generator) }
    try foreign(bytes) { $0.isDamage }
  }

  @Test func `a text and a database of another program are refused`() throws {
    try foreign([UInt8](String(repeating: "Call me Ishmael. ", count: 1000))) { $0.isDamage }
    try foreign([UInt8]("SQLite format 3\0") + [UInt8](repeating: 1, count: 9000)) { $0.isDamage }
  }

  @Test func `a missing folder and a missing file are not found`() throws {
    try TemporaryFolder.with { folder in
      #expect(refusal(folder) == .notFound(path: folder + "/data.mdb"))
      let missing = folder + "/missing"
      #expect(refusal(missing) == .notFound(path: missing + "/data.mdb"))
      let names = try FileManager.default.contentsOfDirectory(atPath: folder)
      #expect(names.isEmpty)
    }
  }

  @Test func `a data file that is a link, a folder or a pipe is refused`() throws {
    try TemporaryFolder.with { parent in
      do { _ = try Environment.create(at: parent + "/store", options: small) }
      for kind in ["link", "dangling", "folder", "pipe"] {
        let folder = parent + "/" + kind
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
        let path = folder + "/data.mdb"
        switch kind {
        case "link": #expect(symlink(parent + "/store/data.mdb", path) == 0)
        case "dangling": #expect(symlink(parent + "/elsewhere", path) == 0)
        case "folder": #expect(mkdir(path, 0o700) == 0)
        default: #expect(mkfifo(path, 0o600) == 0)
        }
        for isReadOnly in [false, true] {
          var options = small
          options.isReadOnly = isReadOnly
          #expect(refusal(folder, options) == .notARegularFile(path: path), "\(kind)")
        }
        #expect(throws: LMDBError.exists(path: path)) {
          try Environment.create(at: folder, options: small)
        }
      }
      #expect(!FileManager.default.fileExists(atPath: parent + "/elsewhere"))
    }
  }

  @Test func `lock files that are links are refused and what they name is left alone`() throws {
    try TemporaryFolder.with { parent in
      let folder = parent + "/store"
      do { _ = try Environment.create(at: folder, options: small) }
      let precious = parent + "/precious"
      try Data("precious".utf8).write(to: URL(filePath: precious))
      #expect(unlink(folder + "/lock.mdb") == 0)
      #expect(symlink(precious, folder + "/lock.mdb") == 0)
      #expect(symlink(precious, folder + "/writer.lock") == 0)
      #expect(refusal(folder) == .notARegularFile(path: folder + "/lock.mdb"))
      #expect(throws: LMDBError.notARegularFile(path: folder + "/writer.lock")) {
        try WriterLock(folder: folder)
      }
      let kept = try String(contentsOfFile: precious, encoding: .utf8)
      #expect(kept == "precious")
    }
  }

  @Test func `a file that ends anywhere too early is refused or whole`() async throws {
    try await TemporaryFolder.with { (folder) -> Void in
      let size = try Sample.write(to: folder).count
      await #expect(processExitsWith: .success) {
        [folder = folder as String, size = size as Int] in
        let whole = try Data(contentsOf: URL(filePath: folder + "/data.mdb"))
        let expected = try Sample.contents(of: folder)
        var refused = 0
        let points = Array(stride(from: 0, to: size, by: 512)) + (0..<400) + [size - 1]
        for count in points {
          let outcome = try Sample.open(
            folder,
            holding: Data(whole.prefix(count)),
            noting: "cut to \(count)"
          )
          if outcome == .refused { refused += 1 }
          #expect(outcome == .refused || outcome == .contents(expected), "cut to \(count)")
        }
        #expect(refused > points.count * 9 / 10)
      }
    }
  }

  @Test func `a file without the end of its last value is refused`() async throws {
    try await TemporaryFolder.with { (folder) -> Void in
      let path = folder + "/data.mdb"
      do {
        let (environment, table) = try Environment.withTable(at: folder)
        for round in 0..<6 {
          try environment.write { write in try write.put([UInt8(round)], forKey: [1], in: table) }
        }
        // The trees' pages come from the list of free ones, so this value alone is at the end.
        let value = [UInt8](repeating: 3, count: 100_000)
        try environment.write { write in try write.put(value, forKey: [2], in: table) }
      }
      await #expect(processExitsWith: .success) {
        [folder = folder as String, path = path as String] in
        let whole = try Data(contentsOf: URL(filePath: path))
        #expect(try Sample.open(folder, holding: whole, noting: "whole") != .refused)
        for count in stride(from: whole.count - 1, to: whole.count - 80_000, by: -1000) {
          let cut = Data(whole.prefix(count))
          #expect(try Sample.open(folder, holding: cut, noting: "cut to \(count)") == .refused)
        }
      }
    }
  }

  @Test func `pages that were freed before they were written may be missing at the end`() throws {
    try TemporaryFolder.with { folder in
      do {
        let (environment, table) = try Environment.withTable(at: folder)
        for round in 0..<6 {
          try environment.write { write in try write.put([UInt8(round)], forKey: [1], in: table) }
        }
        // The trees' pages come from the list of free ones, the large value is put at the end.
        try environment.write { write in
          try write.put([UInt8](repeating: 3, count: 100_000), forKey: [2], in: table)
          try write.put([1], forKey: [1], in: table)
          try write.delete([2], in: table)
        }
      }
      let pages = try MetaPages.at(folder)
      let size = try Data(contentsOf: URL(filePath: folder + "/data.mdb")).count
      #expect(size < (Int(pages.lastPage) + 1) * pages.pageSize, "the case does not arise")
      let contents = try Sample.contents(of: folder)
      #expect(contents == [[1]: [1]])
    }
  }

  @Test(arguments: [0, 1, 2])
  func `no flipped bit of the first pages crashes or shows other data`(commits: Int) async throws {
    try await TemporaryFolder.with { (folder) -> Void in
      _ = try Sample.write(to: folder, commits: commits)
      await #expect(processExitsWith: .success) { [folder = folder as String] in
        let whole = try Data(contentsOf: URL(filePath: folder + "/data.mdb"))
        let expected = try Sample.contents(of: folder)
        let pageSize = try MetaPages.at(folder).pageSize
        var refused = 0
        for page in 0...1 {
          for bit in 0..<152 * 8 {
            var flipped = whole
            flipped[page * pageSize + bit / 8] ^= 1 << UInt8(bit % 8)
            let place = "page \(page), byte \(bit / 8), bit \(bit % 8)"
            let outcome = try Sample.open(folder, holding: flipped, noting: place)
            if outcome == .refused { refused += 1 }
            #expect(outcome == .refused || outcome == .contents(expected), "\(place)")
          }
        }
        #expect(refused > 600)
      }
    }
  }
}

/// A store with small and large values, freed pages, and two levels of tree.
private enum Sample {
  /// What an opening came to.
  enum Outcome: Equatable {
    case refused
    case contents([[UInt8]: [UInt8]])
  }

  static func write(to folder: String, commits: Int = 2) throws -> Data {
    do {
      let (environment, table) = try Environment.withTable(at: folder)
      for commit in 0..<commits {
        try environment.write { write in
          for number in 0..<200 {
            let value = [UInt8](repeating: UInt8(commit + number % 100), count: number % 50 * 150)
            try write.put(value, forKey: [UInt8](number: number), in: table)
          }
          for number in 200..<210 {
            try write.put([UInt8(commit)], forKey: [UInt8](number: number * commit), in: table)
          }
        }
      }
    }
    return try Data(contentsOf: URL(filePath: folder + "/data.mdb"))
  }

  static func contents(of folder: String) throws -> [[UInt8]: [UInt8]] {
    let environment = try Environment(opening: folder, options: small)
    guard let table = try environment.existingTable() else { return [:] }
    return try environment.contents(of: table)
  }

  /// Opens what `bytes` are and reads everything; a crash leaves `note` in the folder.
  static func open(_ folder: String, holding bytes: Data, noting note: String) throws -> Outcome {
    let other = folder + "/other"
    let files = FileManager.default
    if !files.fileExists(atPath: other) {
      try files.createDirectory(atPath: other, withIntermediateDirectories: false)
    }
    try bytes.write(to: URL(filePath: other + "/data.mdb"))
    try Data(note.utf8).write(to: URL(filePath: folder + "/last"))
    do {
      return .contents(try contents(of: other))
    } catch is LMDBError {
      return .refused
    }
  }
}

/// Why opening is refused.
private func refusal(_ folder: String, _ options: EnvironmentOptions = small) -> LMDBError? {
  do throws(LMDBError) {
    _ = try Environment(opening: folder, options: options)
    return nil
  } catch {
    return error
  }
}
