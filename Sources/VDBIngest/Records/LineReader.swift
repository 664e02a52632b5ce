#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Cuts a stream into lines, of which it keeps no more than one read buffer and the longest line.
struct LineReader {
  /// Bytes of the longest line that is read.
  static let longestLine = 32 * 1024 * 1024
  private static let readBytes = 1 << 20

  let file: InputFile
  /// The buffer that holds the current line.
  private(set) var buffer = [UInt8](repeating: 0, count: LineReader.readBytes)
  /// The number of the current line, from 1.
  private(set) var number = 0
  /// Bytes before the current line's range that belong to the line: a byte order mark.
  private(set) var skipped = 0
  private var start = 0
  private var end = 0
  /// No line ends between ``start`` and here.
  private var searched = 0
  private var isAtEnd = false

  init(_ file: InputFile) { self.file = file }

  /// Where the next line begins.
  var position: SourcePosition {
    SourcePosition(offset: file.offset - (end - start), line: number)
  }

  /// Goes to where a line begins.
  mutating func skip(to position: SourcePosition) throws(VectorFileError) {
    try file.seek(to: position.offset)
    (start, end, searched, number, isAtEnd) = (0, 0, 0, position.line, false)
  }

  /// The next line's place in ``buffer``, without its line end; `nil` after the last one.
  mutating func next() throws(VectorFileError) -> Range<Int>? {
    while true {
      if let newline = newline() {
        let line = start..<newline
        (start, searched) = (newline + 1, newline + 1)
        return try finish(line)
      }
      if isAtEnd {
        guard start < end else { return nil }
        let line = start..<end
        start = end
        return try finish(line)
      }
      try fill()
    }
  }

  /// Whether the next line, or the end, can be had without waiting for a stream longer than `time`.
  ///
  /// - Throws: What reading throws.
  mutating func isReady(within time: Duration) throws(VectorFileError) -> Bool {
    if file.size != nil { return true }
    while newline() == nil, !isAtEnd {
      if file.isIdle(for: time) { return false }
      try fill()
    }
    return true
  }

  /// Where the next line ends, as far as it has been read.
  private mutating func newline() -> Int? {
    let (from, end) = (searched, end)
    let found: Int? = unsafe buffer.withUnsafeBytes { bytes in
      guard from < end, let base = bytes.baseAddress,
        let found = unsafe memchr(base + from, 0x0A, end - from)
      else { return nil }
      return unsafe UnsafeRawPointer(found) - base
    }
    searched = found ?? end
    return found
  }

  /// Moves what is left to the front, makes room if it fills the buffer, and reads on.
  private mutating func fill() throws(VectorFileError) {
    let left = end - start
    if left > Self.longestLine {
      throw VectorFileError(
        path: file.path,
        place: .line(number + 1, column: nil),
        reason: "the line is longer than \(Self.longestLine) bytes",
        remedy: "Split the text, and check that the file is JSON Lines: one object a line"
      )
    }
    if start > 0 {
      let (from, to) = (start, end)
      unsafe buffer.withUnsafeMutableBytes { bytes in
        unsafe bytes.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[from..<to]))
      }
      (start, end, searched) = (0, left, searched - start)
    }
    if end == buffer.count {
      buffer.append(contentsOf: repeatElement(0, count: buffer.count))
    }
    let (file, room) = (file, end)
    var failure: VectorFileError?
    let count = unsafe buffer.withUnsafeMutableBytes { bytes -> Int in
      do throws(VectorFileError) {
        return unsafe try file.read(into: UnsafeMutableRawBufferPointer(rebasing: bytes[room...]))
      } catch {
        failure = error
        return 0
      }
    }
    if let failure { throw failure }
    isAtEnd = count == 0
    end += count
  }

  /// Numbers the line and takes its carriage return and byte order mark away.
  private mutating func finish(_ line: Range<Int>) throws(VectorFileError) -> Range<Int> {
    number += 1
    skipped = 0
    var line = line
    if let last = line.last, buffer[last] == 0x0D { line = line.lowerBound..<last }
    guard number == 1 else { return line }
    if buffer[line].starts(with: [0xEF, 0xBB, 0xBF]) {
      skipped = 3
      return (line.lowerBound + 3)..<line.upperBound
    }
    let magic: [(bytes: [UInt8], name: String, remedy: String)] = [
      ([0x1F, 0x8B], "gzip", "Unpack it: gunzip -c FILE | vdbtool import … --records -"),
      (
        [0x28, 0xB5, 0x2F, 0xFD], "Zstandard",
        "Unpack it: zstd -dc FILE | vdbtool import … --records -"
      ),
      ([0xFF, 0xFE], "UTF-16", "Convert it: iconv -f UTF-16 -t UTF-8"),
      ([0xFE, 0xFF], "UTF-16", "Convert it: iconv -f UTF-16 -t UTF-8"),
    ]
    for form in magic where buffer[line].starts(with: form.bytes) {
      throw VectorFileError(
        path: file.path,
        place: .line(1, column: 1),
        reason: "this is \(form.name), not JSON Lines in UTF-8",
        remedy: form.remedy
      )
    }
    return line
  }
}
