/// The links back to a part of one layer's nodes, grouped by the node that gets them; memory used for slice
/// after slice.
///
/// Safe to share: one worker fills it, and all read it after that.
final class BackLinks: @unchecked Sendable {
  /// Target and new node in one word, in their order.
  private(set) var pairs: [UInt64] = []
  /// Where each group begins in `pairs`, and where the last one ends.
  private(set) var groups: [Int] = []
  /// The node of each group, rising.
  private(set) var targets: [UInt32] = []

  /// Takes the links of a slice's new nodes that go to one of `range`.
  func take(_ draft: LayerDraft, in view: LayerView, targets range: Range<UInt32>) {
    // Out of the class while they are in hand: an access to a property is checked each time.
    var (pairs, groups, targets) = (self.pairs, self.groups, self.targets)
    (self.pairs, self.groups, self.targets) = ([], [], [])
    pairs.removeAll(keepingCapacity: true)
    groups.removeAll(keepingCapacity: true)
    targets.removeAll(keepingCapacity: true)
    for node in draft.firstNode..<draft.firstNode + UInt32(draft.rows.count) {
      let list = unsafe view.links(node)
      for slot in 0..<view.capacity {
        let target = unsafe list[slot]
        if target == LayerShape.none { break }
        if range.contains(target), target != node {
          pairs.append(UInt64(target) << 32 | UInt64(node))
        }
      }
    }
    // They are in the order of the new nodes already.
    RadixSort.byUpperHalf(&pairs, below: range.upperBound)
    var last = LayerShape.none
    for (position, pair) in pairs.enumerated() {
      let target = UInt32(truncatingIfNeeded: pair >> 32)
      if target == last { continue }
      last = target
      targets.append(target)
      groups.append(position)
    }
    groups.append(pairs.count)
    (self.pairs, self.groups, self.targets) = (pairs, groups, targets)
  }
}

extension GraphBuilder {
  /// Groups the links back of each layer, a part of the nodes a thread.
  func groupBackLinks(team: WorkerTeam) {
    let parts = team.count
    while backLinks.count < layers.count { backLinks.append([]) }
    for index in layers.indices {
      while backLinks[index].count < parts { backLinks[index].append(BackLinks()) }
    }
    let job = GroupingJob(
      views: layers.map(\.view),
      drafts: drafts,
      links: backLinks,
      parts: parts
    )
    team.run(pieces: layers.count * parts) { _, piece in job.take(piece: piece) }
  }
}

/// What the workers share that group links back.
///
/// Safe to share: each piece fills one of `links`, and lists do not change meanwhile.
@safe private struct GroupingJob: @unchecked Sendable {
  let views: [LayerView]
  let drafts: [LayerDraft]
  let links: [[BackLinks]]
  let parts: Int

  /// Layer 0, which is most of the work, comes first.
  func take(piece: Int) {
    let (layer, part) = (piece / parts, piece % parts)
    let count = Int(views[layer].count)
    let targets = UInt32(count * part / parts)..<UInt32(count * (part + 1) / parts)
    links[layer][part].take(drafts[layer], in: views[layer], targets: targets)
  }
}
