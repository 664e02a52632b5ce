import Foundation
import TestSupport
import Testing
import VDB

@Suite struct `A bad batch` {
  /// What is inserted into a collection of dimension 4, and what must come of it.
  struct Case: CustomTestStringConvertible {
    let testDescription: String
    var metric = Metric.cosine
    var element = ElementType.float32
    /// The second record's vector.
    var vector: [Float] = [0, 1, 0, 1]
    var id: RecordID = "second"
    var metadata: Metadata = [:]
    var document: String?
    var model: String?
    let error: VectorStoreError
    /// Numbers that the description must name.
    let says: [String]
  }

  static let cases: [Case] =
    [
      Case(
        testDescription: "a vector that is too short",
        vector: [1, 2, 3],
        error: .dimensionMismatch(expected: 4, actual: 3, row: 1),
        says: ["Row 1", "3", "4"]
      ),
      Case(
        testDescription: "an empty vector",
        vector: [],
        error: .dimensionMismatch(expected: 4, actual: 0, row: 1),
        says: ["Row 1", "0", "4"]
      ),
      Case(
        testDescription: "a number too large for half precision",
        element: .float16,
        vector: [1, 65_520, 0, 0],
        error: .notFinite(row: 1, component: 1),
        says: ["Row 1", "component 1"]
      ),
      Case(
        testDescription: "a zero vector under cosine",
        vector: [0, -0, 0, 0],
        error: .zeroVector(row: 1),
        says: ["Row 1"]
      ),
      Case(
        testDescription: "a vector too short to have a direction",
        vector: [1e-30, 0, 0, 0],
        error: .zeroVector(row: 1),
        says: ["Row 1"]
      ),
      Case(
        testDescription: "a vector that is zero in half precision",
        element: .float16,
        vector: [1e-12, 0, 0, 0],
        error: .zeroVector(row: 1),
        says: ["Row 1"]
      ),
      Case(
        testDescription: "a fraction under l2 int8",
        metric: .l2,
        element: .int8,
        vector: [1, 2, 3.5, 4],
        error: .notInt8(row: 1, component: 2),
        says: ["Row 1", "component 2", "-128", "127"]
      ),
      Case(
        testDescription: "a number over 127 under dot int8",
        metric: .dot,
        element: .int8,
        vector: [1, 128, 3, 4],
        error: .notInt8(row: 1, component: 1),
        says: ["Row 1", "component 1"]
      ),
      Case(
        testDescription: "an id twice",
        id: "first",
        error: .duplicateIDInBatch(id: "first", first: 0, second: 1),
        says: ["0", "1", "first"]
      ),
      Case(
        testDescription: "an empty id",
        id: "",
        error: .invalidID(row: 1, byteCount: 0),
        says: ["Row 1", "480", "0"]
      ),
      Case(
        testDescription: "an id of 481 bytes",
        id: .string(String(repeating: "é", count: 240) + "x"),
        error: .invalidID(row: 1, byteCount: 481),
        says: ["Row 1", "480", "481"]
      ),
      Case(
        testDescription: "another model",
        model: "model-b",
        error: .modelMismatch(collection: "c", existing: "model-a", requested: "model-b"),
        says: ["model-a", "model-b"]
      ),
      Case(
        testDescription: "a document of more than 16 MiB",
        document: String(repeating: "x", count: VDBLimits.documentBytes + 1),
        error: .documentTooLarge(row: 1, byteCount: VDBLimits.documentBytes + 1),
        says: ["Row 1", "16777217", "16777216"]
      ),
    ] + ElementType.allCases.flatMap(unusable)

  /// Numbers that are none, for every metric.
  static func unusable(_ element: ElementType) -> [Case] {
    [Float.nan, .infinity, -.infinity].flatMap { value in
      Metric.allCases.map { metric in
        Case(
          testDescription: "\(value) under \(metric) \(element)",
          metric: metric,
          element: element,
          vector: [1, 2, 3, value],
          error: .notFinite(row: 1, component: 3),
          says: ["Row 1", "component 3"]
        )
      }
    }
  }

  @Test(arguments: cases, [InsertMode.insert, .upsert])
  func `is refused whole, with its reason`(_ bad: Case, _ mode: InsertMode) async throws {
    try await withStore { store in
      try await store.createCollection(
        "c",
        CollectionOptions(dimension: 4, metric: bad.metric, element: bad.element, model: "model-a")
      )
      try await store.insertBatch([Record(id: "there", vector: [1, 2, 3, 4])], into: "c")
      let records = [
        Record(id: "first", vector: [4, 3, 2, 1]),
        Record(
          id: bad.id,
          vector: bad.vector,
          metadata: bad.metadata,
          document: bad.document
        ),
      ]
      try await expectRefusal(of: store, bad.error, saying: bad.says) {
        try await store.insertBatch(records, into: "c", mode: mode, model: bad.model)
      }
      // What is right is taken afterwards.
      let receipt = try await store.insertBatch(records.prefix(1) + [], into: "c")
      #expect(receipt.last == SequenceNumber(2))
    }
  }

