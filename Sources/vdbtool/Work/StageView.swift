import VDBIngest

/// Shows the stages of an import on standard error: a line each on a terminal, redrawn in place, and
/// one line for all now and then elsewhere.
final class StageView: Sendable {
  private let isQuiet: Bool
  private let isTerminal = StandardError.isTerminal
  private let shown = Guarded((lines: 0, at: 0.0))

  init(isQuiet: Bool) { self.isQuiet = isQuiet }

  func show(_ status: IngestStatus) {
    if isQuiet { return }
    if isTerminal {
      let text = lines(status)
      let up = shown.withLock { shown in
        defer { shown.lines = status.stages.count + 1 }
        return shown.lines
      }
      StandardError.write((up > 0 ? "\u{1B}[\(up)A" : "") + text)
    } else {
      let isDue = shown.withLock { shown in
        if status.elapsedSeconds - shown.at < 2 { return false }
        shown.at = status.elapsedSeconds
        return true
      }
      if isDue { StandardError.write(line(status)) }
    }
  }

  /// Takes the lines away, before anything else is printed.
  func finish() {
    let up = shown.withLock { shown in
      defer { shown.lines = 0 }
      return shown.lines
    }
    if up > 0 { StandardError.write("\u{1B}[\(up)A\u{1B}[J") }
  }

  private func lines(_ status: IngestStatus) -> String {
    let rows = status.stages.map { stage in
      let queue = String(repeating: "#", count: stage.waiting)
      let room = String(repeating: ".", count: max(0, stage.capacity - stage.waiting))
      return [
        stage.name.rawValue, Text.grouped(stage.done), "\(Text.grouped(Int(stage.rate)))/s",
        stage.capacity == 0 ? "" : "[\(queue)\(room)]",
      ]
    }
    let table = Text.table(rows, right: [1, 2]).split(separator: "\n")
    return table.map { "\u{1B}[K\($0)\n" }.joined() + "\u{1B}[K\(summary(status))\n"
  }

  private func line(_ status: IngestStatus) -> String {
    let stages = status.stages.map { stage in
      let queue = stage.capacity == 0 ? "" : " (queue \(stage.waiting)/\(stage.capacity))"
      return "\(stage.name.rawValue) \(Text.grouped(stage.done))\(queue)"
    }
    return stages.joined(separator: "  ") + "  " + summary(status) + "\n"
  }

  private func summary(_ status: IngestStatus) -> String {
    var parts = [Text.duration(status.elapsedSeconds)]
    if let eta = status.etaSeconds, !status.isFinished { parts.append("ETA " + Text.duration(eta)) }
    if status.duplicates > 0 { parts.append("\(Text.grouped(status.duplicates)) duplicates") }
    if status.failed > 0 { parts.append("\(Text.grouped(status.failed)) failed") }
    return parts.joined(separator: "  ")
  }
}
