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
      writer.key("lib")
      writer.string("vdb")
      writer.key("n")
      writer.int(rows)
      writer.key("d")
      writer.int(info.options.dimension)
      writer.key("threads")
      writer.int(threads)
      writer.key("build_s")
      writer.rounded(buildSeconds, 2)
      writer.key("build_per_s")
      writer.rounded(Double(rows) / buildSeconds, 0)
      writer.key("rss_mb")
      writer.rounded(Double(memory.total - before.total) / 1_048_576, 0)
      writer.key("mapped_mb")
      writer.rounded(Double(memory.mapped) / 1_048_576, 0)
      writer.key("search_mb")
      writer.rounded(Double(searchBytes) / 1_048_576, 1)
      writer.key("peak_mb")
      writer.rounded(Double(memory.peak) / 1_048_576, 0)
      writer.key("import_s")
      writer.rounded(importSeconds, 2)
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
    writer.key("metric")
    writer.string(options.metric.rawValue)
    writer.key("element")
    writer.string(options.element.rawValue)
    writer.key("m")
    writer.int(options.index.m)
    writer.key("ef_construction")
    writer.int(options.index.efConstruction)
    writer.key("k")
    writer.int(BenchANNCommand.neighbours)
    writer.key("repetitions")
    writer.int(repetitions)
    writer.key("batch_rows")
    writer.int(1000)
    writer.key("cores")
    writer.int(ProcessInfo.processInfo.activeProcessorCount)
  }
}
