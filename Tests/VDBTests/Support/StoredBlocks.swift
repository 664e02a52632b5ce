import VectorKernels

/// The blocks of codes and links in the bytes of a `data.mdb`, found by their magic number.
///
/// What docs/file-format.md says of them, written down again.
struct StoredBlocks {
  struct Block {
    /// Where the value begins.
    let offset: Int
    /// 2: codes, 3: links.
    let kind: UInt8
    let firstRow: Int
    let rows: Int
    let stride: Int
    let generation: UInt32
    let runRows: Int
    let payload: Int

    var first: Int { offset + 48 }
    /// Bytes of header, rows and the runs' checksums.
    var byteCount: Int {
      let runs = runRows == 0 ? 0 : (rows + runRows - 1) / runRows
      return max(4096 - 16, 48 + payload + 4 * runs)
    }
  }

  var bytes: [UInt8]
  private(set) var blocks: [Block] = []

  init(_ bytes: [UInt8]) {
    self.bytes = bytes
    for offset in stride(from: 16, to: bytes.count - 64, by: 4096)
    where bytes[offset..<(offset + 4)].elementsEqual("VBLK".utf8) && bytes[offset + 4] > 1 {
      blocks.append(
        Block(
          offset: offset,
          kind: bytes[offset + 4],
          firstRow: number(at: offset + 8),
          rows: number(at: offset + 16),
          stride: number(at: offset + 20),
          generation: UInt32(number(at: offset + 24)),
          runRows: number(at: offset + 28),
          payload: number(at: offset + 32)
        )
      )
    }
  }

  private func number(at offset: Int) -> Int {
    var number = 0
    for byte in bytes[offset..<(offset + 4)].reversed() { number = number * 256 + Int(byte) }
    return number
  }

  /// Codes of the first collection, in the order of their rows; the same block may be there twice, once
  /// of an older commit.
  var codes: [Block] { blocks.filter { $0.kind == 2 }.sorted { $0.firstRow < $1.firstRow } }
  var links: [Block] { blocks.filter { $0.kind == 3 } }

  /// Turns blocks into what they were before runs had checksums: nothing but padding behind the rows.
  ///
  /// - Returns: how many were changed.
  mutating func removeRuns() -> Int {
    var changed = 0
    for block in blocks where block.runRows > 0 {
      guard let key = key(of: block) else { continue }
      for place in 0..<4 { bytes[block.offset + 28 + place] = 0 }
      for place in (block.first + block.payload)..<(block.offset + block.byteCount) {
        bytes[place] = 0
      }
      let sum = checksum(of: block, key: key)
      let place = block.offset + 44
      bytes.replaceSubrange(place..<(place + 4), with: little(sum))
      changed += 1
    }
    return changed
  }

  /// The key by which the checksum is right; the layer is not in the header.
  private func key(of block: Block) -> [UInt8]? {
    let stored = UInt32(number(at: block.offset + 44))
    // A block of links or codes is a power of two of rows; the last one of a layer may hold fewer.
    let numbers = (0...12).map { UInt32(block.firstRow >> $0) }
    for number in numbers {
      for layer in 0..<12 as Range<UInt8> {
        var key: [UInt8] = big(1)
        if block.kind == 3 {
          key += big(block.generation)
          key.append(layer)
        }
        key += big(number)
        if checksum(of: block, key: key) == stored { return key }
      }
    }
    return nil
  }

  private func checksum(of block: Block, key: [UInt8]) -> UInt32 {
    let head: [UInt8] = key + bytes[block.offset..<(block.offset + 44)]
    let body = Array(bytes[block.first..<(block.offset + block.byteCount)])
    return body.withUnsafeBytes { body in
      Checksum.crc32c(body, seed: head.withUnsafeBytes { Checksum.crc32c($0) })
    }
  }

  private func big(_ number: UInt32) -> [UInt8] {
    withUnsafeBytes(of: number.bigEndian) { Array($0) }
  }

  private func little(_ number: UInt32) -> [UInt8] {
    withUnsafeBytes(of: number.littleEndian) { Array($0) }
  }
}
