// What Scripts/check-hot-loops --self-test looks at: one loop without and several with a defect each.

@_silgen_name("vk_score_codes")
func score(_ value: Int) -> Int

@_silgen_name("vk_add_score")
func addScore(_ value: inout Int)

final class Counter {
  var value = 0
}

protocol Rule: AnyObject {
  func weight(of value: Int) -> Int
}

final class Even: Rule {
  var seen = 0
  func weight(of value: Int) -> Int {
    seen &+= 1
    return value & 2
  }
}

final class Odd: Rule {
  var seen = 0
  func weight(of value: Int) -> Int {
    seen &+= 2
    return value & 1
  }
}

struct Walk {
  @inline(never)
  func clean(_ count: Int) -> Int {
    var sum = 0
    for i in 0..<count { sum &+= score(i) }
    return sum
  }

  @inline(never)
  func counted(_ counters: [Counter], _ last: inout Counter) -> Int {
    var sum = 0
    for counter in counters {
      sum &+= score(sum)
      if sum & 1 == 0 { last = counter }
    }
    return sum
  }

  @inline(never)
  func exclusive(_ counter: Counter, _ count: Int) {
    for _ in 0..<count { addScore(&counter.value) }
  }

  @inline(never)
  func witness(_ rule: any Rule, _ count: Int) -> Int {
    var sum = 0
    for i in 0..<count { sum &+= score(i) &* rule.weight(of: i) }
    return sum
  }

  @inline(never)
  func growing(_ count: Int, _ kept: inout [Int]) {
    for i in 0..<count { kept.append(score(i)) }
  }
}

// What the optimizer must not see through.
@inline(never)
@_optimize(none)
func opaque<Value>(_ value: Value) -> Value { value }

@main
enum Planted {
  static func main() {
    let walk = opaque(Walk())
    let count = opaque(CommandLine.arguments.count)
    let counters = (0..<count).map { _ in opaque(Counter()) }
    var last = opaque(Counter())
    var kept: [Int] = []
    let rule: any Rule = opaque(count > 1) ? opaque(Even()) : opaque(Odd())
    print(walk.clean(count), walk.counted(counters, &last), walk.witness(rule, count))
    walk.exclusive(last, count)
    walk.growing(count, &kept)
    print(last.value, kept)
  }
}
