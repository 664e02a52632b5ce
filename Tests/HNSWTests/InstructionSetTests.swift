import CVectorKernels
import HNSW
import TestSupport
import Testing

/// One after the other, since the instruction set is one for the whole process; tests beside these may
/// run on any, with equal results.
@Suite(.serialized) struct InstructionSetTests {
  @Test func `The graph does not depend on instruction sets`() {
    let data = ClusteredCodes(count: 1500, seed: 22)
    let best = vk_isa_current()
    defer { vk_isa_force(best) }
    var hashes: Set<UInt64> = []
    for isa in [VK_ISA_SCALAR, VK_ISA_AVX2, VK_ISA_AVX512, VK_ISA_NEON] {
      guard vk_isa_force(Int32(isa)) == 0 else { continue }
      hashes.insert(data.graph().contentHash())
    }
    #expect(hashes.count == 1)
  }

  @Test(arguments: [VK_FORM_COSINE, VK_FORM_DOT, VK_FORM_L2].map { Int($0) })
  func `A graph over 4-bit codes does not depend on instruction sets or workers`(form: Int) {
    let data = ClusteredCodes(count: 1500, dimension: 300, form: form, seed: 23, isNibbles: true)
    let best = vk_isa_current()
    defer { vk_isa_force(best) }
    var hashes: Set<UInt64> = []
    for isa in [VK_ISA_SCALAR, VK_ISA_AVX2, VK_ISA_AVX512, VK_ISA_NEON] {
      guard vk_isa_force(Int32(isa)) == 0 else { continue }
      for workers in [1, 2, 4] { hashes.insert(data.graph(workers: workers).contentHash()) }
    }
    #expect(hashes.count == 1)
  }

  @Test(arguments: [300, 1100], [VK_FORM_COSINE, VK_FORM_DOT, VK_FORM_L2].map { Int($0) })
  func `Searches find the same on every instruction set`(dimension: Int, form: Int) {
    let data = ClusteredCodes(
      count: 1500,
      dimension: dimension,
      form: form,
      seed: 24,
      isNibbles: true
    )
    let graph = data.graph()
    let best = vk_isa_current()
    defer { vk_isa_force(best) }
    let context = SearchContext()
    var answers: Set<[[UInt64]]> = []
    for isa in [VK_ISA_SCALAR, VK_ISA_AVX2, VK_ISA_AVX512, VK_ISA_NEON] {
      guard vk_isa_force(Int32(isa)) == 0 else { continue }
      answers.insert(
        (1400..<1500).map { data.search(graph, row: $0, ef: 24, context: context) }
      )
    }
    #expect(answers.count == 1)
    vk_isa_force(best)
    let recall = data.recall(graph, queries: 1400, k: 10, ef: 24)
    #expect(recall > 0.85)
  }

  @Test(
    arguments: [1, 2, 7, 8, 9, 16, 24, 32, 40, 64, 65, 72, 96, 100, 128, 129, 200] as [UInt32],
    [1, 2, 3] as [UInt64]
  )
  func `A pool keeps what sorting would keep, on every instruction set`(
    capacity: UInt32,
    seed: UInt64
  ) {
    let best = vk_isa_current()
    defer { vk_isa_force(best) }
    for isa in [VK_ISA_SCALAR, VK_ISA_AVX2, VK_ISA_AVX512, VK_ISA_NEON] {
      guard vk_isa_force(Int32(isa)) == 0 else { continue }
      check(capacity: capacity, seed: seed)
    }
  }

  private func check(capacity: UInt32, seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    let room = Int(capacity) + Int(VK_POOL_SLACK)
    let entries = UnsafeMutablePointer<UInt64>.allocate(capacity: room)
    defer { entries.deallocate() }
    // Also where fewer are expanded than kept.
    let width = UInt32.random(in: 1...capacity, using: &generator)
    var pool = vk_pool(entries: entries, size: 0, capacity: capacity, cursor: 0, width: width)
    vk_pool_clear(&pool)
    var model: [UInt64] = []
    var id: UInt32 = 0
    for _ in 0..<60 {
      let count = Int.random(in: 0...70, using: &generator)
      // Few distinct keys, so that ties are common; keys over the whole range of the type.
      let keys = (0..<count).map { _ in UInt32.random(in: 0...50, using: &generator) &* 85_000_000 }
      let ids = (0..<count).map { _ -> UInt32 in
        id += UInt32.random(in: 1...9, using: &generator)
        return id
      }
      vk_pool_insert(&pool, ids, keys, UInt32(count))
      model += zip(keys, ids).map { UInt64($0) << 32 | UInt64($1) << 1 }
      model = model.sorted().prefix(Int(capacity)) + []
      #expect((0..<Int(pool.size)).map { entries[$0] } == model, "seed \(seed)")
      for _ in 0..<Int.random(in: 0...3, using: &generator) {
        let open = model.prefix(Int(width)).firstIndex { $0 & 1 == 0 }
        let expected = open.map { UInt32(truncatingIfNeeded: model[$0]) >> 1 } ?? .max
        #expect(vk_pool_peek(&pool) == expected)
        #expect(vk_pool_take(&pool) == expected)
        if let open { model[open] |= 1 }
      }
    }
  }
}
