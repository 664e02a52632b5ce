/// A layer as the hot loops see it: a directory of block addresses and how records lie in blocks.
///
/// Safe to hold and to ask for nodes below `count`: whoever makes one keeps its memory alive for as
/// long as it is used (a `Graph` for a search, a `GraphBuilder` for a slice).
@safe struct LayerView {
  let directory: UnsafePointer<UInt64>
  let shift: UInt32
  let mask: UInt32
  let strideBytes: UInt32
  let header: Int
  let capacity: Int
  let count: UInt32
  /// The rows of the nodes where they are listed side by side; never in layer 0.
  let rows: UnsafePointer<UInt32>?

  init(
    directory: UnsafePointer<UInt64>,
    shape: LayerShape,
    count: UInt32,
    rows: UnsafePointer<UInt32>?
  ) {
    unsafe self.directory = directory
    unsafe self.rows = rows
    shift = shape.shift
    mask = (1 << shape.shift) &- 1
    strideBytes = UInt32(shape.strideBytes)
    header = shape.header
    capacity = shape.capacity
    self.count = count
  }

  /// The record of a node below `count`.
  @inline(__always)
  func record(_ node: UInt32) -> UnsafeMutablePointer<UInt32> {
    let base = unsafe UInt(directory[Int(node &>> shift)])
    let address = base &+ UInt(node & mask) &* UInt(strideBytes)
    // A directory holds no null, and UInt-to-pointer conversion is free where the optional is not used.
    return unsafe UnsafeMutablePointer(bitPattern: address).unsafelyUnwrapped
  }

  /// The list of a node below `count`: `capacity` words.
  @inline(__always)
  func links(_ node: UInt32) -> UnsafeMutablePointer<UInt32> { unsafe record(node) + header }

  /// The row whose code is the node's, as its record says.
  @inline(__always)
  func row(_ node: UInt32) -> UInt32 { header == 0 ? node : unsafe record(node)[1] }

  /// The number of links in a node's list, at most `capacity`.
  func degree(_ node: UInt32) -> Int {
    let list = unsafe links(node)
    var degree = 0
    while degree < capacity, unsafe list[degree] != LayerShape.none { degree += 1 }
    return degree
  }
}
