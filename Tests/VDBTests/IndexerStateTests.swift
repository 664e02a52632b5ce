import Testing
import VDB

@Suite struct `The indexer's next step` {
  typealias Action = IndexerState.Action

  struct Case: CustomTestStringConvertible {
    let testDescription: String
    var mode = IndexingMode.background
    var committed: Row = 0
    var linked: Row = 0
    var checkpointed: Row = 0
    var merged: Row = 0
    var requested: Row = 0
    let busy: Action
    let resting: Action
  }

  static let cases = [
    Case(testDescription: "an empty collection", busy: .wait, resting: .wait),
    Case(
      testDescription: "few rows wait for more, or for a rest",
      committed: 1023,
      busy: .wait,
      resting: .link(upTo: 1023, includingPartialSlice: true)
    ),
    Case(
      testDescription: "a slice is linked while more is coming, whole slices only",
      committed: 1024,
      busy: .link(upTo: 1024, includingPartialSlice: false),
      resting: .link(upTo: 1024, includingPartialSlice: true)
    ),
    Case(
      testDescription: "a long backlog is linked in turns",
      committed: 10_000,
      busy: .link(upTo: 4096, includingPartialSlice: false),
      resting: .link(upTo: 4096, includingPartialSlice: false)
    ),
    Case(
      testDescription: "a short one slice by slice",
      committed: 44_096,
      linked: 40_000,
      busy: .link(upTo: 41_024, includingPartialSlice: false),
      resting: .link(upTo: 41_024, includingPartialSlice: false)
    ),
    Case(
      testDescription: "in larger turns where a graph is dear to publish",
      committed: 644_096,
      linked: 640_000,
      checkpointed: 640_000,
      merged: 640_000,
      busy: .link(upTo: 644_096, includingPartialSlice: false),
      resting: .link(upTo: 644_096, includingPartialSlice: true)
    ),
    Case(
      testDescription: "a small graph waits for a small slice",
      committed: 6_600,
      linked: 6_400,
      checkpointed: 6_400,
      merged: 6_400,
      busy: .link(upTo: 6_600, includingPartialSlice: false),
      resting: .link(upTo: 6_600, includingPartialSlice: true)
    ),
    Case(
      testDescription: "and for no less than that",
      committed: 6_599,
      linked: 6_400,
      checkpointed: 6_400,
      merged: 6_400,
      busy: .wait,
      resting: .link(upTo: 6_599, includingPartialSlice: true)
    ),
    Case(
      testDescription: "one that queries do without for a large one",
      committed: 2_023,
      linked: 1_000,
      checkpointed: 1_000,
      merged: 1_000,
      busy: .wait,
      resting: .link(upTo: 2_023, includingPartialSlice: true)
    ),
    Case(
      testDescription: "turns grow with the graph",
      committed: 1_000_000,
      linked: 160_000,
      checkpointed: 160_000,
      merged: 1_000_000,
      busy: .link(upTo: 170_000, includingPartialSlice: false),
      resting: .link(upTo: 170_000, includingPartialSlice: false)
    ),
    Case(
      testDescription: "up to a bound",
      committed: 9_000_000,
      linked: 8_000_000,
      checkpointed: 8_000_000,
      busy: .link(upTo: 8_065_536, includingPartialSlice: false),
      resting: .link(upTo: 8_065_536, includingPartialSlice: false)
    ),
    Case(
      testDescription: "manual rows wait for ever",
      mode: .manual,
      committed: 50_000,
      merged: 50_000,
      busy: .wait,
      resting: .wait
    ),
    Case(
      testDescription: "until they are asked for",
      mode: .manual,
      committed: 500,
      merged: 500,
      requested: 300,
      busy: .link(upTo: 300, includingPartialSlice: true),
      resting: .link(upTo: 300, includingPartialSlice: true)
    ),
    Case(
      testDescription: "a request goes no farther than the commits",
      committed: 500,
      requested: 900,
      busy: .link(upTo: 500, includingPartialSlice: true),
      resting: .link(upTo: 500, includingPartialSlice: true)
    ),
    Case(
      testDescription: "a graph that has grown much is written before it grows on",
      committed: 500_000,
      linked: 131_072,
      busy: .checkpoint,
      resting: .checkpoint
    ),
    Case(
      testDescription: "a large graph by half, no less",
      committed: 1_499_999,
      linked: 1_499_999,
      checkpointed: 1_000_000,
      merged: 1_499_999,
      busy: .wait,
      resting: .checkpoint
    ),
    Case(
      testDescription: "many ids are merged while rows keep coming",
      committed: 524_288,
      linked: 524_288,
      checkpointed: 524_288,
      busy: .mergeIDs(upTo: 524_288),
      resting: .mergeIDs(upTo: 524_288)
    ),
    Case(
      testDescription: "few ids when the collection rests",
      committed: 10,
      linked: 10,
      checkpointed: 10,
      busy: .wait,
      resting: .mergeIDs(upTo: 10)
    ),
    Case(
      testDescription: "recall is measured when all else is done",
      committed: 1001,
      linked: 1001,
      checkpointed: 1001,
      merged: 1001,
      busy: .wait,
      resting: .calibrate
    ),
    Case(
      testDescription: "the recall of a collection that is scanned is known",
      committed: 1000,
      linked: 1000,
      checkpointed: 1000,
      merged: 1000,
      busy: .wait,
      resting: .wait
    ),
    Case(
      testDescription: "of a manual one only what was asked for is measured",
      mode: .manual,
      committed: 2000,
      linked: 2000,
      checkpointed: 2000,
      merged: 2000,
      busy: .wait,
      resting: .wait
    ),
    Case(
      testDescription: "once it was asked for",
      mode: .manual,
      committed: 2000,
      linked: 1500,
      checkpointed: 1500,
      merged: 2000,
      requested: 1500,
      busy: .wait,
      resting: .calibrate
    ),
    Case(
      testDescription: "nothing is left to do",
      committed: 10,
      linked: 10,
      checkpointed: 10,
      merged: 10,
      busy: .wait,
      resting: .wait
    ),
  ]

