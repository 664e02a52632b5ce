import Dispatch
import Foundation
import VDBIngest

/// Ctrl-C and SIGTERM as a wish to stop; the second one ends the process at once.
final class Interrupt: Sendable {
  private struct State {
    var isRaised = false
    var handler: (@Sendable () -> Void)?
  }

  private let state = Guarded(State())
  /// Kept alive for their handlers; never used after `init`.
  private nonisolated(unsafe) let sources: [any DispatchSourceSignal]

  init() {
    unsafe sources = [SIGINT, SIGTERM].map { number in
      // The source only observes; the signal's own effect must be switched off.
      signal(number, SIG_IGN)
      return DispatchSource.makeSignalSource(signal: number, queue: .global())
    }
    for source in unsafe sources {
      source.setEventHandler { [weak self] in self?.raise() }
      source.resume()
    }
  }

  var isRaised: Bool { state.withLock { $0.isRaised } }

  /// Sets what happens at the first signal, which may have come already.
  func onRaise(_ handler: @escaping @Sendable () -> Void) {
    let isRaised = state.withLock { state in
      state.handler = handler
      return state.isRaised
    }
    if isRaised { handler() }
  }

  /// Runs work that the first signal cancels, which may have come already.
  ///
  /// - Throws: `CancellationError` if the work failed after a signal, and else what it throws.
  func cancelling<Result: Sendable>(
    _ work: @escaping @Sendable () async throws -> Result
  ) async throws -> Result {
    let task = Task { try await work() }
    onRaise { task.cancel() }
    do {
      return try await task.value
    } catch {
      throw isRaised ? CancellationError() : error
    }
  }

  private func raise() {
    let (isSecond, handler) = state.withLock { state in
      defer { state.isRaised = true }
      return (state.isRaised, state.handler)
    }
    if isSecond { _exit(ExitStatus.interrupted.rawValue) }
    handler?()
  }
}
