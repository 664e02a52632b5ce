import Foundation
import Synchronization
import TestSupport
import Testing

@testable import HNSW

@Suite struct `A team of workers` {
  /// How often each piece was done.
  final class Tally: Sendable {
    private let counts: [Counter]
    init(_ count: Int) { counts = (0..<count).map { _ in Counter() } }
    func add(_ piece: Int) { counts[piece].number.wrappingAdd(1, ordering: .relaxed) }
    var isEven: Bool { counts.allSatisfy { $0.number.load(ordering: .relaxed) == 1 } }
  }

  /// An atomic number with an address of its own.
  final class Counter: Sendable {
    let number = Atomic<Int>(0)
  }

  @Test(arguments: [1, 2, 3, 8])
  func `does every piece of every job once before the next job begins`(_ count: Int) {
    let seed = UInt64.random(in: 0...UInt64.max)
    var generator = SeededGenerator(seed: seed)
    WorkerTeam.with(count) { team in
      #expect(team.count == count)
      for number in 0..<500 {
        let pieces = Int.random(in: 0...200, using: &generator)
        let tally = Tally(pieces)
        team.run(pieces: pieces) { worker, piece in
          precondition(worker < count)
          tally.add(piece)
        }
        #expect(tally.isEven, "seed \(seed), job \(number)")
        // Long enough for members to fall asleep.
        if number % 100 == 0 { usleep(3_000) }
      }
    }
  }

  @Test func `lets go of what a job held when it is done`() {
    final class Held: Sendable {}
    WorkerTeam.with(2) { team in
      weak var held: Held?
      do {
        let object = Held()
        held = object
        team.run(pieces: 10) { [object] _, _ in _ = object }
      }
      // A member may hold the job for the moment in which it sees that nothing is left.
      let start = ContinuousClock.now
      while held != nil, ContinuousClock.now - start < .seconds(10) { usleep(100) }
      #expect(held == nil)
    }
  }

  @Test func `has several threads at work at once`() {
    // Each piece waits for the other, which only another thread can do.
    let met = Atomic<Int>(0)
    WorkerTeam.with(2) { team in
      team.run(pieces: 2) { _, _ in
        met.wrappingAdd(1, ordering: .relaxed)
        let start = ContinuousClock.now
        while met.load(ordering: .relaxed) < 2, ContinuousClock.now - start < .seconds(60) {
          usleep(100)
        }
      }
    }
    #expect(met.load(ordering: .relaxed) == 2)
  }
}
