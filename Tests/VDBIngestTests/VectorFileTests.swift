import Foundation
import TestSupport
import Testing
import VDB

@testable import VDBIngest

/// What honest files of each format give back.
struct VectorFileTests {
  private func read(_ name: String, _ bytes: Bytes, _ page: Int = 2) throws -> [VectorRows] {
    try withFile(name, bytes) { path in
      let reader = try VectorFileReader(path: path)
      var pages: [VectorRows] = []
      while let rows = try reader.next(page) { pages.append(rows) }
      #expect(pages.reduce(0) { $0 + $1.count } == reader.count)
      return pages
    }
  }

  @Test func `NumPy float32 comes in pages and as it is`() throws {
    let numbers: [Float] = [1, -2.5, 0x1p-140, 4, 5, 6]
    let file = Bytes.npy(descr: "<f4", shape: "(3, 2)", Bytes().adding(numbers).data)
    let pages = try read("a.npy", file)
    #expect(pages.map(\.storage) == [.float32([1, -2.5, 0x1p-140, 4]), .float32([5, 6])])
  }

  @Test(arguments: [(UInt8(1), UInt8(0)), (2, 0), (3, 0)])
  func `NumPy versions 1 to 3 are read`(version: (UInt8, UInt8)) throws {
    let header = "{'descr': '|i1', 'fortran_order': False, 'shape': (1, 3), }   \n"
    let file = Bytes.npy(header, [1, 0xFF, 0x80], version: version)
    #expect(try read("a.npy", file).map(\.storage) == [.int8([1, -1, -128])])
  }

  @Test func `NumPy float16 keeps its bits`() throws {
    let body = Bytes().adding(UInt16(0x3C00)).adding(UInt16(0xFBFF)).data
    let pages = try read("a.npy", .npy(descr: "<f2", shape: "(1, 2)", body))
    #expect(pages.map(\.storage) == [.float16([0x3C00, 0xFBFF])])
  }

  @Test func `NumPy float64 becomes float32 and says where it cannot`() throws {
    let fine = Bytes().adding((0.1).bitPattern).adding((-1e-50).bitPattern)
    let pages = try read("a.npy", .npy(descr: "<f8", shape: "(1, 2)", fine.data))
    #expect(pages.map(\.storage) == [.float32([0.1, -0.0])])
    let large = fine.adding((1.0).bitPattern).adding((1e39).bitPattern)
    let error = #expect(throws: VectorFileError.self) {
      try read("a.npy", .npy(descr: "<f8", shape: "(2, 2)", large.data))
    }
    #expect(error?.place == .row(1))
  }

  @Test func `every unsigned byte becomes the half of the same value`() throws {
    let bytes = (0...255).map { UInt8($0) }
    let pages = try read("a.npy", .npy(descr: "|u1", shape: "(2, 128)", bytes), 10)
    guard case .float16(let halves)? = pages.first?.storage else {
      Issue.record("not float16")
      return
    }
    for (index, half) in halves.enumerated() {
      let exponent = Int(half >> 10) - 15
      let value = half == 0 ? 0 : Float(1024 + Int(half & 0x3FF)) * pow(2, Float(exponent - 10))
      #expect(value == Float(index))
    }
  }

  @Test func `files with rows and columns in front are read`() throws {
    let header = Bytes().adding(UInt32(2)).adding(UInt32(2))
    #expect(
      try read("a.fbin", header.adding([1, 2, 3, 4] as [Float])).map(\.storage)
        == [.float32([1, 2, 3, 4])]
    )
    #expect(
      try read("a.i8bin", header.adding([1, 2, 3, 255] as [UInt8])).map(\.storage)
        == [.int8([1, 2, 3, -1])]
    )
    #expect(
      try read("a.u8bin", header.adding([0, 1, 2, 4] as [UInt8])).map(\.storage)
        == [.float16([0, 0x3C00, 0x4000, 0x4400])]
    )
  }

  @Test func `files with a dimension before each row are read`() throws {
    let floats = Bytes().adding(Int32(2)).adding([1, 2] as [Float])
      .adding(Int32(2)).adding([3, 4] as [Float])
    #expect(try read("a.fvecs", floats).map(\.storage) == [.float32([1, 2, 3, 4])])
    let bytes = Bytes().adding(Int32(1)).adding([1] as [UInt8])
      .adding(Int32(1)).adding([2] as [UInt8])
    #expect(
      try read("a.bvecs", bytes, 1).map(\.storage) == [.float16([0x3C00]), .float16([0x4000])]
    )
  }

  @Test func `a file without rows has none`() throws {
    #expect(try read("a.npy", .npy(descr: "<f4", shape: "(0, 8)", [])).isEmpty)
    #expect(try read("a.fbin", Bytes().adding(UInt32(0)).adding(UInt32(8))).isEmpty)
  }

  @Test func `reading goes on from the row that was sought`() throws {
    let file = Bytes().adding(UInt32(3)).adding(UInt32(1)).adding([1, 2, 3] as [UInt8])
    try withFile("a.i8bin", file) { path in
      let reader = try VectorFileReader(path: path)
      try reader.seek(toRow: 1)
      #expect(try reader.next(9)?.storage == .int8([2, 3]))
      try reader.seek(toRow: 3)
      #expect(try reader.next(9) == nil)
    }
  }

  @Test func `truth is read from every integer format`() throws {
    let rows = [[1, 2], [3, 0]]
    let small = rows.joined().reduce(Bytes()) { $0.adding(Int32($1)) }
    let large = rows.joined().reduce(Bytes()) { $0.adding(Int64($1)) }
    let head = Bytes().adding(UInt32(2)).adding(UInt32(2))
    let vecs = rows.reduce(Bytes()) { bytes, row in
      row.reduce(bytes.adding(Int32(2))) { $0.adding(Int32($1)) }
    }
    let files: [(String, Bytes)] = [
      ("t.npy", .npy(descr: "<i4", shape: "(2, 2)", small.data)),
      ("t.npy", .npy(descr: "<i8", shape: "(2, 2)", large.data)),
      ("t.ibin", head.adding(small.data)), ("t.ivecs", vecs),
    ]
    for (name, bytes) in files {
      let truth = try withFile(name, bytes) { try TruthFile(path: $0) }
      #expect(truth.rows == rows)
      #expect(truth.columns == 2)
    }
    let negative = head.adding(Int32(-1)).adding([Float](repeating: 0, count: 3))
    let error = #expect(throws: VectorFileError.self) {
      try withFile("t.ibin", negative) { try TruthFile(path: $0) }
    }
    #expect(error?.place == .row(0))
  }
}
