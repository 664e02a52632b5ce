/// How the records of a layer lie in its blocks; a function of the parameters and the layer alone.
///
/// A record of layer 0 is a list of row numbers. One of a layer above is the node's number in the
/// layer below, its row, and then its list of this layer's node numbers. A list ends at the first
/// `LayerShape.none` or at its capacity; its slot 0 is the node's parent.
package struct LayerShape: Sendable, Hashable {
  /// Fills the unused part of a list: no node has this number.
  package static let none = UInt32.max

  /// Bytes of a run, but for that of a single record.
  package static let runBytes = 4096

  /// Words before the list: 0, or 2 above layer 0.
  package let header: Int
  /// Links that a list can hold.
  package let capacity: Int
  /// Words of a record: a multiple of 16, so that records start at cache lines.
  package let strideWords: Int
  /// A block holds 1 << shift records.
  package let shift: UInt32
  /// Neighbouring records are looked at for the first time, and put in place, in runs of 1 << runShift.
  package let runShift: UInt32

  /// The shape of layer `layer` of graphs with these parameters.
  package init(layer: Int, parameters: Parameters) {
    header = layer == 0 ? 0 : 2
    let least = header + (layer == 0 ? 2 * parameters.m : parameters.m)
    strideWords = (least + 15) & ~15
    // Above layer 0 a list takes what room its cache lines have.
    capacity = layer == 0 ? least : strideWords - header
    let records = parameters.blockBytes / (strideWords * 4)
    shift = UInt32(Int.bitWidth - 1 - records.leadingZeroBitCount)
    let run = max(1, Self.runBytes / (strideWords * 4))
    runShift = min(shift, UInt32(Int.bitWidth - 1 - run.leadingZeroBitCount))
  }

  /// Bytes of a record.
  package var strideBytes: Int { strideWords * 4 }
  /// Records of a block.
  package var recordsPerBlock: Int { 1 << Int(shift) }
  /// Bytes of a whole block.
  package var blockBytes: Int { recordsPerBlock * strideBytes }
  /// Blocks that `count` records need.
  package func blockCount(for count: Int) -> Int { (count + recordsPerBlock - 1) >> Int(shift) }
}
