import VectorKernels

/// What the store knows of one collection on disk: its options and how far each derived part has come.
struct CollectionRecord: Equatable, Sendable {
  let id: CollectionID
  let options: CollectionOptions
  /// How the codes of all its rows are rounded: codes of both kinds do not go together.
  let rounding: Coding.Rounding
  /// Which codes its rows have.
  let widths: Coding.Widths
  let createdSeconds: UInt64
  /// The next row's number; rows below it are committed.
  var nextRow: Row = 0
  var live: UInt32 = 0
  /// Rows below it are in `vectors`; the rest is in the WAL.
  var sealed: Row = 0
  /// Rows below it are in `codes`.
  var coded: Row = 0
  /// Rows below it are in the graph on disk.
  var linked: Row = 0
  /// Ids of rows below it are in `ids`.
  var merged: Row = 0
  var graphGeneration: UInt32 = 0
  var graphSlices: UInt32 = 0
  var digest: UInt64 = 0
  /// Over the entries of `ids`, so that one that is missing is noticed.
  var idsDigest: UInt64 = 0
  /// Nodes of each layer of the graph on disk, bottom first.
  var layerNodes: [UInt32] = []

  init(
    id: CollectionID,
    options: CollectionOptions,
    rounding: Coding.Rounding = .keepingLength,
    widths: Coding.Widths? = nil,
    createdSeconds: UInt64
  ) {
    self.id = id
    self.options = options
    self.rounding = rounding
    self.widths = widths ?? .usual(dimension: options.dimension)
    self.createdSeconds = createdSeconds
    precondition(self.widths != .nibbles || rounding == .keepingLength, "no coding is of this kind")
  }

  /// What a record adds to the digest; the sum over all rows does not depend on their order.
  static func digestTerm(row: Row, checksum: UInt32) -> UInt64 {
    var z = UInt64(row) << 32 | UInt64(checksum)
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}

extension CollectionRecord {
  static let maxLayers = 16

  /// Which codes the collection's rows have: 0 none, 1 8-bit ones, 2 also 4-bit ones; 3 and 4 the same,
  /// rounded so that they keep lengths; 5 4-bit ones alone, which keep lengths.
  private var codingNumber: UInt8 {
    if !options.hasVectors { return 0 }
    let keepsLength = rounding == .keepingLength
    switch widths {
    case .bytes: return keepsLength ? 3 : 1
    case .both: return keepsLength ? 4 : 2
    case .nibbles: return 5
    }
  }

  /// Whether some version made collections of such vectors with these widths.
  private var areWidthsPossible: Bool {
    let isLong = Coding.Widths.usual(dimension: options.dimension) == .nibbles
    switch widths {
    case .bytes: return !isLong || options.metric != .cosine
    case .both: return isLong && options.metric == .cosine
    case .nibbles: return isLong
    }
  }

  func encoded() -> [UInt8] {
    var writer = ByteWriter(capacity: 160)
    writer.put(id.number)
    writer.put(UInt32(options.dimension))
    writer.put(options.metric.code)
    writer.put(options.element.code)
    writer.put(options.indexing.code)
    writer.put(codingNumber)
    writer.put(UInt16(options.index.m))
    writer.put(UInt16(options.index.efConstruction))
    writer.put(options.index.seed)
    writer.put(createdSeconds)
    for number in [nextRow, live, sealed, coded, linked, merged, graphGeneration, graphSlices] {
      writer.put(number)
    }
    writer.put(digest)
    writer.put(idsDigest)
    writer.put(UInt8(layerNodes.count))
    writer.put(contentsOf: [0, 0, 0])
    for nodes in layerNodes { writer.put(nodes) }
    let model = Array((options.model ?? "").utf8)
    writer.put(UInt16(model.count))
    writer.put(contentsOf: model)
    return writer.bytes
  }

