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
        alone     \(Text.grouped(Int(figures.before.perSecond))) queries/s before, \
      \(Text.grouped(Int(figures.after.perSecond))) after
        during    \(Text.grouped(Int(figures.during.perSecond))) queries/s, while \
      \(Text.grouped(figures.rows)) rows were inserted and indexed, \
      \(Text.grouped(Int(figures.rowsPerSecond))) rows/s
        unlinked  \(Text.grouped(Int(figures.unlinked.mean))) rows on average, \
      \(Text.grouped(figures.unlinked.most)) at most
        of alone  \(Text.fixed(figures.ofAlone, 2)); fair is \(Text.fixed(figures.fairShare, 2)) \
      with \(figures.threads) busy threads on \(figures.cores) cores: \
      \(Text.fixed(figures.ofFairShare, 2)) of it
        running   \(Text.fixed(figures.running, 2)) of the time; \
      \(Text.fixed(figures.ofAlonePerRunningSecond, 2)) of alone per second of running

      """
  }

  func write(to writer: inout JSONWriter) {
    writer.member("alone_before_qps", rounded: figures.before.perSecond, 0)
    writer.member("alone_after_qps", rounded: figures.after.perSecond, 0)
    writer.member("during_qps", rounded: figures.during.perSecond, 0)
    writer.member("of_alone", rounded: figures.ofAlone, 3)
    writer.member("fair_share", rounded: figures.fairShare, 3)
    writer.member("of_fair_share", rounded: figures.ofFairShare, 3)
    writer.member("running", rounded: figures.running, 3)
    writer.member("of_alone_per_running_s", rounded: figures.ofAlonePerRunningSecond, 3)
    writer.member("rows", figures.rows)
    writer.member("rows_per_s", rounded: figures.rowsPerSecond, 0)
    writer.member("unlinked_mean", rounded: figures.unlinked.mean, 0)
    writer.member("unlinked_most", figures.unlinked.most)
    writer.member("seconds", rounded: figures.during.seconds, 2)
    writer.member("batch_size", load.batchSize)
    writer.key("backlog")
    if let backlog = load.backlog { writer.int(backlog) } else { writer.null() }
  }
}
