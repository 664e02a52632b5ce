/// The header of a NumPy file: magic, version, length, and a Python dictionary in text.
///
/// Only what is asked for is understood; nothing is evaluated, and pickled objects are never read.
/// Source: numpy.lib.format, versions 1.0, 2.0 and 3.0.
struct NPYHeader {
  /// Longest header that is read; NumPy's own are 128 bytes.
  static let longest = 64 * 1024

  var descr = ""
  var fortranOrder = false
  var shape: [Int] = []

  static func layout(of file: InputFile) throws(VectorFileError) -> VectorLayout {
    let start = try file.readValues(8, as: UInt8.self)
    guard start[0] == 0x93, start[1...5].elementsEqual("NUMPY".utf8) else {
      throw fault(file, 0, "this is not a NumPy file", "Write it with numpy.save")
    }
    let version = start[6]
    guard (1...3).contains(version), start[7] == 0 else {
      let found = "\(version).\(start[7])"
      throw fault(file, 6, "NumPy file version \(found) is unknown", "Write it with numpy.save")
    }
    let length: Int
    if version == 1 {
      length = Int(try file.readValues(1, as: UInt16.self)[0])
    } else {
      length = Int(try file.readValues(1, as: UInt32.self)[0])
    }
    guard length <= longest, length <= (file.size ?? 0) - file.offset else {
      throw fault(
        file,
        8,
        "the header claims \(length) bytes, more than the file or the limit of \(longest) allows",
        "The file is damaged; write it again with numpy.save"
      )
    }
    let base = file.offset
    let text = try file.readValues(length, as: UInt8.self)
    let header: NPYHeader
    do throws(PythonLiteral.Fault) {
      header = try NPYHeader(text)
    } catch {
      throw fault(file, base + error.offset, error.reason, "Write it again with numpy.save")
    }
    return try header.layout(file, dataOffset: base + length)
  }

  private init(_ text: [UInt8]) throws(PythonLiteral.Fault) {
    var literal = PythonLiteral(text)
    var seen: [String] = []
    try literal.expect("{")
    while !literal.take("}") {
      let keyOffset = literal.offset
      let key = try literal.string()
      if seen.contains(key) {
        throw PythonLiteral.Fault(offset: keyOffset, reason: "the header has '\(key)' twice")
      }
      seen.append(key)
      try literal.expect(":")
      switch key {
      case "descr": descr = try literal.peeks("[") ? "a structured type" : literal.string()
      case "fortran_order": fortranOrder = try literal.bool()
      case "shape": shape = try literal.tuple()
      default:
        throw PythonLiteral.Fault(offset: keyOffset, reason: "the header has an unknown '\(key)'")
      }
      // A structured type is a list that is refused below, so what follows it is not read.
      if descr == "a structured type" { return }
      if !literal.take(",") {
        try literal.expect("}")
        break
      }
    }
    try literal.expectEnd()
    for key in ["descr", "fortran_order", "shape"] where !seen.contains(key) {
      throw PythonLiteral.Fault(offset: 0, reason: "the header lacks '\(key)'")
    }
  }

  private func layout(
    _ file: InputFile,
    dataOffset: Int
  ) throws(VectorFileError) -> VectorLayout {
    let element = try element(file)
    if fortranOrder {
      throw Self.fault(
        file,
        10,
        "the array is in Fortran order (column by column)",
        "Save numpy.ascontiguousarray(array)"
      )
    }
    guard shape.count == 2 else {
      let remedy =
        shape.count == 1
        ? "Save it with array.reshape(rows, dimension)"
        : "Save an array of two dimensions: rows and numbers a row"
      throw Self.fault(file, 10, "the array has \(shape.count) dimensions, not 2", remedy)
    }
    return VectorLayout(
      element: element,
      rows: shape[0],
      dimension: shape[1],
      dataOffset: dataOffset
    )
  }

  private func element(_ file: InputFile) throws(VectorFileError) -> VectorLayout.Element {
    switch descr {
    case "<f2": return .float16
    case "<f4": return .float32
    case "<f8": return .float64
    case "|i1", "<i1": return .int8
    case "|u1", "<u1": return .uint8
    case "<i4": return .int32
    case "<i8": return .int64
    default: break
    }
    let reason: String
    var remedy = "Save array.astype('<f4') instead"
    if descr.hasPrefix(">") {
      reason = "the numbers are big-endian ('\(descr)')"
    } else if descr.contains("O") {
      reason = "the array holds Python objects, which are pickled programs and never read"
      remedy = "Save a plain array, for instance numpy.stack(rows).astype('<f4')"
    } else if descr == "|b1" {
      reason = "the array holds booleans, which are no vectors"
      remedy = "Save array.astype('|i1') if 0 and 1 are meant as numbers"
    } else {
      reason = "the array's type '\(descr)' is not read"
    }
    throw Self.fault(file, 10, reason, remedy)
  }

  private static func fault(
    _ file: InputFile,
    _ offset: Int,
    _ reason: String,
    _ remedy: String
  ) -> VectorFileError {
    VectorFileError(path: file.path, place: .offset(offset), reason: reason, remedy: remedy)
  }
}
