import Foundation
import TestSupport
import Testing
import VDB

@testable import VDBIngest

/// Files that are cut off, lie in their headers or hold something else: all refused before a row.
struct RefusedFileTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let name: String
    let bytes: [UInt8]
    /// A part of the message.
    let says: String
    var testDescription: String { "\(name): \(says)" }

    init(_ name: String, _ bytes: Bytes, _ says: String) {
      self.name = name
      self.bytes = bytes.data
      self.says = says
    }
  }

  private static let good = Bytes.npy(
    descr: "<f4",
    shape: "(2, 2)",
    [UInt8](repeating: 0, count: 16)
  )

  private static func shape(_ shape: String, _ says: String) -> Case {
    Case("a.npy", .npy(descr: "<f4", shape: shape, [0, 0, 0, 0]), says)
  }

  private static func type(_ descr: String, _ says: String) -> Case {
    Case("a.npy", .npy(descr: descr, shape: "(1, 1)", [0, 0, 0, 0]), says)
  }

  private static func header(_ header: String, _ says: String) -> Case {
    Case("a.npy", .npy(header, [0, 0, 0, 0]), says)
  }

  private static func head(_ rows: UInt32, _ columns: UInt32, _ body: Int) -> Bytes {
    Bytes().adding(rows).adding(columns).adding([UInt8](repeating: 0, count: body))
  }

  static let numpy: [Case] = [
    Case("a.npy", Bytes(), "the file is empty"),
    Case("a.npy", Bytes([0x93]), "ends here"),
    Case("a.npy", Bytes("PK\u{3}\u{4} not numpy at all"), "not a NumPy file"),
    Case("a.npy", Bytes(Array(good.data.prefix(9))), "ends here"),
    Case("a.npy", Bytes(Array(good.data.prefix(40))), "the header claims"),
    Case("a.npy", .npy("{}", version: (0, 0)), "version 0.0 is unknown"),
    Case("a.npy", .npy("{}", version: (4, 0)), "version 4.0 is unknown"),
    Case("a.npy", .npy("{}", version: (1, 1)), "version 1.1 is unknown"),
    Case("a.npy", .npy("{}", length: 60_000), "the header claims 60000 bytes"),
    Case("a.npy", .npy("{}", version: (2, 0), length: 4_000_000_000), "the header claims"),
    Case("a.npy", .npy("{}", version: (3, 0), length: 65_537), "limit of 65536"),
    Case("a.npy", good.dropping(1), "1 missing"),
    Case("a.npy", good.dropping(16), "16 missing"),
    Case("a.npy", good.adding([0] as [UInt8]), "1 too many"),
    shape("(2, 2)", "12 missing"),
    shape("(1,)", "reshape"),
    shape("()", "has 0 dimensions"),
    shape("(1, 1, 1)", "has 3 dimensions"),
    shape("(1)", "the shape is no tuple"),
    shape("(-1, 1)", "something else than whole numbers"),
    shape("(1.0, 1)", "missing in the header"),
    shape("(1, 1", "something else than whole numbers"),
    shape("1, 1", "a '(' is missing"),
    shape("(1, 0)", "0 numbers a row"),
    shape("(1, 65537)", "65537 numbers a row"),
    shape("(1000000000000000000, 1)", "limit is"),
    shape("(1, 9223372036854775807)", "numbers a row"),
    shape("(99999999999999999999, 1)", "too large"),
    shape("(2147483647, 65536)", "missing"),
    shape("(2147483648, 1)", "limit is"),
    shape("(" + String(repeating: "1, ", count: 40) + ")", "more than 32 numbers"),
    type(">f4", "big-endian"),
    type(">f2", "big-endian"),
    type("|O", "pickled"),
    type("|b1", "booleans"),
    type("<c8", "is not read"),
    type("<U4", "is not read"),
    type("<f16", "is not read"),
    type("<i4", "row numbers and no vectors"),
    type("<i8", "7 missing".replacing("7", with: "4")),
    type("", "is not read"),
    header("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1, 1)}", "structured"),
    header("{'descr': '<f4', 'fortran_order': True, 'shape': (1, 1)}", "Fortran order"),
    header("{'descr': '<f4', 'fortran_order': 0, 'shape': (1, 1)}", "neither True nor False"),
    header("{'descr': '<f4', 'shape': (1, 1)}", "lacks 'fortran_order'"),
    header("{'fortran_order': False, 'shape': (1, 1)}", "lacks 'descr'"),
    header("{'descr': '<f4', 'fortran_order': False}", "lacks 'shape'"),
    header("{'descr': '<f4', 'descr': '<f4', 'shape': (1, 1)}", "'descr' twice"),
    header("{'descr': '<f4', 'extra': False, 'shape': (1, 1)}", "unknown 'extra'"),
    header("{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1)} x", "goes on"),
    header("{'descr': '<f4' 'fortran_order': False}", "'}' is missing"),
    header("{'descr': '<f\\u0034'}", "not plain ASCII"),
    header("{'descr': '<f4\u{E9}'}", "not plain ASCII"),
    header("{'descr", "is missing in the header"),
    header("__import__('os').system('true')", "a '{' is missing"),
    header("", "a '{' is missing"),
  ]

  static let others: [Case] = [
    Case("a.fbin", Bytes([1, 0, 0]), "ends here"),
    Case("a.fbin", head(1, 0, 0), "0 numbers a row"),
    Case("a.fbin", head(1, 65_537, 8), "65537 numbers a row"),
    Case("a.fbin", head(.max, 1, 8), "the limit is"),
    Case("a.fbin", head(.max, .max, 8), "4294967295 numbers a row"),
    Case("a.fbin", head(2, 2, 15), "1 missing"),
    Case("a.fbin", head(2, 2, 17), "1 too many"),
    Case("a.u8bin", head(3, 3, 8), "1 missing"),
    Case("a.i8bin", head(3, 3, 10), "1 too many"),
    Case("a.ibin", head(1, 1, 4), "row numbers and no vectors"),
    Case("a.fvecs", Bytes([1, 0]), "ends here"),
    Case("a.fvecs", Bytes().adding(Int32(0)), "0 numbers a row"),
    Case("a.fvecs", Bytes().adding(Int32(-4)).adding([1] as [Float]), "-4 numbers a row"),
    Case("a.fvecs", Bytes().adding(Int32(70_000)), "70000 numbers a row"),
    Case("a.fvecs", Bytes().adding(Int32(2)).adding([1] as [Float]), "has 8 of 12 bytes"),
    Case(
      "a.fvecs",
      Bytes().adding(Int32(1)).adding([1] as [Float]).adding(Int32(1)),
      "row 1: the last row has 4 of 8 bytes"
    ),
    Case(
      "a.fvecs",
      Bytes().adding(Int32(1)).adding([1] as [Float]).adding(Int32(2)).adding([1] as [Float]),
      "row 1: this row says dimension 2, the first one 1"
    ),
    Case("a.bvecs", Bytes().adding(Int32(3)).adding([1, 2] as [UInt8]), "has 6 of 7 bytes"),
    Case(
      "a.bvecs",
      Bytes().adding(Int32(1)).adding([1] as [UInt8]).adding(Int32(-1)).adding([1] as [UInt8]),
      "says dimension -1"
    ),
    Case("a.npz", Bytes("PK"), "compressed"),
    Case("a.jsonl.gz", Bytes([0x1F, 0x8B]), "compressed"),
    Case("a.csv", Bytes("1,2"), "none of the known formats"),
    Case("noextension", Bytes("1,2"), "none of the known formats"),
  ]

  @Test(arguments: numpy + others)
  func `is refused with its place and a remedy`(file: Case) throws {
    let error = #expect(throws: VectorFileError.self) {
      try withFile(file.name, Bytes(file.bytes)) { path in
        let reader = try VectorFileReader(path: path)
        while try reader.next(1) != nil {}
      }
    }
    let text = try #require(error).description
    #expect(text.contains(file.says))
    #expect(text.contains(file.name))
    #expect(error?.kind == .invalid)
  }

  @Test func `a directory, a FIFO and a missing file are told apart`() throws {
    try TemporaryFolder.with { folder in
      let directory = folder + "/d.npy"
      try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: false)
      let fifo = folder + "/p.fbin"
      #expect(mkfifo(fifo, 0o600) == 0)
      for (path, says) in [
        (directory, "a directory"), (fifo, "not a regular file"),
        (folder + "/none.npy", "no such file"), (folder + "/d.npy/x.npy", "no such file"),
        (folder + "/none.npy/x.npy", "no such file"),
      ] {
        let error = #expect(throws: VectorFileError.self) { try VectorFileReader(path: path) }
        #expect(try #require(error).description.contains(says))
      }
      for path in [directory.replacing(".npy", with: "2.jsonl"), folder] {
        #expect(throws: VectorFileError.self) { try RecordFileReader(path: path) }
      }
    }
  }

  @Test(.enabled(if: getuid() != 0, "root may read everything"))
  func `a file without permission is refused`() throws {
    try withFile("a.fbin", Self.head(1, 1, 4)) { path in
      #expect(chmod(path, 0) == 0)
      let error = #expect(throws: VectorFileError.self) { try VectorFileReader(path: path) }
      #expect(error?.kind == .permissionDenied)
    }
  }

  @Test func `a file that shrinks while it is read is an error`() throws {
    try withFile("a.i8bin", Self.head(1000, 100, 100_000)) { path in
      let reader = try VectorFileReader(path: path)
      _ = try reader.next(10)
      #expect(truncate(path, 5000) == 0)
      let error = #expect(throws: VectorFileError.self) { while try reader.next(10) != nil {} }
      #expect(error?.place == .offset(5000))
    }
  }
}
