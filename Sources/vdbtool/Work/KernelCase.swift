import CVectorKernels
import VectorKernels

/// One kernel with what it needs to run over a memory's rows.
struct KernelCase {
  let name: String
  /// What the memory is filled with.
  let element: ElementType
  /// Bytes that one row takes, and that the kernel reads of it.
  let rowBytes: Int
  /// Runs over the first `rows` rows.
  let run: (_ memory: KernelMemory, _ rows: Int) -> Void

  /// All kernels, for vectors of `dimension` numbers.
  static func all(dimension: Int) -> [KernelCase] {
    var cases: [KernelCase] = []
    for metric in [Metric.dot, .l2, .cosine] {
      for element in [ElementType.float32, .float16, .int8] {
        cases.append(fullPrecision(metric, element, dimension))
      }
    }
    let cosine = Coding(metric: .cosine, dimension: dimension, seed: 1)
    cases.append(codes("8-bit codes, cosine", cosine, isScattered: false))
    cases.append(codes("8-bit codes, l2", l2(dimension), isScattered: false))
    cases.append(codes("8-bit codes, cosine, scattered", cosine, isScattered: true))
    cases.append(nibbles("4-bit codes, cosine", cosine, isScattered: false))
    cases.append(nibbles("4-bit codes, l2", l2(dimension), isScattered: false))
    cases.append(nibbles("4-bit codes, cosine, scattered", cosine, isScattered: true))
    cases.append(
      KernelCase(name: "checksum", element: .int8, rowBytes: 4096) { memory, rows in
        _ = unsafe Checksum.crc32c(UnsafeRawBufferPointer(start: memory.base, count: rows * 4096))
      }
    )
    return cases
  }

  private static func l2(_ dimension: Int) -> Coding {
    Coding(metric: .l2, dimension: dimension, seed: 1)
  }

  private static func fullPrecision(
    _ metric: Metric,
    _ element: ElementType,
    _ dimension: Int
  ) -> KernelCase {
    let kernels = FullPrecision(metric: metric, element: element, dimension: dimension)
    // Whole numbers, with which bytes are compared in integers.
    let values = (0..<dimension).map { Float($0 % 9 - 4) }
    let query = kernels.prepare(values.span)
    let output = Output<Float>()
    return KernelCase(
      name: "\(metric), \(element)",
      element: element,
      rowBytes: kernels.rowBytes
    ) { memory, rows in
      unsafe output.with(count: rows) { distances in
        unsafe kernels.distances(
          query,
          base: memory.base,
          stride: kernels.rowBytes,
          count: rows,
          after: memory.base,
          into: distances
        )
      }
    }
  }

  private static func codes(_ name: String, _ coding: Coding, isScattered: Bool) -> KernelCase {
    scoring(name, CodeScoring(coding, isNibbles: false, isScattered: isScattered))
  }

  private static func nibbles(_ name: String, _ coding: Coding, isScattered: Bool) -> KernelCase {
    scoring(name, CodeScoring(coding, isNibbles: true, isScattered: isScattered))
  }

  private static func scoring(_ name: String, _ scoring: CodeScoring) -> KernelCase {
    KernelCase(name: name, element: .int8, rowBytes: scoring.rowBytes) { memory, rows in
      scoring.run(memory, rows)
    }
  }
}

/// Scores codes in batches of a walk's size, in order or scattered; scattered ones are asked for one
/// batch ahead, as in a walk.
///
/// Safe: the query points into the buffer beside it, and the codes are addressed within one call.
@safe private final class CodeScoring {
  private static let batch = 32

  let rowBytes: Int
  private let stride: Int
  private let form: UInt32
  private let isScattered: Bool
  private let buffer: CodeQueryBuffer
  private let query: vk_code_query
  private let order = RowOrder()
  private let output = Output<UInt32>()

  init(_ coding: Coding, isNibbles: Bool, isScattered: Bool) {
    let nibbleStride = Int(vk_nibble_stride(UInt32(coding.stride)))
    stride = isNibbles ? nibbleStride : coding.stride
    rowBytes = stride + coding.auxBytes
    form = coding.form(nibbles: isNibbles)
    self.isScattered = isScattered
    buffer = Self.query(coding, stride: max(coding.queryStride, 2 * nibbleStride))
    unsafe query = unsafe isNibbles ? coding.nibbleQuery(buffer) : buffer.query
  }

  private static func query(_ coding: Coding, stride: Int) -> CodeQueryBuffer {
    let buffer = CodeQueryBuffer(stride: stride)
    let values = (0..<coding.dimension).map { Float($0 % 7) - 2.5 }
    coding.encodeQuery(values.span, into: buffer)
    return buffer
  }

  func run(_ memory: KernelMemory, _ rows: Int) {
    let directory = [UInt64(UInt(bitPattern: unsafe memory.base))]
    unsafe directory.withUnsafeBufferPointer { directory in
      let codes = unsafe vk_codes(
        directory: directory.baseAddress,
        shift: 31,
        stride: UInt32(stride),
        form: form,
        aux_offset: UInt32(truncatingIfNeeded: rows * stride)
      )
      unsafe order.with(count: rows, isScattered: isScattered) { numbers in
        unsafe output.with(count: rows) { keys in
          unsafe withUnsafePointer(to: codes) { codes in
            unsafe withUnsafePointer(to: query) { query in
              unsafe score(codes, query, numbers, rows, keys)
            }
          }
        }
      }
    }
  }

  private func score(
    _ codes: UnsafePointer<vk_codes>,
    _ query: UnsafePointer<vk_code_query>,
    _ numbers: UnsafePointer<UInt32>,
    _ rows: Int,
    _ keys: UnsafeMutablePointer<UInt32>
  ) {
    var first = 0
    while first < rows {
      let count = min(Self.batch, rows - first)
      if isScattered {
        for ahead in min(rows, first + Self.batch)..<min(rows, first + 2 * Self.batch) {
          unsafe vk_prefetch_code(codes, numbers[ahead])
        }
      }
      unsafe vk_score_codes(codes, query, numbers + first, count, keys + first)
      first += count
    }
  }
}

/// Results nobody reads, kept between runs.
private final class Output<Number: BitwiseCopyable & ExpressibleByIntegerLiteral> {
  private var numbers: [Number] = []

  func with(count: Int, _ body: (UnsafeMutablePointer<Number>) -> Void) {
    if numbers.count < count { numbers = [Number](repeating: 0, count: count) }
    unsafe numbers.withUnsafeMutableBufferPointer {
      if let base = $0.baseAddress { unsafe body(base) }
    }
  }
}

/// Row numbers in order or in an arbitrary one, kept between runs.
private final class RowOrder {
  private var numbers: [UInt32] = []

  func with(count: Int, isScattered: Bool, _ body: (UnsafePointer<UInt32>) -> Void) {
    if numbers.count != count {
      numbers = Array(0..<UInt32(count))
      if isScattered {
        var generator = SplitMix(state: 1)
        numbers.shuffle(using: &generator)
      }
    }
    unsafe numbers.withUnsafeBufferPointer {
      if let base = $0.baseAddress { unsafe body(base) }
    }
  }
}

/// The same order in every run.
private struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
