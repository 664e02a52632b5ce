import Testing

@testable import VDBHTTPEmbedding

/// When to come back, as services say it.
struct RetryAfterTests {
  private static let now = 784_111_777.0  // Sun, 06 Nov 1994 08:49:37 GMT

  static let waits: [(String, Duration?)] = [
    ("120", .seconds(120)), (" 0 ", .zero), ("1.5", .milliseconds(1500)), ("-3", nil), ("", nil),
    ("nan", nil), ("inf", nil), ("0x10", nil), ("1e3", nil), ("soon", nil),
    ("99999999999999999999999999", RetryAfter.longest),
    ("Sun, 06 Nov 1994 08:50:07 GMT", .seconds(30)),
    ("Sunday, 06-Nov-94 08:50:07 GMT", .seconds(30)), ("Sun Nov  6 08:50:07 1994", .seconds(30)),
    ("Sat, 05 Nov 1994 08:50:07 GMT", .zero), ("Mon, 07 Nov 1994 08:49:37 GMT", .seconds(86400)),
    ("Fri, 31 Dec 9999 23:59:59 GMT", RetryAfter.longest), ("Sun, 06 Foo 1994 08:50:07 GMT", nil),
    ("Sun, 06 Nov 1994 28:50:07 GMT", nil), ("Sun, 99 Nov 1994 08:50:07 GMT", nil),
    ("Sun, 06 Nov 99999999999999999999 08:50:07 GMT", nil),
  ]

  @Test(arguments: waits.indices)
  func `seconds and the three forms of dates are read`(index: Int) {
    let (text, wait) = Self.waits[index]
    let read = RetryAfter.wait(header: { $0 == "retry-after" ? text : nil }, now: Self.now)
    #expect(read == wait, "\(text)")
  }

  @Test func `a date counts from the time of the service`() {
    let headers = [
      "date": "Tue, 29 Feb 2000 23:59:30 GMT", "retry-after": "Wed, 01 Mar 2000 00:00:10 GMT",
    ]
    #expect(RetryAfter.wait(header: { headers[$0] }, now: Self.now) == .seconds(40))
  }

  @Test func `dates are counted from 1970`() {
    #expect(RetryAfter.seconds(httpDate: "Thu, 01 Jan 1970 00:00:00 GMT") == 0)
    #expect(RetryAfter.seconds(httpDate: "Sun, 06 Nov 1994 08:49:37 GMT") == Self.now)
    #expect(RetryAfter.seconds(httpDate: "Sat, 21 Nov 2026 12:00:00 GMT") == 1_795_262_400)
  }
}
