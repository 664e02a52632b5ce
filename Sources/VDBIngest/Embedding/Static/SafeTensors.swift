/// The header of a `.safetensors` file: which tensors it has, and where.
///
/// The form: 8 bytes with the header's length, little-endian; the header, a JSON object; then the bytes
/// of all tensors without gaps. Source: the format's description in the repository
/// huggingface/safetensors; what it forbids is refused here.
struct SafeTensors {
  /// The element types that an embedding table may have.
  enum Element: String {
    case int8 = "I8"
    case float16 = "F16"
    case float32 = "F32"

    var byteCount: Int {
      switch self {
      case .int8: 1
      case .float16: 2
      case .float32: 4
      }
    }
  }

  /// One tensor; its `range` counts bytes of the whole file.
  struct Tensor: Hashable {
    let type: String
    let shape: [Int]
    let range: Range<Int>
  }

  let tensors: [String: Tensor]

  /// The longest header that the format allows.
  static let headerLimit = 100_000_000

  /// Reads and checks the header of the file whose bytes are `file`.
  ///
  /// - Throws: the place and what is wrong there.
  init(_ file: Span<UInt8>) throws(JSONFault) {
    guard file.count >= 8 else {
      throw JSONFault(offset: 0, reason: "\(file.count) bytes are too few for a header")
    }
    var length: UInt64 = 0
    for index in 0..<8 { length |= UInt64(file[index]) << UInt64(8 * index) }
    guard length <= UInt64(min(Self.headerLimit, file.count - 8)) else {
      throw JSONFault(
        offset: 0,
        reason: "a header of \(length) bytes does not fit the file of \(file.count) bytes"
      )
    }
    let start = 8 + Int(length)
    guard length > 0, file[8] == UInt8(ascii: "{") else {
      throw JSONFault(offset: 8, reason: "the header does not begin with '{'")
    }
    let header: ModelJSON
    do throws(JSONFault) {
      header = try ModelJSON(file.extracting(8..<start))
    } catch {
      throw JSONFault(offset: 8 + error.offset, reason: error.reason)
    }
    var tensors: [String: Tensor] = [:]
    for (name, value) in header.object ?? [:] where name != "__metadata__" {
      do {
        tensors[name] = try Self.tensor(value, dataStart: start, fileCount: file.count)
      } catch {
        throw JSONFault(offset: 8, reason: "the tensor \"\(name)\" \(error.reason)")
      }
    }
    try Self.checkLayout(tensors, dataStart: start, fileCount: file.count)
    self.tensors = tensors
  }

  private static func tensor(
    _ value: ModelJSON,
    dataStart: Int,
    fileCount: Int
  ) throws(JSONFault) -> Tensor {
    func fault(_ reason: String) -> JSONFault { JSONFault(offset: 8, reason: reason) }
    guard let type = value["dtype"]?.string else { throw fault("has no dtype") }
    guard let sizes = value["shape"]?.array else { throw fault("has no shape") }
    var shape: [Int] = []
    for size in sizes {
      guard let count = size.count else { throw fault("has a shape that is not of whole numbers") }
      shape.append(count)
    }
    guard let offsets = value["data_offsets"]?.array, offsets.count == 2,
      let begin = offsets[0].count, let end = offsets[1].count
    else { throw fault("has no two data_offsets") }
    guard begin <= end, end <= fileCount - dataStart else {
      throw fault(
        "lies at \(begin) to \(end), outside the file's \(fileCount - dataStart) bytes of data"
      )
    }
    if let element = Element(rawValue: type) {
      guard let bytes = product(shape + [element.byteCount]), bytes == end - begin else {
        throw fault("has the shape \(shape) of \(type), which \(end - begin) bytes do not hold")
      }
    }
    return Tensor(type: type, shape: shape, range: dataStart + begin..<dataStart + end)
  }

  /// The product, or `nil` if it does not fit.
  private static func product(_ factors: [Int]) -> Int? {
    var product = 1
    for factor in factors {
      let (next, overflow) = product.multipliedReportingOverflow(by: factor)
      if overflow { return nil }
      product = next
    }
    return product
  }

  /// Every byte of the data belongs to exactly one tensor.
  private static func checkLayout(
    _ tensors: [String: Tensor],
    dataStart: Int,
    fileCount: Int
  ) throws(JSONFault) {
    var end = dataStart
    let ordered = tensors.values.sorted {
      ($0.range.lowerBound, $0.range.upperBound) < ($1.range.lowerBound, $1.range.upperBound)
    }
    for tensor in ordered {
      guard tensor.range.lowerBound == end else {
        let what =
          tensor.range.lowerBound < end ? "two tensors share bytes" : "no tensor has the bytes"
        throw JSONFault(offset: min(end, tensor.range.lowerBound), reason: "\(what) from here on")
      }
      end = tensor.range.upperBound
    }
    guard end == fileCount else {
      throw JSONFault(offset: end, reason: "\(fileCount - end) bytes belong to no tensor")
    }
  }
}
