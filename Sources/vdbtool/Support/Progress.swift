import Foundation
import VDBIngest

/// Says on standard error how far a long command is: a bar on a terminal, else a line now and then.
final class Progress: Sendable {
  private struct State {
    var stage = ""
    var started = ContinuousClock.now
    var startedAt = 0
    var shown: ContinuousClock.Instant?
    var isBarShown = false
  }

  private let isQuiet: Bool
  private let isTerminal: Bool
  private let unit: String
  private let state = Guarded(State())

  /// - Parameters:
  ///   - isQuiet: Show nothing.
  ///   - unit: What is counted, in the plural.
  init(isQuiet: Bool, unit: String = "rows") {
    self.isQuiet = isQuiet
    self.unit = unit
    isTerminal = StandardError.isTerminal
  }

  /// Shows the state if the last one shown is old enough.
  func update(_ stage: String, done: Int, total: Int?) {
    if isQuiet { return }
    let now = ContinuousClock.now
    let line = state.withLock { state -> String? in
      if state.stage != stage {
        state.stage = stage
        state.started = now
        state.startedAt = done
        state.shown = nil
      }
      let interval: Duration = isTerminal ? .milliseconds(100) : .seconds(2)
      guard now - (state.shown ?? state.started) >= interval else { return nil }
      state.shown = now
      let seconds = (now - state.started) / .seconds(1)
      let rate = Double(done - state.startedAt) / seconds
      state.isBarShown = isTerminal
      return text(stage, done: done, total: total, rate: rate)
    }
    if let line { StandardError.write(isTerminal ? "\r\u{1B}[K" + line : line + "\n") }
  }

  /// Takes the bar away, before anything else is printed.
  func finish() {
    let wasShown = state.withLock { state in
      defer { state.isBarShown = false }
      return state.isBarShown
    }
    if wasShown { StandardError.write("\r\u{1B}[K") }
  }

  private func text(_ stage: String, done: Int, total: Int?, rate: Double) -> String {
    var parts = [stage]
    if let total, total > 0 {
      let share = min(1, Double(done) / Double(total))
      if isTerminal {
        let filled = Int(share * 24)
        let bar = String(repeating: "#", count: filled)
        parts.append("[" + bar + String(repeating: " ", count: 24 - filled) + "]")
      }
      parts.append("\(Int(share * 100)) %")
      parts.append("\(Text.grouped(done)) of \(Text.grouped(total)) \(unit)")
    } else {
      parts.append("\(Text.grouped(done)) \(unit)")
    }
    if rate > 0, rate < 1e15 {
      parts.append("\(Text.grouped(Int(rate)))/s")
      if let total, total > done {
        parts.append("ETA " + Text.duration(Double(total - done) / rate))
      }
    }
    return parts.joined(separator: "  ")
  }
}
