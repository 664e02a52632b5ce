import VDBIngest

/// What `vdbtool bench write` measured.
struct WriteReport {
  let load: WriteLoad
  var store = WriteLoad.Result()
  /// The same batches of one caller and of all callers, each as fast as they could.
  var free: (one: WriteLoad.Result, all: WriteLoad.Result)?
  /// The same batches of one caller and of all callers, at the same rate.
  var paced: (one: WriteLoad.Result, all: WriteLoad.Result)?

  init(load: WriteLoad) { self.load = load }

  private var plainSeconds: Double { store.plainSeconds }
  private var batches: Double { Double(load.batches) }
  private var unseen: Int {
    store.unseen + (free?.all.unseen ?? 0) + (paced?.all.unseen ?? 0)
  }
  private func rate(_ seconds: Double) -> Int { Int(Double(load.rows) / seconds) }
  /// Bytes written a byte of vectors, ids and metadata.
  private func amplification(_ bytes: Int) -> Double { Double(bytes) / Double(load.byteCount) }

  func write(to writer: inout JSONWriter) {
    writer.member("rows_per_s", rounded: Double(load.rows) / store.seconds, 0)
    writer.member("commits_per_s", rounded: batches / store.seconds, 0)
    writer.member("plain_rows_per_s", rounded: Double(load.rows) / plainSeconds, 0)
    writer.member("of_plain", rounded: plainSeconds / store.seconds, 3)
    writer.member("p50_ms", rounded: store.latency(0.5) * 1000, 3)
    writer.member("p99_ms", rounded: store.latency(0.99) * 1000, 3)
    if let written = store.written {
      writer.member("write_amplification", rounded: amplification(written.handedOver), 3)
      writer.member("dirtied_amplification", rounded: amplification(written.dirtied), 3)
    }
    writer.member("in_flight", load.inFlight)
    writer.member("bytes_per_row", load.pattern.bytesPerRow)
    guard let free, let paced else { return }
    writer.member("one_caller_commits_per_s", rounded: batches / free.one.seconds, 0)
    writer.member("one_caller_p99_ms", rounded: free.one.latency(0.99) * 1000, 3)
    writer.member("many_callers_commits_per_s", rounded: batches / free.all.seconds, 0)
    writer.member("many_callers_p99_ms", rounded: free.all.latency(0.99) * 1000, 3)
    writer.member("paced_commits_per_s", rounded: batches / paced.all.seconds, 0)
    writer.member("paced_one_caller_p50_ms", rounded: paced.one.latency(0.5) * 1000, 3)
    writer.member("paced_one_caller_p99_ms", rounded: paced.one.latency(0.99) * 1000, 3)
    writer.member("paced_p50_ms", rounded: paced.all.latency(0.5) * 1000, 3)
    writer.member("paced_p99_ms", rounded: paced.all.latency(0.99) * 1000, 3)
    writer.member("unseen_after_receipt", unseen)
  }

  var text: String {
    var rows = [
      line("store", store),
      [
        "plain appends", Text.grouped(rate(plainSeconds)) + " rows/s",
        Text.grouped(Int(batches / plainSeconds)) + " batches/s", "",
      ],
    ]
    if let free, let paced {
      rows.append(line("one caller", free.one))
      rows.append(line("\(load.callers) callers", free.all))
      rows.append(line("one, paced", paced.one))
      rows.append(line("\(load.callers), paced", paced.all))
    }
    var text = Text.table(rows, right: [1, 2])
    text +=
      "The store reaches \(Text.fixed(plainSeconds / store.seconds, 2)) of plain appends, "
      + "\(load.inFlight) batches a caller in flight.\n"
    if let written = store.written {
      text +=
        "It wrote \(Text.fixed(amplification(written.handedOver), 2)) bytes a byte of vectors, ids "
        + "and metadata\(load.isIndexed ? ", index included" : "") (page cache dirtied: "
        + "\(Text.fixed(amplification(written.dirtied), 2)) bytes).\n"
    }
    if let free, let paced {
      text +=
        "\(load.callers) callers commit \(Text.fixed(free.one.seconds / free.all.seconds, 1)) times as many "
        + "batches as one; where both send at the same rate their 99th percentile is "
        + "\(Text.fixed(paced.all.latency(0.99) / paced.one.latency(0.99), 1)) times one caller's.\n"
        + "\(unseen) batches were not seen right after their receipt.\n"
    }
    return text
  }

  private func line(_ name: String, _ result: WriteLoad.Result) -> [String] {
    [
      name, Text.grouped(rate(result.seconds)) + " rows/s",
      Text.grouped(Int(batches / result.seconds)) + " batches/s",
      "p50 \(Text.fixed(result.latency(0.5) * 1000, 2)) ms, "
        + "p99 \(Text.fixed(result.latency(0.99) * 1000, 2)) ms",
    ]
  }
}
