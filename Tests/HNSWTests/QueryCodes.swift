import CVectorKernels
import HNSW

/// Rows' own codes as queries, for as long as it lives.
final class QueryCodes {
  private(set) var queries: [vk_code_query] = []
  private var buffers: [UnsafeMutableRawPointer] = []

  init(_ data: ClusteredCodes, rows: [UInt32]) {
    var codes = data.codes
    let stride = Int(vk_query_stride(&codes))
    for row in rows {
      let buffer = UnsafeMutableRawPointer.allocate(byteCount: stride, alignment: 64)
      buffers.append(buffer)
      var query = vk_code_query()
      let bytes = buffer.bindMemory(to: Int8.self, capacity: stride)
      vk_query_from_row(&codes, row, bytes, &query)
      queries.append(query)
    }
  }

  deinit { for buffer in buffers { buffer.deallocate() } }
}
