internal import VDB

/// Several workers on one stream of inputs whose results come out in the order of the inputs.
///
/// Each input gets a slot that stands in line at once; a worker fills it whenever it is done. The line
/// is bounded, so one slow input holds at most `workers + depth` results back and none is kept beyond.
final class ParallelStage<Input: Sendable, Output: Sendable>: Sendable {
  /// Where one result will be.
  private final class Slot: Sendable {
    private enum State {
      case empty
      case awaited(Answer<Output?>)
      case full(Output?)
    }
    private let state = Guarded(State.empty)

    /// Puts the result, or `nil` when there will be none.
    func fill(_ output: Output?) {
      let waiter = state.withLock { state -> Answer<Output?>? in
        if case .awaited(let waiter) = state {
          state = .full(nil)
          return waiter
        }
        state = .full(output)
        return nil
      }
      waiter?.give(output)
    }

    func value() async -> Output? {
      await Answer.wait { answer in
        let output = state.withLock { state -> Output?? in
          if case .full(let output) = state { return .some(output) }
          state = .awaited(answer)
          return nil
        }
        if let output { answer.give(output) }
      }
    }
  }

  private struct Job: Sendable {
    let input: Input
    let slot: Slot
  }

  private let jobs: BoundedChannel<Job>
  private let line: BoundedChannel<Slot>
  let workers: Int

  init(workers: Int, depth: Int) {
    self.workers = workers
    jobs = BoundedChannel(capacity: depth)
    line = BoundedChannel(capacity: workers + depth)
  }

  /// Inputs that no worker has taken yet.
  var depth: Int { jobs.depth }
  /// Inputs that may wait.
  var capacity: Int { jobs.capacity }

  /// Waits for room; `false` once nobody wants any more.
  func submit(_ input: Input) async -> Bool {
    let slot = Slot()
    guard await line.send(slot) else { return false }
    if await jobs.send(Job(input: input, slot: slot)) { return true }
    slot.fill(nil)
    return false
  }

  /// Says that nothing more is submitted.
  func finish() {
    jobs.finish()
    line.finish()
  }

  /// Drops what waits; workers end after the input they have in hand.
  func cancel() {
    for job in jobs.cancel() { job.slot.fill(nil) }
    for slot in line.cancel() { slot.fill(nil) }
  }

  /// The next result in the order of the inputs; `nil` after the last one or once cancelled.
  func next() async -> Output? {
    guard let slot = await line.next() else { return nil }
    return await slot.value()
  }

  /// Runs one worker until the inputs end; call it from `workers` tasks.
  func work(_ transform: (Input) async -> Output) async {
    while let job = await jobs.next() { job.slot.fill(await transform(job.input)) }
  }
}
