import CVectorKernels
import VectorKernels

/// Codes of the rows that a collection's graph does not contain yet, by which a query passes over most of
/// them without comparing them in full precision.
///
/// Made when rows are published, in pieces of memory that successive versions share: a version's readers
/// stay below its end, and above it only its one successor writes, once. Codes are the ones by which the
/// graph is walked, 4-bit ones where there are any.
@safe
final class TailCodes: Sendable {
  /// Rows of a piece.
  static let pieceRows = 1 << Int(pieceShift)
  private static let pieceShift: UInt32 = 8
  /// Rows of a tail at most; a longer one is soon shorter or grows quickly, and is scanned.
  static let rowLimit = 4_096
  /// Bytes of a tail at most.
  private static let byteLimit = 16 << 20
  /// The rows of a piece, by their numbers within it.
  private static let offsets = Array(0..<UInt32(pieceRows))

  /// The first row that has a code.
  let first: Row
  /// Rows from here on have none.
  let end: Row
  private let layout: PieceLayout
  /// Of these rows and the ones before them.
  private let extremes: Coding.Extremes
  /// From the one that contains `first` on.
  private let pieces: [AlignedMemory]

  private init(
    first: Row,
    end: Row,
    layout: PieceLayout,
    extremes: Coding.Extremes,
    pieces: [AlignedMemory]
  ) {
    self.first = first
    self.end = end
    self.layout = layout
    self.extremes = extremes
    self.pieces = pieces
  }

  /// Where a piece has what: the codes, then what completes them.
  private struct PieceLayout {
    let isNibbles: Bool
    /// Bytes of a row's code.
    let stride: Int
    let form: UInt32
    let auxBytes: Int

    init(_ coding: Coding) {
      isNibbles = coding.widths != .bytes
      stride = isNibbles ? coding.nibbleStride : coding.stride
      form = coding.form(nibbles: isNibbles)
      auxBytes = coding.auxBytes
    }

    var auxOffset: Int { TailCodes.pieceRows * stride }
    var byteCount: Int { auxOffset + TailCodes.pieceRows * auxBytes }
    /// Rows of a tail at most.
    var rowLimit: Row { Row(min(TailCodes.rowLimit, TailCodes.byteLimit / (stride + auxBytes))) }
  }

  /// The tail's codes of a collection's next version.
  ///
  /// - Parameters:
  ///   - known: The codes in the version before.
  ///   - collection: The version.
  ///   - linked: Rows that its graph contains.
  ///   - reading: What blocks are checked in.
  /// - Returns: `nil` where there is no tail, where it is too long, where queries do without the graph,
  ///   and where the tail's vectors are damaged, which a scan reports.
  /// - Complexity: O(rows that came); O(rows of the tail) where it has no codes yet.
  static func next(
    after known: TailCodes?,
    of collection: CollectionSnapshot,
    linked: Row,
    in reading: SharedReadTransaction
  ) -> TailCodes? {
    let rows = collection.rows
    let layout = PieceLayout(collection.kernels.coding)
    guard linked > 0, linked < rows, rows - linked < layout.rowLimit, rows > SearchPlan.scanRows
    else { return nil }
    let base = linked >> pieceShift
    var first = linked
    var coded = linked
    var extremes: Coding.Extremes =
      layout.isNibbles ? .nibbles(length: 0) : .bytes(step: 0, norm2: 0)
    var pieces: [AlignedMemory] = []
    if let known, known.first <= linked, linked <= known.end {
      if known.end == rows, (known.first >> pieceShift) == base { return known }
      first = max(known.first, base << pieceShift)
      coded = known.end
      extremes = known.extremes
      pieces = Array(known.pieces.dropFirst(Int(base - (known.first >> pieceShift))))
    }
    do throws(VectorStoreError) {
      let shape = collection.vectors.shape
      for block in shape.block(of: coded)..<UInt32(shape.blocks(for: rows)) where coded < rows {
        try collection.check(block: block, in: reading)
      }
    } catch {
      return nil
    }
    while (base + UInt32(pieces.count)) << pieceShift < rows {
      pieces.append(AlignedMemory(byteCount: layout.byteCount))
    }
    while coded < rows {
      let number = coded >> pieceShift
      let end = min(rows, (number + 1) << pieceShift)
      let piece = pieces[Int(number - base)]
      encode(coded..<end, of: collection, layout, into: piece)
      if layout.auxBytes > 0 {
        unsafe widen(&extremes, by: coded..<end, at: piece.base + layout.auxOffset)
      }
      coded = end
    }
    return TailCodes(
      first: first,
      end: rows,
      layout: layout,
      extremes: extremes,
      pieces: pieces
    )
  }

