/// The nearest `capacity` rows seen so far: a binary heap with the farthest on top.
///
/// Equal distances are ordered by row, so that an answer does not depend on the order in which rows
/// were met.
struct NearestHeap {
  private(set) var items: [(distance: Float, row: Row)] = []
  let capacity: Int

  init(capacity: Int) {
    self.capacity = capacity
    items.reserveCapacity(min(capacity, 4096))
  }

  var isFull: Bool { items.count == capacity }

  /// The largest distance that may still enter.
  var bound: Float { isFull ? items[0].distance : .infinity }

  mutating func offer(_ row: Row, distance: Float) {
    if !isFull {
      items.append((distance, row))
      siftUp(items.count - 1)
    } else if Self.isFarther(items[0], than: (distance, row)) {
      items[0] = (distance, row)
      siftDown()
    }
  }

  /// Nearest first.
  func sorted() -> [(distance: Float, row: Row)] {
    items.sorted { Self.isFarther($1, than: $0) }
  }

  private static func isFarther(
    _ left: (distance: Float, row: Row),
    than right: (distance: Float, row: Row)
  ) -> Bool {
    left.distance > right.distance || (left.distance == right.distance && left.row > right.row)
  }

  private mutating func siftUp(_ start: Int) {
    var child = start
    while child > 0 {
      let parent = (child - 1) / 2
      guard Self.isFarther(items[child], than: items[parent]) else { return }
      items.swapAt(child, parent)
      child = parent
    }
  }

  private mutating func siftDown() {
    var parent = 0
    while true {
      var farthest = parent
      for child in [2 * parent + 1, 2 * parent + 2]
      where child < items.count && Self.isFarther(items[child], than: items[farthest]) {
        farthest = child
      }
      if farthest == parent { return }
      items.swapAt(parent, farthest)
      parent = farthest
    }
  }
}
