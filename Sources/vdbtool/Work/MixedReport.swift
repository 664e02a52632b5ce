import VDBIngest

/// What `bench mixed` measured of one inflow, for people and programs.
struct MixedReport {
  let inflow: MixedLoad.Inflow
  let load: MixedLoad
  let figures: MixedLoad.Figures

  var text: String {
    let limit =
      load.backlog.map { "at most \(Text.grouped($0)) rows unlinked" }
      ?? "as fast as the disk takes them"
    return """
      \(inflow.rawValue): commits of \(Text.grouped(load.batchSize)) rows, \(limit)
        alone     \(Text.grouped(Int(figures.aloneBefore))) queries/s before, \
      \(Text.grouped(Int(figures.aloneAfter))) after
        during    \(Text.grouped(Int(figures.during))) queries/s, while \
      \(Text.grouped(figures.rows)) rows were inserted and indexed, \
      \(Text.grouped(Int(figures.rowsPerSecond))) rows/s
        unlinked  \(Text.grouped(Int(figures.unlinked.mean))) rows on average, \
      \(Text.grouped(figures.unlinked.most)) at most
        of alone  \(Text.fixed(figures.ofAlone, 2)); fair is \(Text.fixed(figures.fairShare, 2)) \
      with \(figures.threads) busy threads on \(figures.cores) cores: \
      \(Text.fixed(figures.ofFairShare, 2)) of it
        turns     \(figures.turns.map { Text.fixed($0.ofAlone, 2) }.joined(separator: " ")) of alone
        running   \(Text.fixed(figures.running, 2)) of the time; \
      \(Text.fixed(figures.ofAlonePerRunningSecond, 2)) of alone per second of running

      """
  }

  func write(to writer: inout JSONWriter) {
    writer.member("alone_before_qps", rounded: figures.aloneBefore, 0)
    writer.member("alone_after_qps", rounded: figures.aloneAfter, 0)
    writer.member("during_qps", rounded: figures.during, 0)
    writer.member("of_alone", rounded: figures.ofAlone, 3)
    writer.key("turns")
    writer.array {
      for turn in figures.turns {
        $0.object {
          $0.member("rows", turn.rows)
          $0.member("alone_before_qps", rounded: turn.before.perSecond, 0)
          $0.member("during_qps", rounded: turn.during.perSecond, 0)
          $0.member("alone_after_qps", rounded: turn.after.perSecond, 0)
        }
      }
    }
    writer.member("fair_share", rounded: figures.fairShare, 3)
    writer.member("of_fair_share", rounded: figures.ofFairShare, 3)
    writer.member("running", rounded: figures.running, 3)
    writer.member("of_alone_per_running_s", rounded: figures.ofAlonePerRunningSecond, 3)
    writer.member("rows", figures.rows)
    writer.member("rows_per_s", rounded: figures.rowsPerSecond, 0)
    writer.member("unlinked_mean", rounded: figures.unlinked.mean, 0)
    writer.member("unlinked_most", figures.unlinked.most)
    writer.member("seconds", rounded: figures.seconds, 2)
    writer.member("batch_size", load.batchSize)
    writer.key("backlog")
    if let backlog = load.backlog { writer.int(backlog) } else { writer.null() }
  }
}