  init(decoding body: UnsafeRawBufferPointer) throws(MalformedBytes) {
    var reader = unsafe ByteReader(body)
    let number = try reader.take(UInt32.self)
    let dimension = Int(try reader.take(UInt32.self))
    guard VDBLimits.dimension.contains(dimension) else {
      throw MalformedBytes("dimension \(dimension)")
    }
    let metric = try Metric(code: reader.take(UInt8.self))
    let element = try ElementType(code: reader.take(UInt8.self))
    let indexing = try IndexingMode(code: reader.take(UInt8.self))
    let coding = try reader.take(UInt8.self)
    let m = Int(try reader.take(UInt16.self))
    let efConstruction = Int(try reader.take(UInt16.self))
    let seed = try reader.take(UInt64.self)
    let created = try reader.take(UInt64.self)
    var marks: [UInt32] = []
    for _ in 0..<8 { marks.append(try reader.take(UInt32.self)) }
    let digest = try reader.take(UInt64.self)
    let idsDigest = try reader.take(UInt64.self)
    let layers = Int(try reader.take(UInt8.self))
    _ = unsafe try reader.take(count: 3)
    guard layers <= Self.maxLayers else { throw MalformedBytes("\(layers) layers") }
    var layerNodes: [UInt32] = []
    for _ in 0..<layers { layerNodes.append(try reader.take(UInt32.self)) }
    let model = try reader.takeString(count: Int(reader.take(UInt16.self)))
    try reader.expectEnd()
    self.init(
      id: CollectionID(number: number),
      options: CollectionOptions(
        dimension: dimension,
        metric: metric,
        element: element,
        index: IndexParameters(m: m, efConstruction: efConstruction, seed: seed),
        indexing: indexing,
        model: model.isEmpty ? nil : model
      ),
      rounding: coding == 1 || coding == 2 ? .nearest : .keepingLength,
      widths: coding == 5 ? .nibbles : coding == 2 || coding == 4 ? .both : .bytes,
      createdSeconds: created
    )
    guard coding == codingNumber, !options.hasVectors || areWidthsPossible else {
      throw MalformedBytes("coding \(coding)")
    }
    (nextRow, live, sealed, coded) = (marks[0], marks[1], marks[2], marks[3])
    (linked, merged, graphGeneration, graphSlices) = (marks[4], marks[5], marks[6], marks[7])
    self.digest = digest
    self.idsDigest = idsDigest
    self.layerNodes = layerNodes
    try checkWatermarks()
  }

  /// I7, as far as the record alone can say.
  func checkWatermarks() throws(MalformedBytes) {
    guard linked <= sealed, coded <= sealed, sealed <= nextRow, merged <= nextRow, live <= nextRow,
      nextRow <= UInt32(VDBLimits.rows), (layerNodes.first ?? 0) == linked,
      (graphGeneration == 0) == (linked == 0), (4...64).contains(options.index.m),
      options.hasVectors || sealed == 0
    else { throw MalformedBytes("its watermarks contradict each other") }
  }
}

extension Metric {
  var code: UInt8 {
    switch self {
    case .cosine: 0
    case .dot: 1
    case .l2: 2
    }
  }

  init(code: UInt8) throws(MalformedBytes) {
    guard let value = Self.allCases.first(where: { $0.code == code }) else {
      throw MalformedBytes("metric \(code)")
    }
    self = value
  }
}

extension ElementType {
  var code: UInt8 {
    switch self {
    case .float32: 0
    case .float16: 1
    case .int8: 2
    }
  }

  /// Bytes of one number.
  var byteCount: Int {
    switch self {
    case .float32: 4
    case .float16: 2
    case .int8: 1
    }
  }

  init(code: UInt8) throws(MalformedBytes) {
    guard let value = Self.allCases.first(where: { $0.code == code }) else {
      throw MalformedBytes("element type \(code)")
    }
    self = value
  }
}

extension IndexingMode {
  var code: UInt8 {
    switch self {
    case .background: 0
    case .immediate: 1
    case .manual: 2
    }
  }

  init(code: UInt8) throws(MalformedBytes) {
    guard let value = Self.allCases.first(where: { $0.code == code }) else {
      throw MalformedBytes("indexing mode \(code)")
    }
    self = value
  }
}