  static let metadata: [(name: String, value: MetadataValue, says: String)] = [
    ("text over the limit", .string(String(repeating: "x", count: 65_537)), "65536"),
    (
      "much in all",
      .array(Array(repeating: .string(String(repeating: "x", count: 999)), count: 99)),
      "65536"
    ),
    ("not a number", .double(.nan), "finite"),
    ("infinite, within an array", [1, [.double(.infinity)]], "finite"),
    ("a date that is none", .date(Date(timeIntervalSince1970: .infinity)), "finite"),
    ("nested 33 deep", (0..<33).reduce(.int(1)) { value, _ in .array([value]) }, "32"),
  ]

  @Test(arguments: metadata)
  func `with metadata that cannot be kept is refused`(
    _ name: String,
    _ value: MetadataValue,
    _ says: String
  ) async throws {
    try await withStore { store in
      try await store.createCollection("c", CollectionOptions(dimension: 1))
      let before = try Contents(store)
      let error = await #expect(throws: VectorStoreError.self) {
        let record = Record(id: 2, vector: [1], metadata: ["field": value])
        try await store.insertBatch([Record(id: 1, vector: [1]), record], into: "c")
      }
      guard case .invalidMetadata(row: 1, let reason) = error else {
        Issue.record("\(name): \(String(describing: error))")
        return
      }
      #expect(reason.contains(says))
      #expect(try Contents(store) == before)
    }
  }

  @Test func `whose columns differ in length is refused`() async throws {
    try await withStore { store in
      try await store.createCollection("c", CollectionOptions(dimension: 2))
      let rows = VectorRows(.float32([1, 2, 3, 4]), dimension: 2)
      let batches: [(RecordBatch, VectorStoreError)] = [
        (RecordBatch(ids: [1], vectors: rows), .invalidBatch(reason: "1 ids for 2 vectors")),
        (
          RecordBatch(ids: [1, 2], vectors: rows, metadata: [[:]]),
          .invalidBatch(reason: "2 ids for 1 metadata")
        ),
        (
          RecordBatch(ids: [1, 2], vectors: rows, documents: [nil, nil, "x"]),
          .invalidBatch(reason: "2 ids for 3 documents")
        ),
        (
          RecordBatch(ids: [1], vectors: VectorRows(.float32([1, 2, 3, 4]), dimension: 4)),
          .dimensionMismatch(expected: 2, actual: 4, row: nil)
        ),
      ]
      for (batch, error) in batches {
        try await expectRefusal(of: store, error) { try await store.insertBatch(batch, into: "c") }
      }
    }
  }

  @Test func `of nothing is no error and changes nothing`() async throws {
    try await withStore { store in
      try await store.createCollection("c", CollectionOptions(dimension: 2))
      let before = try Contents(store)
      let none: [Record] = []
      let receipt = try await store.insertBatch(none, into: "c")
      #expect(receipt.sequences == nil && receipt.inserted == 0 && receipt.last.value == 0)
      #expect(try await store.delete(ids: [], from: "c").sequences == nil)
      #expect(try await store.delete(ids: ["unknown"], from: "c").sequences == nil)
      let empty = RecordBatch(ids: [], vectors: VectorRows(.float32([]), dimension: 7))
      #expect(try await store.insertBatch(empty, into: "c").sequences == nil)
      #expect(try Contents(store) == before)
    }
  }

  @Test func `does no harm to the batches that are committed with it`() async throws {
    try await withStore { store in
      try await store.createCollection("c", CollectionOptions(dimension: 1, metric: .l2))
      try await store.insertBatch([Record(id: -1, vector: [0])], into: "c")
      let outcomes = await withTaskGroup(of: Bool.self) { group in
        for number in 0..<40 {
          group.addTask {
            let id: RecordID = number.isMultiple(of: 2) ? -1 : .integer(Int64(number))
            do {
              try await store.insertBatch([Record(id: id, vector: [Float(number)])], into: "c")
              return true
            } catch {
              return false
            }
          }
        }
        return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
      }
      #expect(outcomes == 20)
      #expect(try store.count(in: "c") == 21)
      #expect(try store.verify(.deep).problems == [])
    }
  }

  @Test(arguments: Metric.allCases, [Float(1e18), 1e19, 1e30, .greatestFiniteMagnitude])
  func `of huge numbers is refused, or found like any other`(
    _ metric: Metric,
    _ size: Float
  ) async throws {
    try await withStore { store in
      try await store.createCollection("c", CollectionOptions(dimension: 4, metric: metric))
      try await store.insertBatch(Numbered.records(0..<1500, dimension: 4), into: "c")
      let record = Record(id: "huge", vector: [size, 0, 0, size])
      do throws(VectorStoreError) {
        try await store.insertBatch([record], into: "c")
      } catch {
        guard case .notFinite(row: 0, component: _) = error else { throw error }
        return
      }
      try await store.index("c")
      for exact in [true, false] {
        let hits = try store.search(record.vector, in: "c", limit: 1, exact: exact)
        #expect(hits.map(\.id) == ["huge"])
        #expect(try store.search([1, 0, 0, 1], in: "c", limit: 2000, exact: exact).count == 1501)
      }
    }
  }
}
