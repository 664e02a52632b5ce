import Testing

@testable import VDBIngest

/// What each cleaner changes, and what it leaves alone.
struct CleanerTests {
  static let html: [(String, String)] = [
    ("plain", "plain"), ("<p>a</p>", "\na\n"), ("a<br/>b", "a\nb"), ("<b>a</b>b", "ab"),
    ("a &amp; b &lt;c&gt; &eacute;&#233;&#xE9;", "a & b <c> ééé"),
    ("&nope; &amp &", "&nope; &amp &"),
    ("1 < 2 and 3 > 2", "1 < 2 and 3 > 2"), ("a <- b", "a <- b"), ("x<y", "x<y"),
    ("<a title=\"1 > 0\">t</a>", "t"), ("<a href='x'>t</a>", "t"), ("<!-- <b> -->t", "t"),
    ("<script>if (a<b) {}</script>t", "t"), ("<STYLE>p{}</STYLE>t", "t"), ("t<script>x", "t"),
    ("<!DOCTYPE html>t", "t"), ("a<", "a<"), ("a&", "a&"), ("&#0;&#xD800;", "\0&#xD800;"),
    ("<ü>", "<ü>"), ("日<i>本</i>", "日本"), ("&#99999999999;", "&#99999999999;"),
  ]

  @Test(arguments: html)
  func `markup goes and text stays`(text: String, cleaned: String) {
    #expect(HTMLStripping().clean(text) == cleaned)
  }

  static let control: [(String, String)] = [
    ("a\tb\nc", "a\tb\nc"), ("a\r\nb\rc", "a\nb\nc"), ("a\0b\u{7F}c\u{85}", "abc"),
    ("\u{FEFF}a\u{200B}b", "ab"), ("👩\u{200D}🚀", "👩\u{200D}🚀"), ("a\u{AD}b", "ab"),
    ("می\u{200C}خواهم", "می\u{200C}خواهم"), ("a\u{FFFD}b\u{E000}", "ab"), ("é\u{202E}", "é"),
    ("\r\n\r\n", "\n\n"),
  ]

  @Test(arguments: control)
  func `control characters go`(text: String, cleaned: String) {
    #expect(ControlCharacters().clean(text) == cleaned)
  }

  static let space: [(String, String, String)] = [
    ("a b", "a b", "a b"), ("  a  b ", "a b", "a b"), ("a\n b", "a b", "a\nb"),
    ("a\n\n\n b", "a b", "a\n\nb"), ("\u{A0}a\u{3000}b\u{2009}", "a b", "a b"), ("", "", ""),
    (" \n ", "", ""), ("a\u{2029}b", "a b", "a\n\nb"), ("é  è", "é è", "é è"),
  ]

  @Test(arguments: space)
  func `white space becomes one space or line end`(text: String, one: String, lines: String) {
    #expect(Whitespace().clean(text) == one)
    #expect(Whitespace(keepsLines: true).clean(text) == lines)
  }

  @Test func `composed and decomposed letters become the same bytes`() {
    let decomposed = Composition().clean("e\u{301}") ?? ""
    #expect(decomposed.utf8.elementsEqual("\u{E9}".utf8))
    #expect(Composition().clean("plain") == "plain")
  }

  @Test func `long texts are cut at characters and short ones refused`() {
    let cut = Length(cutBytes: 16)
    #expect(cut.clean("0123456789abcdefgh") == "0123456789abcdef")
    #expect(cut.clean("0123456789abcdé") == "0123456789abcdé")
    #expect(cut.clean("0123456789abcdeé") == "0123456789abcde")
    #expect(cut.clean("0123456789abcd🇩🇪") == "0123456789abcd")
    #expect(cut.clean("0123456789abcde\u{301}x") == "0123456789abcd")
    // One character alone that is longer than the limit is cut within.
    #expect(cut.clean("a" + String(repeating: "\u{301}", count: 100))?.utf8.count == 15)
    #expect(Length().clean("") == nil)
    #expect(Length(atLeast: 3).clean("éé") == nil)
    #expect(Length(atLeast: 2).clean("éé") == "éé")
  }

  @Test func `a chain runs in its order and names itself`() {
    struct Shout: TextCleaner {
      let name = "shout"
      func clean(_ text: String) -> String? { text.uppercased() }
    }
    let chain = CleaningChain([HTMLStripping(), Whitespace(), Shout(), Length()])
    #expect(chain.clean(" <b>hi</b>\n there ") == "HI THERE")
    #expect(chain.clean("<br>") == nil)
    #expect(chain.name.hasPrefix("html+whitespace+shout+length"))
    #expect(CleaningChain.standard.clean("<p>Caf\u{65}\u{301}&nbsp;au  lait</p>") == "Café au lait")
    #expect(CleaningChain.fast.clean("<p>a  b") == "<p>a b")
  }

  @Test func `hostile texts take no quadratic time`() {
    for piece in ["<", "<a ", "<!--", "&", "&#", "<a x='", "<script>", "</", "<a \"", "a\u{301}"] {
      let text = String(repeating: piece, count: 50_000)
      _ = CleaningChain.standard.clean(text)
    }
  }
}
