// What every page must have, read from its markup: matched tags, one main heading, captions and scopes in tables.
import Codecs
import Testing

enum HTMLOutline {
    private static let void: Set<String> = ["meta", "link", "br"]

    /// Checks the outline of a page.
    static func check(_ text: String) throws {
        var open: [String] = []
        var headings = 0
        var tables = 0
        var captions = 0
        var rest = Substring(text).dropFirst("<!doctype html>".count)
        while let start = rest.firstIndex(of: "<") {
            let end = try #require(rest[start...].firstIndex(of: ">"), "an unclosed tag")
            let tag = rest[rest.index(after: start)..<end]
            rest = rest[rest.index(after: end)...]
            let name = String(tag.drop { $0 == "/" }.prefix { $0.isLetter || $0.isNumber })
            if tag.hasPrefix("/") {
                #expect(open.popLast() == name, "</\(name)> closes another element")
                continue
            }
            switch name {
            case "h1": headings += 1
            case "table": tables += 1
            case "caption": captions += 1
            case "th": #expect(tag.contains("scope="), "a header cell without a scope: \(tag)")
            case "a": #expect(tag.contains("href="), "an anchor without a target")
            case "svg": #expect(tag.contains("aria-label="), "a picture without words")
            case "html": #expect(tag.contains("lang="))
            default: break
            }
            if !void.contains(name) { open.append(name) }
        }
        #expect(open.isEmpty, "never closed: \(open)")
        #expect(headings == 1)
        // A table that continues another one's settlement may go without.
        #expect(captions >= tables - 1)
    }
}
