import Foundation
import VDB
import VDBIngest

/// What `vdbtool bench ann` measured.
struct BenchReport {
  var info: CollectionInfo
  var importSeconds: Double
  var buildSeconds: Double
  var points: [RecallSweep.Point]
  var repetitions: Int
  var memory: ResidentMemory
  /// Bytes of links and codes, which a walk of the graph may touch.
  var searchBytes: Int

  /// Prints a table for people and, as the last line, the object that comparisons read.
  func report(threads: Int, since before: ResidentMemory, withTable: Bool) throws {
    let rows = info.rows
    if withTable {
      let table = points.map {
        ["\($0.ef)", Text.fixed($0.recall, 4), Text.grouped(Int($0.qps.rounded()))]
      }
      try StandardOutput.write(
        "Imported in \(Text.duration(importSeconds)), "
          + "indexed in \(Text.duration(buildSeconds)).\n"
          + Text.table([["ef", "recall@10", "QPS"]] + table, right: [0, 1, 2])
      )
    }
    try StandardOutput.writeJSON { writer in
      writer.member("lib", "vdb")
      writer.member("n", rows)
      writer.member("d", info.options.dimension)
      writer.member("threads", threads)
      writer.member("build_s", rounded: buildSeconds, 2)
      writer.member("build_per_s", rounded: Double(rows) / buildSeconds, 0)
      writer.member("rss_mb", rounded: Double(memory.total - before.total) / 1_048_576, 0)
      writer.member("mapped_mb", rounded: Double(memory.mapped) / 1_048_576, 0)
      writer.member("search_mb", rounded: Double(searchBytes) / 1_048_576, 1)
      writer.member("peak_mb", rounded: Double(memory.peak) / 1_048_576, 0)
      writer.member("import_s", rounded: importSeconds, 2)
      writer.key("points")
      writer.array { array in
        for point in points {
          array.array {
            $0.int(point.ef)
            $0.rounded(point.recall, 4)
            $0.rounded(point.qps, 0)
          }
        }
      }
      writer.key("scored")
      writer.array { array in
        for point in points {
          array.array {
            $0.int(point.ef)
            $0.rounded(point.scored, 1)
            $0.rounded(point.compared, 1)
          }
        }
      }
      writer.key("conditions")
      writer.object { conditions(&$0) }
    }
  }

  private func conditions(_ writer: inout JSONWriter) {
    let options = info.options
    writer.member("metric", options.metric.rawValue)
    writer.member("element", options.element.rawValue)
    writer.member("m", options.index.m)
    writer.member("ef_construction", options.index.efConstruction)
    writer.member("k", BenchANNCommand.neighbours)
    writer.member("repetitions", repetitions)
    writer.member("batch_rows", 1000)
    writer.member("cores", ProcessInfo.processInfo.activeProcessorCount)
  }
}
