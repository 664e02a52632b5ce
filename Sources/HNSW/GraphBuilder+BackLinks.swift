import CVectorKernels

/// Phase 3: links back from the neighbours of new nodes, grouped by the node that gets them.
extension GraphBuilder {
  /// Gives every neighbour of the new nodes its links back, the team's threads side by side, all layers at
  /// once.
  func linkBack(codes: vk_codes, team: WorkerTeam) {
    groupBackLinks(team: team)
    var jobs: [BackLinkJob] = []
    // Pieces before each job's first one.
    var firstPieces: [Int] = []
    var pieces = 0
    for index in layers.indices {
      let parts = backLinks[index].prefix(team.count)
      layers[index].makeWritable(parts.map(\.targets), team: team)
      for links in parts {
        let job = unsafe BackLinkJob(
          layer: layers[index].view,
          pairs: links.pairs,
          groups: links.groups,
          targets: links.targets,
          childCounts: layers[index].childCounts,
          workers: workers,
          codes: codes,
          least: parameters.m
        )
        jobs.append(job)
        firstPieces.append(pieces)
        pieces += job.pieces
      }
    }
    team.run(pieces: pieces) { [jobs, firstPieces] worker, piece in
      guard let index = firstPieces.lastIndex(where: { $0 <= piece }) else { return }
      jobs[index].apply(piece: piece - firstPieces[index], worker: worker)
    }
  }
}

/// What the workers of phase 3 share.
///
/// Safe to share: each group writes the slots 1 and up of one node, and reads the slot 0 of others,
/// which no one writes in this phase.
@safe private struct BackLinkJob: @unchecked Sendable {
  let layer: LayerView
  // As in `BackLinks`; constants of the job, since an access to a class's property is checked each time.
  let pairs: [UInt64]
  let groups: [Int]
  let targets: [UInt32]
  let childCounts: [UInt8]
  let workers: [LinkWorker]
  let codes: vk_codes
  /// Links that a list keeps at least when it is pruned.
  let least: Int

  /// Groups that a worker takes at a time.
  private static let step = 8

  var pieces: Int { (targets.count + Self.step - 1) / Self.step }

  func apply(piece: Int, worker: Int) {
    let first = piece * Self.step
    let range = first..<min(targets.count, first + Self.step)
    prefetch(range)
    for group in range { apply(group: group, worker: worker) }
  }

  /// Asks for the lists and codes of the targets of some groups: each is somewhere else in memory.
  private func prefetch(_ range: Range<Int>) {
    let lines = layer.strideBytes / 64
    for group in range {
      unsafe vk_prefetch_lines(layer.record(targets[group]), lines)
    }
    unsafe withUnsafePointer(to: codes) { codes in
      for group in range {
        unsafe vk_prefetch_code(codes, layer.row(targets[group]))
      }
    }
  }

  /// Adds a group's new nodes to its target's list (paper, algorithm 1, lines 11-16).
  ///
  /// All stay if they fit, else the diverse among old and new; links of the tree in any case.
  private func apply(group: Int, worker: Int) {
    let selection = workers[worker].selection
    let target = targets[group]
    let new = groups[group]..<groups[group + 1]
    let list = unsafe layer.links(target)
    let degree = layer.degree(target)
    selection.reserve(degree + new.count)
    let nodes = unsafe selection.nodes
    // Node 0 is its own parent, which is no neighbour to score. Bytes of a loaded graph are input:
    // what is no number of a node, or the node itself, is dropped.
    var count = 0
    for slot in 0..<degree {
      let node = unsafe list[slot]
      if node >= layer.count || node == target { continue }
      unsafe nodes[count] = node
      count += 1
    }
    for position in new {
      unsafe nodes[count] = UInt32(truncatingIfNeeded: pairs[position])
      count += 1
    }
    let parent = unsafe list[0]
    let limit = layer.capacity - 1
    // The parent has slot 0 of its own; node 0 leaves that slot unused for others.
    let others = parent < layer.count && parent != target ? count - 1 : count
    unsafe withUnsafePointer(to: codes) { codes in
      var query = unsafe vk_code_query()
      let buffer = unsafe workers[worker].context.queryBuffer(stride: Int(vk_query_stride(codes)))
      unsafe vk_query_from_row(codes, layer.row(target), buffer, &query)
      unsafe withUnsafePointer(to: query) { query in
        let scorer = unsafe Scorer(codes: codes, query: query)
        selection.scoreAndSort(count, layer: layer, scorer: scorer)
        if others > limit {
          let marked = markProtected(selection, count: count, target: target, parent: parent)
          // The parent counts as one more that may stay.
          let room = others < count ? limit + 1 : limit
          count = selection.choose(
            count,
            least: least,
            limit: room,
            protectedCount: marked,
            scorer: scorer
          )
        }
      }
    }
    var slot = 1
    for i in 0..<count {
      let node = unsafe nodes[i] & ~NeighborSelection.protected
      if node == parent || slot > limit { continue }
      unsafe list[slot] = node
      slot += 1
    }
    while slot <= limit {
      unsafe list[slot] = LayerShape.none
      slot += 1
    }
  }

  /// Marks the links of the tree among the candidates and returns their number.
  private func markProtected(
    _ selection: NeighborSelection,
    count: Int,
    target: UInt32,
    parent: UInt32
  ) -> Int {
    let nodes = unsafe selection.nodes
    let hasChildren = childCounts[Int(target)] > 0
    var marked = 0
    for i in 0..<count {
      let node = unsafe nodes[i]
      // Children come after their parents, so that most slots 0 need not be read.
      guard
        unsafe node == parent || (hasChildren && node > target && layer.links(node)[0] == target)
      else { continue }
      unsafe nodes[i] = node | NeighborSelection.protected
      marked += 1
    }
    return marked
  }
}
