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
    func put(_ key: String, _ value: Double, _ digits: Int, _ writer: inout JSONWriter) {
      writer.key(key)
      writer.rounded(value, digits)
    }
    func put(_ key: String, _ value: Int, _ writer: inout JSONWriter) {
      writer.key(key)
      writer.int(value)
    }
    put("alone_before_qps", figures.before.perSecond, 0, &writer)
    put("alone_after_qps", figures.after.perSecond, 0, &writer)
    put("during_qps", figures.during.perSecond, 0, &writer)
    put("of_alone", figures.ofAlone, 3, &writer)
    put("fair_share", figures.fairShare, 3, &writer)
    put("of_fair_share", figures.ofFairShare, 3, &writer)
    put("running", figures.running, 3, &writer)
    put("of_alone_per_running_s", figures.ofAlonePerRunningSecond, 3, &writer)
    put("rows", figures.rows, &writer)
    put("rows_per_s", figures.rowsPerSecond, 0, &writer)
    put("unlinked_mean", figures.unlinked.mean, 0, &writer)
    put("unlinked_most", figures.unlinked.most, &writer)
    put("seconds", figures.during.seconds, 2, &writer)
    put("batch_size", load.batchSize, &writer)
    writer.key("backlog")
    if let backlog = load.backlog { writer.int(backlog) } else { writer.null() }
  }
}