  /// Takes rows of one piece, whose aux rows begin at `aux`, into account.
  private static func widen(
    _ extremes: inout Coding.Extremes,
    by rows: Range<Row>,
    at aux: UnsafeRawPointer
  ) {
    for row in rows {
      let own = unsafe aux + (Int(row) & (pieceRows - 1)) * MemoryLayout<vk_aux>.stride
      switch extremes {
      case .bytes(let step, let norm2):
        let own = unsafe own.load(as: vk_aux.self)
        extremes = .bytes(step: max(step, own.scale), norm2: max(norm2, own.norm2))
      case .nibbles(let length):
        extremes = .nibbles(length: max(length, unsafe own.load(as: vk_nibble_aux.self).length))
      }
    }
  }

  /// Codes rows of one piece.
  private static func encode(
    _ rows: Range<Row>,
    of collection: CollectionSnapshot,
    _ layout: PieceLayout,
    into piece: AlignedMemory
  ) {
    let coding = collection.kernels.coding
    let vectors = collection.vectors
    var row = rows.lowerBound
    while row < rows.upperBound {
      let block = vectors.shape.block(of: row)
      let count = Int(
        min(rows.upperBound, vectors.shape.firstRow(of: block) + UInt32(vectors.shape.rows)) - row
      )
      let within = Int(row) & (pieceRows - 1)
      let target = unsafe piece.base + within * layout.stride
      let aux =
        unsafe layout.auxBytes == 0
        ? nil : piece.base + layout.auxOffset + within * layout.auxBytes
      let element = collection.record.options.element.kernel
      if layout.isNibbles {
        unsafe coding.encodeNibbles(
          from: vectors.address(of: row),
          element: element,
          rowStride: vectors.shape.stride,
          count: count,
          into: target,
          aux: aux?.assumingMemoryBound(to: vk_nibble_aux.self)
        )
      } else {
        unsafe coding.encodeRows(
          from: vectors.address(of: row),
          element: element,
          rowStride: vectors.shape.stride,
          count: count,
          codes: target,
          aux: aux?.assumingMemoryBound(to: vk_aux.self)
        )
      }
      row += UInt32(count)
    }
  }

  /// Whether the codes are 4-bit ones.
  var hasNibbles: Bool { layout.isNibbles }

  /// How far the codes of these rows may be off for rows of an order and of lower ones; see
  /// `Coding.margin`.
  func margin(_ coding: Coding, _ query: vk_code_query, order: Float) -> Float {
    unsafe coding.margin(query: query, extremes: extremes, order: order)
  }

  /// Where the rows end that lie in one piece with this one.
  func end(ofPieceWith row: Row) -> Row {
    min(end, ((row >> Self.pieceShift) + 1) << Self.pieceShift)
  }

  /// Scores rows of one piece.
  ///
  /// - Parameters:
  ///   - rows: Rows within `first..<end`.
  ///   - query: A query in the form of the codes.
  ///   - keys: Gets the key of each row, from the first element on.
  func score(_ rows: Range<Row>, _ query: vk_code_query, into keys: inout [UInt32]) {
    precondition(first <= rows.lowerBound && rows.upperBound <= end, "\(rows) in \(first)..<\(end)")
    precondition(rows.count <= keys.count, "\(rows.count) keys in \(keys.count)")
    let piece = pieces[Int((rows.lowerBound >> Self.pieceShift) - (first >> Self.pieceShift))]
    let within = Int(rows.lowerBound) & (Self.pieceRows - 1)
    precondition(within + rows.count <= Self.pieceRows, "\(rows) are of two pieces")
    unsafe withUnsafePointer(to: piece.address) { directory in
      let codes = unsafe vk_codes(
        directory: directory,
        shift: Self.pieceShift,
        stride: UInt32(layout.stride),
        form: layout.form,
        aux_offset: UInt32(layout.auxOffset)
      )
      unsafe withUnsafePointer(to: codes) { codes in
        unsafe withUnsafePointer(to: query) { query in
          unsafe Self.offsets.withUnsafeBufferPointer { offsets in
            unsafe keys.withUnsafeMutableBufferPointer { keys in
              guard let offsets = offsets.baseAddress, let keys = keys.baseAddress else { return }
              unsafe vk_score_codes(codes, query, offsets + within, rows.count, keys)
            }
          }
        }
      }
    }
  }
}