  @Test(arguments: cases)
  func `follows from the rows`(_ example: Case) {
    var state = IndexerState(
      mode: example.mode,
      committed: example.committed,
      linked: example.linked,
      checkpointed: example.checkpointed,
      merged: example.merged
    )
    if example.requested > 0 { state.request(upTo: example.requested) }
    #expect(state.next(isResting: false) == example.busy)
    #expect(state.next(isResting: true) == example.resting)
  }

  @Test(
    arguments: [IndexingMode.background, .immediate, .manual],
    [1, 1024, 70_000, 700_000] as [Row]
  )
  func `leads to the end, and never twice to the same place`(_ mode: IndexingMode, _ rows: Row) {
    var state = IndexerState(mode: mode, committed: 0, linked: 0, checkpointed: 0, merged: 0)
    state.didCommit(upTo: rows)
    state.request(upTo: rows)
    var steps = 0
    while true {
      let action = state.next(isResting: true)
      if action == .wait { break }
      steps += 1
      #expect(steps < 1000)
      if steps >= 1000 { return }
      switch action {
      case .link(let end, let includingPartialSlice):
        #expect(end > state.linked && end <= state.committed)
        #expect(!includingPartialSlice || end == rows)
        state.didLink(upTo: end)
      case .checkpoint:
        #expect(state.linked > state.checkpointed)
        state.didCheckpoint(upTo: state.linked)
      case .mergeIDs(let end):
        #expect(end > state.merged)
        state.didMerge(upTo: end)
      case .calibrate: state.didCalibrate(at: state.linked, deleted: 0, isKept: false)
      case .reclaim, .wait: Issue.record("\(action)")
      }
    }
    #expect(state.linked == rows && state.checkpointed == rows && state.merged == rows)
    #expect(state.backlog == 0)
  }

