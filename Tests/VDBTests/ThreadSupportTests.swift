import Foundation
import Testing

@testable import VDB

@Suite struct `Work at a priority` {
  /// What the kernel makes of the calling thread.
  private static var niceness: Int32 {
    #if canImport(Glibc)
      getpriority(Int32(PRIO_PROCESS.rawValue), 0)
    #else
      0
    #endif
  }

  @Test func `gives way on a thread of its own and leaves the caller's alone`() {
    let own = Self.niceness
    var order: [Int] = []
    let within = withThread(of: .background, named: "vdb.test") {
      order.append(1)
      #if canImport(Darwin)
        #expect(Thread.current.qualityOfService == .utility)
      #endif
      return Self.niceness
    }
    order.append(2)
    #expect(order == [1, 2])
    #if canImport(Glibc)
      #expect(within == min(19, own + 5))
    #endif
    #expect(Self.niceness == own)
  }

  @Test func `stays on the caller's thread at normal priority`() {
    let thread = Thread.current
    #expect(withThread(of: .normal, named: "vdb.test") { Thread.current } === thread)
  }
}
