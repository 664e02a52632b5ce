import Foundation
import TestSupport
import Testing

/// The places where a store can be killed, by the names that it knows them by.
private enum KillPoints {
  static let whileWorking = [
    "commit.before", "commit.after", "publish.before", "seal.before", "link.slice",
    "checkpoint.before", "checkpoint.slice", "checkpoint.after", "idmerge.before", "trim.before",
    "trim.after", "drop.marked", "drop.slice", "compact.copied", "compact.synced",
    "compact.renamed",
  ]
  static let whileRecovering = ["recovery.opened", "recovery.replayed"]
}

@Suite("A store that was killed")
struct KillPointTests {
  /// With this seed collections are created, filled and dropped, and the store is compacted once.
  private static let seed: UInt64 = 2
  private static let steps = 30

  private func withLab(_ body: (inout Lab) throws -> Void) throws {
    try TemporaryFolder.with { folder in
      var lab = Lab(store: folder + "/store", seed: Self.seed, steps: Self.steps)
      try body(&lab)
    }
  }

  @Test(
    "keeps what it acknowledged, wherever it was, and goes on to the end",
    arguments: KillPoints.whileWorking
  )
  func killedOnce(point: String) throws {
    try withLab { lab in
      #expect(try lab.work(killAt: point + ":1") == .signal(9), "\(point) is never reached")
      try lab.check()
      #expect(try lab.work() == .exit(0))
      #expect(lab.progress.acknowledged == Self.steps)
      try lab.check()
    }
  }

  @Test(
    "is killed again on the way, each time later",
    arguments: ["commit.before", "commit.after", "publish.before", "checkpoint.before"]
  )
  func killedOftenOnTheWay(point: String) throws {
    try withLab { lab in
      var deaths = 0
      for count in [2, 3, 5, 8, 13] {
        let end = try lab.work(killAt: "\(point):\(count)")
        try lab.check()
        guard end == .signal(9) else { break }
        deaths += 1
      }
      #expect(deaths > 0, "\(point) is never reached twice")
      #expect(try lab.work() == .exit(0))
      try lab.check()
    }
  }

  @Test(
    "survives being killed again while it recovers",
    arguments: KillPoints.whileWorking
  )
  func killedWhileRecovering(point: String) throws {
    try withLab { lab in
      #expect(try lab.work(killAt: point + ":1") == .signal(9), "\(point) is never reached")
      for second in KillPoints.whileRecovering {
        #expect(try lab.recover(killAt: second + ":1") == .signal(9), "\(second) is never reached")
      }
      try lab.check()
      #expect(try lab.recover() == .exit(0))
      try lab.check()
    }
  }

  @Test("is whole when nobody killed it")
  func notKilled() throws {
    try withLab { lab in
      #expect(try lab.work() == .exit(0))
      #expect(lab.progress.acknowledged == Self.steps)
      try lab.check()
    }
  }
}