  @Test func `does not ask again for a partial slice before more is committed`() {
    var state = IndexerState(
      mode: .background,
      committed: 5000,
      linked: 0,
      checkpointed: 0,
      merged: 5000
    )
    #expect(state.next(isResting: false) == .link(upTo: 4096, includingPartialSlice: false))
    state.didLink(upTo: 4000)
    #expect(state.next(isResting: false) == .link(upTo: 5000, includingPartialSlice: false))
    // The builder did not begin a slice that was not full.
    state.didLink(upTo: 4000)
    #expect(state.next(isResting: false) == .wait)
    state.didCommit(upTo: 5001)
    #expect(state.next(isResting: false) == .link(upTo: 5001, includingPartialSlice: false))
    #expect(state.next(isResting: true) == .link(upTo: 5001, includingPartialSlice: true))
  }

  @Test func `is about ids alone where there are no vectors`() {
    var state = IndexerState(
      mode: .immediate,
      hasVectors: false,
      committed: 600_000,
      linked: 0,
      checkpointed: 0,
      merged: 0
    )
    state.request(upTo: 600_000)
    #expect(state.backlog == 0)
    #expect(state.next(isResting: false) == .mergeIDs(upTo: 600_000))
    state.didMerge(upTo: 600_000)
    #expect(state.next(isResting: true) == .wait)
  }

  @Test func `does not count a checkpoint of a graph that is no more`() {
    var state = IndexerState(
      mode: .background,
      committed: 5_000,
      linked: 0,
      checkpointed: 4_000,
      merged: 5_000
    )
    #expect(state.next(isResting: false) == .link(upTo: 4_096, includingPartialSlice: false))
    state.didLink(upTo: 5_000)
    #expect(state.next(isResting: true) == .checkpoint)
    state.restart()
    state.didCheckpoint(upTo: 5_000)
    #expect(state.next(isResting: true) == .link(upTo: 4_096, includingPartialSlice: false))
  }

  @Test func `begins anew when the index was damaged`() {
    var state = IndexerState(
      mode: .background,
      committed: 2000,
      linked: 2000,
      checkpointed: 2000,
      merged: 2000
    )
    state.restart()
    #expect(state.backlog == 2000)
    #expect(state.next(isResting: false) == .link(upTo: 1024, includingPartialSlice: false))
  }

  @Test func `gives way to queries unless somebody waits or many rows are not linked`() {
    func state(_ committed: Row, merged: Row = 20_000) -> IndexerState {
      IndexerState(
        mode: .background,
        committed: committed,
        linked: 20_000,
        checkpointed: 20_000,
        merged: merged
      )
    }
    let link = Action.link(upTo: 20_500, includingPartialSlice: false)
    #expect(!state(20_500).isUrgent(link))
    #expect(state(24_096).isUrgent(link))
    var asked = state(20_500)
    asked.request(upTo: 20_500)
    #expect(asked.isUrgent(link))
    asked.didLink(upTo: 20_500)
    #expect(!asked.isUrgent(.checkpoint))
    #expect(!state(20_500).isUrgent(.mergeIDs(upTo: 20_500)))
    #expect(state(600_000).isUrgent(.mergeIDs(upTo: 600_000)))
    #expect(!state(600_000).isUrgent(.calibrate))
  }

  @Test func `measures again when much has changed, unless the figures are to be kept`() {
    var state = IndexerState(
      mode: .background,
      committed: 2000,
      linked: 2000,
      checkpointed: 2000,
      merged: 2000
    )
    func grow(to row: Row) {
      state.didCommit(upTo: row)
      state.didLink(upTo: row)
      state.didCheckpoint(upTo: row)
      state.didMerge(upTo: row)
    }
    #expect(state.next(isResting: true) == .calibrate)
    state.didCalibrate(at: 2000, deleted: 0, isKept: false)
    #expect(state.next(isResting: true) == .wait)
    grow(to: 2999)
    #expect(state.next(isResting: true) == .wait)
    grow(to: 3000)
    #expect(state.next(isResting: true) == .calibrate)
    #expect(state.next(isResting: false) == .wait)
    state.didCalibrate(at: 3000, deleted: 0, isKept: false)
    state.didDelete(599)
    #expect(state.next(isResting: true) == .wait)
    state.didDelete(600)
    #expect(state.next(isResting: true) == .calibrate)
    state.didCalibrate(at: 3000, deleted: 0, isKept: true)
    #expect(state.next(isResting: true) == .wait)
  }
}
