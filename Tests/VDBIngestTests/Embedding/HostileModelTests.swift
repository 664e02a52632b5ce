import Foundation
import TestSupport
import Testing

@testable import VDBIngest

/// A model folder with one thing wrong, and what the error has to say about it.
struct HostileModel: Sendable, CustomTestStringConvertible {
  let testDescription: String
  let expected: String
  let model: TestModel

  init(_ name: String, _ expected: String, _ change: (inout TestModel) -> Void) {
    testDescription = name
    self.expected = expected
    var model = TestModel()
    change(&model)
    self.model = model
  }

  /// A table with this header and 36 bytes of data, or as many as given.
  static func table(
    _ name: String,
    _ expected: String,
    _ header: String,
    data: Int = 36
  ) -> HostileModel {
    HostileModel(name, expected) {
      $0.table = TestModel.safetensors(header, [UInt8](repeating: 1, count: data))
    }
  }

  static func vocabulary(_ name: String, _ expected: String, _ text: String) -> HostileModel {
    HostileModel(name, expected) { $0.vocabulary = Bytes(text) }
  }

  static func configuration(_ name: String, _ expected: String, _ text: String) -> HostileModel {
    HostileModel(name, expected) { $0.configuration = Bytes(text) }
  }

  static func tokenizer(_ name: String, _ expected: String, _ text: String) -> HostileModel {
    HostileModel(name, expected) {
      $0.vocabulary = nil
      $0.tokenizer = Bytes(text)
    }
  }
}

private let plain = #"{"dtype":"I8","shape":[12,3],"data_offsets":[0,36]}"#

