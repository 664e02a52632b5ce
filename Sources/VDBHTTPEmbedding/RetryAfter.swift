/// What a service says in its headers about when to come back.
enum RetryAfter {
  /// Longer times are cut to this one, so that no number can overflow.
  static let longest: Duration = .seconds(366 * 86400)

  /// The wait asked for.
  ///
  /// - Parameters:
  ///   - header: gives the value of a header by its name in lower case.
  ///   - now: seconds since 1970, used when the answer does not say its own time.
  /// - Returns: `nil` if no wait is asked for, or none that can be read.
  static func wait(header: (String) -> String?, now: Double) -> Duration? {
    if let value = header("retry-after-ms"), let wait = duration(value, unit: 0.001) { return wait }
    guard let value = header("retry-after") else { return nil }
    if let wait = duration(value, unit: 1) { return wait }
    guard let date = seconds(httpDate: value) else { return nil }
    // Both dates by the service's clock, if it says its own: ours may differ.
    let sent = header("date").flatMap { seconds(httpDate: $0) } ?? now
    return clamped(date - sent)
  }

  private static func duration(_ text: String, unit: Double) -> Duration? {
    let digits = text.trimmed
    guard digits.utf8.allSatisfy({ (0x30...0x39).contains($0) || $0 == 0x2E }),
      let value = Double(digits)
    else {
      return nil
    }
    return clamped(value * unit)
  }

  private static func clamped(_ seconds: Double) -> Duration {
    seconds > 366 * 86400 ? longest : .milliseconds(Int(max(0, seconds) * 1000))
  }

  /// The seconds since 1970 of a date in any of the three forms of RFC 9110, 5.6.7.
  static func seconds(httpDate text: String) -> Double? {
    let parts = text.split { !$0.isASCII || !($0.isLetter || $0.isNumber) }.map(String.init)
    let (day, month, year, time): (String, String, String, ArraySlice<String>)
    switch parts.count {
    // Sun, 06 Nov 1994 08:49:37 GMT, or Sunday, 06-Nov-94 08:49:37 GMT.
    case 8: (day, month, year, time) = (parts[1], parts[2], parts[3], parts[4..<7])
    // Sun Nov  6 08:49:37 1994.
    case 7: (day, month, year, time) = (parts[2], parts[1], parts[6], parts[3..<6])
    default: return nil
    }
    let clock = time.compactMap { Int($0) }
    guard let day = Int(day), var year = Int(year), clock.count == 3,
      let month = months.firstIndex(of: month.lowercased()),
      (1...31).contains(day), (0...9999).contains(year), (0..<24).contains(clock[0]),
      (0..<60).contains(clock[1]), (0...60).contains(clock[2])
    else {
      return nil
    }
    // Two digits: the nearest year of the century that was or is.
    if year < 100 { year += year < 70 ? 2000 : 1900 }
    let days = daysSince1970(year: year, month: month + 1, day: day)
    return Double(days * 86400 + clock[0] * 3600 + clock[1] * 60 + clock[2])
  }

  private static let months = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
  ]

  /// Days in the Gregorian calendar, with years that begin in March so that leap days come last.
  private static func daysSince1970(year: Int, month: Int, day: Int) -> Int {
    let marchYear = month > 2 ? year : year - 1
    let dayOfYear = (153 * ((month + 9) % 12) + 2) / 5 + day - 1
    return 365 * marchYear + marchYear / 4 - marchYear / 100 + marchYear / 400 + dayOfYear - 719_468
  }
}

extension String {
  /// Without the blanks around it.
  fileprivate var trimmed: String {
    var rest = self[...]
    while rest.first == " " { rest.removeFirst() }
    while rest.last == " " { rest.removeLast() }
    return String(rest)
  }
}
