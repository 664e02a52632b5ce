import CVectorKernels
import HNSW
import VectorKernels

/// One published version of a collection's graph with the codes it is searched by.
final class IndexVersion: Sendable {
  let graph: Graph
  let codes: CodeBlocks
  /// Whether what came from disk was found intact; the graph may be read without a guard only then.
  let integrity: IndexIntegrity

  init(graph: Graph, codes: CodeBlocks, integrity: IndexIntegrity) {
    self.graph = graph
    self.codes = codes
    self.integrity = integrity
  }

  /// Rows that the graph contains.
  var linked: Row { graph.linkedCount }
}

/// Where the codes of a collection's rows are: sealed blocks in the map, the others in memory.
@safe
final class CodeBlocks: @unchecked Sendable {
  let shape: BlockShape
  /// The codes by which the graph is built.
  let view: vk_codes
  /// The codes by which it is searched: the 4-bit ones where there are two kinds.
  let searchView: vk_codes
  /// Whether `searchView` is of 4-bit codes.
  let hasNibbles: Bool
  let count: Int
  /// Keeps blocks in memory alive.
  private let owners: [AlignedMemory?]
  private let directory: UnsafeMutablePointer<UInt64>
  private let secondDirectory: UnsafeMutablePointer<UInt64>

  init(layout: CodeLayout, addresses: [UInt64], owners: [AlignedMemory?]) {
    shape = layout.shape
    self.owners = owners
    count = addresses.count
    unsafe directory = .allocate(capacity: max(1, addresses.count))
    unsafe secondDirectory = .allocate(capacity: max(1, addresses.count))
    for (index, address) in addresses.enumerated() {
      unsafe (directory + index).initialize(to: address)
      unsafe (secondDirectory + index).initialize(to: address + UInt64(layout.secondOffset))
    }
    unsafe view = vk_codes(
      directory: UnsafePointer(directory),
      shift: shape.shift,
      stride: UInt32(shape.stride),
      form: layout.form,
      aux_offset: UInt32(layout.auxOffset)
    )
    unsafe searchView =
      unsafe layout.secondStride > 0
      ? vk_codes(
        directory: UnsafePointer(secondDirectory),
        shift: shape.shift,
        stride: UInt32(layout.secondStride),
        form: UInt32(VK_FORM_COSINE | VK_FORM_NIBBLES),
        aux_offset: 0
      ) : view
    hasNibbles = unsafe vk_has_nibbles(searchView.form) != 0
  }

  deinit {
    unsafe directory.deallocate()
    unsafe secondDirectory.deallocate()
  }

  func owner(of block: Int) -> AlignedMemory? { owners[block] }
  func address(of block: Int) -> UInt64 { unsafe directory[block] }

  /// A block as it is stored, full or not.
  func bytes(of block: Int, _ layout: CodeLayout) -> UnsafeRawBufferPointer {
    unsafe UnsafeRawBufferPointer(
      start: UnsafeRawPointer(bitPattern: UInt(directory[block])),
      count: layout.blockBytes
    )
  }
}

/// How a block of codes is laid out: the codes, then the aux rows, then the 4-bit codes of collections that
/// have both kinds.
struct CodeLayout: Equatable, Sendable {
  let shape: BlockShape
  let form: UInt32
  let auxBytes: Int
  /// Bytes of a 4-bit row beside an 8-bit one; 0: there are none.
  let secondStride: Int

  init(_ coding: Coding) {
    let isNibbles = coding.widths == .nibbles
    shape = BlockShape(stride: isNibbles ? coding.nibbleStride : coding.stride)
    form = coding.form(nibbles: isNibbles)
    auxBytes = coding.auxBytes
    secondStride = isNibbles ? 0 : coding.nibbleStride
  }

  var auxOffset: Int { shape.rows * shape.stride }
  var secondOffset: Int { auxOffset + shape.rows * auxBytes }
  /// Bytes of a block without its header.
  var blockBytes: Int { secondOffset + shape.rows * secondStride }
  /// Bytes of a row that a walk of the graph looks at.
  var searchedBytes: Int { secondStride > 0 ? secondStride : shape.stride + auxBytes }
}
