import Foundation
import Synchronization

/// Threads that do the pieces of one job after the other, side by side.
///
/// A job may be a fraction of a millisecond, and waking a sleeping thread takes a tenth of one; so a
/// member that has nothing to do looks for the next job for a while before it sleeps, and lets any other
/// thread that wants its processor have it meanwhile.
final class WorkerTeam: @unchecked Sendable {
  /// How long a member looks for work before it sleeps: longer than one thread works alone between jobs.
  private static let patience = Duration.microseconds(500)

  /// Pieces to be done; each is taken once.
  private final class Job: Sendable {
    let pieces: Int
    let body: @Sendable (_ worker: Int, _ piece: Int) -> Void
    private let taken = Atomic<Int>(0)
    private let finished = Atomic<Int>(0)

    init(pieces: Int, body: @escaping @Sendable (_ worker: Int, _ piece: Int) -> Void) {
      self.pieces = pieces
      self.body = body
    }

    /// Does pieces until none is left to take.
    func work(as worker: Int) {
      var done = 0
      while true {
        let piece = taken.wrappingAdd(1, ordering: .relaxed).oldValue
        if piece >= pieces { break }
        body(worker, piece)
        done += 1
      }
      if done > 0 { finished.wrappingAdd(done, ordering: .acquiringAndReleasing) }
    }

    var isFinished: Bool { finished.load(ordering: .acquiring) == pieces }
  }

  /// Its threads, the caller's among them.
  let count: Int
  private let condition = NSCondition()
  /// The job in hand; guarded by `condition`.
  private var job: Job?
  /// How many members sleep; guarded by `condition`.
  private var sleeping = 0
  /// How many jobs there were; a member sees by it without the lock that there is another.
  private let jobs = Atomic<Int>(0)
  private let isOver = Atomic<Bool>(false)

  /// Of the thread that hands out jobs alone.
  private var hasMembers = false

  private init(count: Int) { self.count = count }

  /// Lends a team of `count` threads to `body`, which runs on the calling one.
  ///
  /// The others begin with the first job that has work for them; they are of use, but not waited for.
  static func with<Result>(_ count: Int, _ body: (WorkerTeam) -> Result) -> Result {
    let team = WorkerTeam(count: max(1, count))
    defer { team.end() }
    return body(team)
  }

  private func callMembers() {
    if hasMembers { return }
    hasMembers = true
    for worker in 1..<count {
      let member = Thread { self.serve(as: worker) }
      #if canImport(Darwin)
        // Elsewhere a thread has the priority of the one that starts it.
        member.qualityOfService = Thread.current.qualityOfService
      #endif
      member.start()
    }
  }

  /// Calls `body(worker, piece)` once for each piece; a worker has one piece at a time.
  ///
  /// Which worker gets which piece depends on timing, so outcomes must not depend on the worker.
  func run(pieces: Int, body: @escaping @Sendable (_ worker: Int, _ piece: Int) -> Void) {
    if count == 1 || pieces <= 1 {
      for piece in 0..<pieces { body(0, piece) }
      return
    }
    callMembers()
    let next = Job(pieces: pieces, body: body)
    condition.lock()
    job = next
    jobs.wrappingAdd(1, ordering: .releasing)
    if sleeping > 0 { condition.broadcast() }
    condition.unlock()
    next.work(as: 0)
    while !next.isFinished { yieldThread() }
    // What it holds is the caller's alone again, to be changed in place.
    condition.lock()
    job = nil
    condition.unlock()
  }

  private func end() {
    condition.lock()
    isOver.store(true, ordering: .releasing)
    job = nil
    condition.broadcast()
    condition.unlock()
  }

  /// A member's life.
  private func serve(as worker: Int) {
    var seen = 0
    while let job = nextJob(after: &seen) { job.work(as: worker) }
  }

  /// The next job that is not done yet; `nil` when there will be none.
  private func nextJob(after seen: inout Int) -> Job? {
    var since = ContinuousClock.now
    while true {
      while jobs.load(ordering: .acquiring) == seen, !isOver.load(ordering: .acquiring),
        ContinuousClock.now - since < Self.patience
      {
        yieldThread()
      }
      condition.lock()
      defer { condition.unlock() }
      if isOver.load(ordering: .acquiring) { return nil }
      let number = jobs.load(ordering: .acquiring)
      if number == seen {
        sleeping += 1
        condition.wait()
        sleeping -= 1
      } else {
        seen = number
        if let job { return job }
        since = .now
      }
    }
  }
}

/// Gives the processor to another thread.
package func yieldThread() { sched_yield() }
