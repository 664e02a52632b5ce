/// Reads the few kinds of Python text that a NumPy header consists of.
struct PythonLiteral {
  /// What is wrong, and at which byte.
  struct Fault: Error {
    let offset: Int
    let reason: String
  }

  private let text: [UInt8]
  private(set) var offset = 0

  init(_ text: [UInt8]) { self.text = text }

  private mutating func skipSpace() {
    while offset < text.count, text[offset] == 0x20 || (0x09...0x0D).contains(text[offset]) {
      offset += 1
    }
  }

  mutating func peeks(_ mark: Unicode.Scalar) -> Bool {
    skipSpace()
    return offset < text.count && UInt32(text[offset]) == mark.value
  }

  /// Steps over the mark if it is next.
  mutating func take(_ mark: Unicode.Scalar) -> Bool {
    guard peeks(mark) else { return false }
    offset += 1
    return true
  }

  mutating func expect(_ mark: Unicode.Scalar) throws(Fault) {
    guard take(mark) else { throw fault("a '\(mark)' is missing in the header") }
  }

  mutating func expectEnd() throws(Fault) {
    skipSpace()
    if offset < text.count { throw fault("the header goes on after its dictionary") }
  }

  /// A text in quotes, without escapes.
  mutating func string() throws(Fault) -> String {
    let quote: Unicode.Scalar = peeks("\"") ? "\"" : "'"
    try expect(quote)
    let start = offset
    while offset < text.count, UInt32(text[offset]) != quote.value {
      guard (0x20...0x7E).contains(text[offset]), text[offset] != 0x5C else {
        throw fault("the header is not plain ASCII text")
      }
      offset += 1
    }
    let value = String(decoding: text[start..<offset], as: UTF8.self)
    try expect(quote)
    return value
  }

  mutating func bool() throws(Fault) -> Bool {
    skipSpace()
    for (word, value) in [("True", true), ("False", false)]
    where text[offset...].starts(with: word.utf8) {
      offset += word.utf8.count
      return value
    }
    throw fault("'fortran_order' is neither True nor False")
  }

  /// Whole numbers in parentheses.
  mutating func tuple() throws(Fault) -> [Int] {
    try expect("(")
    var values: [Int] = []
    while !take(")") {
      guard values.count < 32 else { throw fault("the shape has more than 32 numbers") }
      values.append(try number())
      if !take(",") {
        try expect(")")
        // "(5)" is a number in parentheses; Python writes a tuple of one as "(5,)".
        if values.count == 1 { throw fault("the shape is no tuple") }
        break
      }
    }
    return values
  }

  private mutating func number() throws(Fault) -> Int {
    skipSpace()
    var value = 0
    let start = offset
    while offset < text.count, (0x30...0x39).contains(text[offset]) {
      let (tens, over) = value.multipliedReportingOverflow(by: 10)
      let (sum, tooFar) = tens.addingReportingOverflow(Int(text[offset] - 0x30))
      if over || tooFar { throw fault("a number of the shape is too large") }
      value = sum
      offset += 1
    }
    if offset == start { throw fault("the shape has something else than whole numbers") }
    // NumPy under Python 2 wrote long integers with an L.
    if offset < text.count, text[offset] == 0x4C { offset += 1 }
    return value
  }

  private func fault(_ reason: String) -> Fault { Fault(offset: offset, reason: reason) }
}
