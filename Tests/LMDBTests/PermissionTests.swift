import Foundation
import LMDB
import TestSupport
import Testing

/// Who may read the files.
///
/// The umask and the user are the process's, so each test has one of its own.
@Suite struct PermissionTests {
  @Test(arguments: [0, 0o022, 0o077, 0o277, 0o777])
  func `files are 0600 and folders 0700 whatever the umask`(mask: Int) async throws {
    try await TemporaryFolder.with { (parent) -> Void in
      await #expect(processExitsWith: .success) {
        [parent = parent as String, mask = mask as Int] in
        umask(mode_t(mask))
        let folder = parent + "/store"
        let environment = try Environment.create(at: folder, options: small)
        _ = try WriterLock(folder: folder)
        try environment.copyCompacted(to: folder + "/copy.mdb")
        try FileSync.write([1, 2, 3], to: folder + "/note")
        #expect(try permissions(folder) == 0o700)
        try FileSync.makeFolder(folder + "/inner")
        #expect(try permissions(folder + "/inner") == 0o700)
        for name in ["data.mdb", "lock.mdb", "writer.lock", "copy.mdb", "note"] {
          let mode = try #require(try permissions(folder + "/" + name))
          #expect(mode == 0o600, "\(name): \(String(mode, radix: 8))")
        }
      }
    }
  }

  @Test func `a folder that was there keeps its permissions`() throws {
    try TemporaryFolder.with { folder in
      #expect(chmod(folder, 0o750) == 0)
      _ = try Environment.create(at: folder, options: small)
      #expect(try permissions(folder) == 0o750)
    }
  }

  @Test(arguments: ["file", "folder", "hidden"])
  func `what the user may not write or see is refused with a permission error`(
    kind: String
  ) async throws {
    try await TemporaryFolder.with { parent in
      #expect(chmod(parent, 0o755) == 0)
      let folder = parent + "/store"
      do { _ = try Environment.create(at: folder, options: small) }
      #expect(chmod(folder, kind == "hidden" ? 0 : kind == "folder" ? 0o555 : 0o777) == 0)
      #expect(chmod(folder + "/data.mdb", kind == "file" ? 0o444 : 0o666) == 0)
      #expect(chmod(folder + "/lock.mdb", 0o666) == 0)
      defer { chmod(folder, 0o700) }
      await #expect(processExitsWith: .success) {
        [folder = folder as String, kind = kind as String] in
        // Nothing is forbidden to root.
        if getuid() == 0 {
          #expect(setgid(65534) == 0)
          #expect(setuid(65534) == 0)
        }
        func isRefused(_ body: () throws -> Void) throws -> Bool {
          do {
            try body()
            return false
          } catch let error as LMDBError {
            #expect(error.isPermission, "\(error)")
            return true
          }
        }
        let opens = try !isRefused { _ = try Environment(opening: folder, options: small) }
        #expect(opens == (kind == "folder"))
        var options = small
        options.isReadOnly = true
        let reads = try !isRefused { _ = try Environment(opening: folder, options: options) }
        #expect(reads == (kind != "hidden"))
        let locks = try !isRefused { _ = try WriterLock(folder: folder) }
        #expect(locks == (kind == "file"))
        let creates = try !isRefused {
          _ = try Environment.create(at: folder + "/inner", options: small)
        }
        #expect(creates == (kind == "file"))
        // Not by way of exit: the leak detector cannot look into a process that has changed its user.
        _exit(EXIT_SUCCESS)
      }
    }
  }
}
