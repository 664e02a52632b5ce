import CVectorKernels
import VectorKernels

/// Memory that kernels are measured on: a pattern of numbers over and over, aligned to pages.
///
/// Safe: it is freed with the object, and kernels are given no more rows than fit.
@safe final class KernelMemory {
  let base: UnsafeMutableRawPointer
  let count: Int
  private static let patternBytes = 1 << 16

  /// `count` bytes of numbers of the element type: whole ones where they are bytes, else from -1 to 1.
  init(count: Int, element: ElementType) {
    self.count = count
    // A pattern's excess is never read.
    unsafe base = .allocate(byteCount: count + Self.patternBytes, alignment: 4096)
    var state: UInt64 = 0x5EED
    let floats = (0..<(Self.patternBytes / element.bytes)).map { _ in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Float(Int32(truncatingIfNeeded: state >> 32)) / Float(Int32.max)
    }
    switch element {
    case .float32: fill(with: floats)
    case .float16:
      var halves = [UInt16](repeating: 0, count: floats.count)
      unsafe vk_f32_to_f16(floats, &halves, floats.count)
      fill(with: halves)
    case .int8: fill(with: floats.map { Int8($0 * 127) })
    }
  }

  /// `count` bytes of whole numbers.
  convenience init(count: Int) { self.init(count: count, element: .int8) }

  deinit { unsafe base.deallocate() }

  private func fill(with pattern: [some BitwiseCopyable]) {
    unsafe pattern.withUnsafeBytes { pattern in
      guard let source = pattern.baseAddress else { return }
      for offset in stride(from: 0, to: count, by: pattern.count) {
        unsafe (base + offset).copyMemory(from: source, byteCount: pattern.count)
      }
    }
  }

  /// What a plain loop reads of this memory, in bytes a second.
  func readRate(_ clock: KernelClock) -> Double {
    Double(count) / clock.seconds { _ = unsafe vk_read_sum(base, count / 8) }
  }
}

/// Times short calls on the calling thread.
struct KernelClock {
  /// Which time counts.
  enum Time {
    /// What passes, for comparing with what other threads do.
    case wall
    /// What the thread runs, which other programs disturb less.
    case thread
  }

  /// How many seconds each of five samples takes at least.
  let sample: Double
  let time: Time

  private var now: Double {
    switch time {
    case .wall: (ContinuousClock.now - Self.start) / .seconds(1)
    case .thread: ThreadTime.seconds
    }
  }
  private static let start = ContinuousClock.now

  /// Seconds of one call, the median of the samples.
  func seconds(_ body: () -> Void) -> Double {
    body()
    let samples = (0..<5).map { _ in
      var calls = 0
      let start = now
      var elapsed = 0.0
      repeat {
        body()
        calls += 1
        elapsed = now - start
      } while elapsed < sample
      return elapsed / Double(calls)
    }
    return samples.sorted()[samples.count / 2]
  }
}
