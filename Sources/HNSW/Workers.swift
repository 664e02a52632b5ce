import Dispatch
import Synchronization

/// Runs the pieces of a job side by side.
enum Workers {
  /// Calls `body(worker, piece)` once for each piece; a worker has one piece at a time.
  ///
  /// Which worker gets which piece depends on timing, so outcomes must not depend on the worker.
  static func run(
    _ workers: Int,
    pieces: Int,
    body: @Sendable (_ worker: Int, _ piece: Int) -> Void
  ) {
    if workers <= 1 || pieces <= 1 {
      for piece in 0..<pieces { body(0, piece) }
      return
    }
    let next = Atomic<Int>(0)
    DispatchQueue.concurrentPerform(iterations: min(workers, pieces)) { worker in
      while true {
        let piece = next.wrappingAdd(1, ordering: .relaxed).oldValue
        if piece >= pieces { return }
        body(worker, piece)
      }
    }
  }
}