private let tables: [HostileModel] = [
  HostileModel("empty table", "0 bytes are too few") { $0.table = Bytes() },
  HostileModel("seven bytes", "7 bytes are too few") { $0.table = Bytes([1, 0, 0, 0, 0, 0, 0]) },
  HostileModel("header longer than the file", "does not fit the file") {
    $0.table = TestModel.safetensors("{}", [], length: 1_000)
  },
  HostileModel("header length of 2^64 - 1", "a header of 18446744073709551615 bytes") {
    $0.table = TestModel.safetensors("{}", [], length: .max)
  },
  HostileModel("header length of 2^63", "does not fit the file") {
    $0.table = TestModel.safetensors("{}", [], length: 1 << 63)
  },
  HostileModel("header length of 0", "does not begin with '{'") {
    $0.table = TestModel.safetensors("", [1, 2, 3])
  },
  .table("header is an array", "does not begin with '{'", "[]"),
  .table(
    "header is cut off",
    "expected a digit, found the end",
    #"{"embeddings":{"dtype":"I8","shape":[12,"#
  ),
  .table("bytes after the header's end", "goes on after its end", "{} {}"),
  .table(
    "the same tensor twice",
    "stands twice",
    #"{"embeddings":\#(plain),"embeddings":\#(plain)}"#
  ),
  .table(
    "deep nesting",
    "levels of nesting",
    #"{"embeddings":"# + String(repeating: "[", count: 100_000)
  ),
  HostileModel("a key that is not UTF-8", "is not UTF-8") {
    $0.table = Bytes().adding(UInt64(4)).adding([0x7B, 0x22, 0xFF, 0x22] as [UInt8])
  },
  .table(
    "a control character in a string",
    "control character 0x1",
    "{\"embeddings\":{\"dtype\":\"\u{1}\"}}"
  ),
  .table("no tensors", "bytes belong to no tensor", "{}"),
  .table(
    "another name",
    "no tensor \"embeddings\"",
    #"{"weights":{"dtype":"I8","shape":[12,3],"data_offsets":[0,36]}}"#
  ),
  .table("no dtype", "has no dtype", #"{"embeddings":{"shape":[12,3],"data_offsets":[0,36]}}"#),
  .table("no shape", "has no shape", #"{"embeddings":{"dtype":"I8","data_offsets":[0,36]}}"#),
  .table("no offsets", "has no two data_offsets", #"{"embeddings":{"dtype":"I8","shape":[12,3]}}"#),
  .table(
    "three offsets",
    "has no two data_offsets",
    #"{"embeddings":{"dtype":"I8","shape":[12,3],"data_offsets":[0,36,36]}}"#
  ),
  .table(
    "a type that is not read",
    "is of type BF16",
    #"{"embeddings":{"dtype":"BF16","shape":[6,3],"data_offsets":[0,36]}}"#
  ),
  .table(
    "negative shape",
    "not of whole numbers",
    #"{"embeddings":{"dtype":"I8","shape":[-12,-3],"data_offsets":[0,36]}}"#
  ),
  .table(
    "fractional shape",
    "not of whole numbers",
    #"{"embeddings":{"dtype":"I8","shape":[12.0,3],"data_offsets":[0,36]}}"#
  ),
  .table(
    "shape that overflows",
    "bytes do not hold",
    #"{"embeddings":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,36]}}"#
  ),
  .table(
    "shape larger than the data",
    "bytes do not hold",
    #"{"embeddings":{"dtype":"F32","shape":[12,3],"data_offsets":[0,36]}}"#
  ),
  .table(
    "offsets outside the file",
    "outside the file's",
    #"{"embeddings":{"dtype":"I8","shape":[12,3],"data_offsets":[1,37]}}"#
  ),
  .table(
    "offsets backwards",
    "outside the file's",
    #"{"embeddings":{"dtype":"I8","shape":[12,3],"data_offsets":[36,0]}}"#
  ),
  .table(
    "offsets of 2^63",
    "has no two data_offsets",
    #"{"embeddings":{"dtype":"I8","shape":[12,3],"data_offsets":[0,9223372036854775808]}}"#
  ),
  .table(
    "data after the tensor",
    "1 bytes belong to no tensor",
    #"{"embeddings":\#(plain)}"#,
    data: 37
  ),
  .table(
    "tensors that share bytes",
    "share bytes",
    #"{"embeddings":\#(plain),"more":{"dtype":"I8","shape":[2],"data_offsets":[34,36]}}"#
  ),
  .table(
    "a gap before the tensor",
    "no tensor has the bytes",
    #"{"embeddings":{"dtype":"I8","shape":[12,3],"data_offsets":[4,40]}}"#,
    data: 40
  ),
  .table(
    "weights beside the table",
    "\"weights\" would change",
    #"{"embeddings":\#(plain),"weights":{"dtype":"I8","shape":[12],"data_offsets":[36,48]}}"#,
    data: 48
  ),
  .table(
    "one axis",
    "has the shape [36]",
    #"{"embeddings":{"dtype":"I8","shape":[36],"data_offsets":[0,36]}}"#
  ),
  .table(
    "no columns",
    "has the shape [12, 0]",
    #"{"embeddings":{"dtype":"I8","shape":[12,0],"data_offsets":[0,0]}}"#,
    data: 0
  ),
  .table(
    "fewer rows than tokens",
    "do not fit the 12 tokens",
    #"{"embeddings":{"dtype":"I8","shape":[11,3],"data_offsets":[0,33]}}"#,
    data: 33
  ),
  .table(
    "another dimension than the configuration",
    "do not fit the hidden_dim",
    #"{"embeddings":{"dtype":"I8","shape":[12,4],"data_offsets":[0,48]}}"#,
    data: 48
  ),
  HostileModel("NaN in the table", "row 11 has a number that is NaN") {
    $0.table = TestModel.safetensors(
      #"{"embeddings":{"dtype":"F32","shape":[12,3],"data_offsets":[0,144]}}"#,
      Bytes().adding([Float](repeating: 1, count: 35) + [.nan]).data
    )
  },
  HostileModel("infinity in half precision", "row 0 has a number that is NaN") {
    $0.table = TestModel.safetensors(
      #"{"embeddings":{"dtype":"F16","shape":[12,3],"data_offsets":[0,72]}}"#,
      (0..<36).reduce(Bytes()) { bytes, _ in bytes.adding(UInt16(0x7C00)) }.data
    )
  },
]

private let bert =
  #""normalizer":{"type":"BertNormalizer","lowercase":true},"pre_tokenizer":{"type":"BertPreTokenizer"}"#

private let others: [HostileModel] = [
  .vocabulary("empty vocabulary", "[UNK] is missing", ""),
  .vocabulary("no unknown token", "[UNK] is missing", "[PAD]\na\n"),
  .vocabulary("a blank line", "line 2: the line has no token", "[UNK]\n\na\n"),
  .vocabulary("a token twice", "line 3: the token stands in an earlier line", "[UNK]\na\na\n"),
  HostileModel("vocabulary that is not UTF-8", "it is not UTF-8") {
    $0.vocabulary = Bytes([0x5B, 0xFF, 0xFE, 0x0A])
  },
  HostileModel("no vocabulary at all", "tokenizer.json': there is no such file") {
    $0.vocabulary = nil
  },
  HostileModel("no table", "model.safetensors': there is no such file") { $0.table = nil },
  HostileModel("no configuration", "config.json': there is no such file") {
    $0.configuration = nil
  },
  .configuration("configuration is no object", "it is no JSON object", "[]"),
  .configuration("configuration is empty", "expected", ""),
  .configuration("another kind of model", "model_type", #"{"model_type":"bert"}"#),
  .configuration(
    "no dimension",
    "hidden_dim is no dimension",
    #"{"model_type":"model2vec","hidden_dim":-1}"#
  ),
  .configuration(
    "too many tokens",
    "max_tokens is not from 1",
    #"{"model_type":"model2vec","max_tokens":1e99}"#
  ),
  .tokenizer("a unigram tokeniser", "not WordPiece", #"{"model":{"type":"Unigram"}}"#),
  .tokenizer("no normaliser", "normaliser", #"{"model":{"type":"WordPiece"},"normalizer":null}"#),
  .tokenizer("no tokens", "no vocabulary", #"{"model":{"type":"WordPiece"},\#(bert)}"#),
  .tokenizer(
    "ids with a hole",
    "are not 0 to 1, each once",
    #"{"model":{"type":"WordPiece","vocab":{"[UNK]":0,"a":2}},\#(bert)}"#
  ),
  .tokenizer(
    "two tokens of one id",
    "are not 0 to 1, each once",
    #"{"model":{"type":"WordPiece","vocab":{"[UNK]":0,"a":0}},\#(bert)}"#
  ),
  .tokenizer(
    "an id beyond 64 bits",
    "are not 0 to 0, each once",
    #"{"model":{"type":"WordPiece","vocab":{"[UNK]":99999999999999999999}},\#(bert)}"#
  ),
]

@Suite("Hostile and damaged models")
struct HostileModelTests {
  @Test("Each is refused with what is wrong", arguments: tables + others)
  func refused(_ hostile: HostileModel) throws {
    let error = try #require(throws: VectorFileError.self) { try hostile.model.load() }
    #expect(error.description.contains(hostile.expected), "\(error)")
    #expect(!error.remedy.isEmpty)
  }

  @Test("A table cut off anywhere is refused")
  func cutOff() throws {
    let whole = try #require(TestModel().table)
    for count in 1...whole.data.count {
      var model = TestModel()
      model.table = whole.dropping(count)
      #expect(throws: VectorFileError.self) { try model.load() }
    }
  }

  @Test("Any byte of the header may be another without a crash", arguments: [UInt64(1), 2, 3])
  func randomBytes(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let whole = try #require(TestModel().table).data
    for _ in 0..<3_000 {
      var bytes = whole
      for _ in 0..<Int.random(in: 1...3, using: &random) {
        bytes[Int.random(in: 0..<76, using: &random)] = UInt8.random(in: 0...255, using: &random)
      }
      do {
        _ = try SafeTensors(bytes.span)
      } catch {
        #expect(error.offset <= bytes.count && !error.reason.isEmpty)
      }
    }
  }
}
