// TOML as a person writes it, against the JSON that says the same, and everything that the subset refuses.
import AssayTesting
import Codecs
import Testing

struct TOMLTests {
    @Test func documentsAreReadAsTheirJSON() throws {
        let text = #"""
            # a comment
            title = "a \"b\" \u00e9\n"   # another
            'bare key' = 'C:\dir'
            count = -1_000
            zero = 0
            list = [ 1, 2, # inside
              3, ]
            deep = [["a"], []]
            inline = { x = 1, "y z" = [true, false] }
            a.b.c = 1
            a.b.d = "2"

            [table]
            on = true
            [table.inner]   # made after its parent
            off = false
            [late.child]
            x = 1
            [late]
            y = 2
            [[rows]]
            n = 1
            [rows.more]
            m = "x"
            [[rows]]
            n = 2
            """#
        let json = #"""
            {"title": "a \"b\" é\n", "bare key": "C:\\dir", "count": -1000, "zero": 0, "list": [1, 2, 3],
             "deep": [["a"], []], "inline": {"x": 1, "y z": [true, false]}, "a": {"b": {"c": 1, "d": "2"}},
             "table": {"on": true, "inner": {"off": false}}, "late": {"child": {"x": 1}, "y": 2},
             "rows": [{"n": 1, "more": {"m": "x"}}, {"n": 2}]}
            """#
        #expect(try JSONValue(toml: Array(text.utf8)) == JSONValue(parsing: Array(json.utf8)))
        let crlf = text.split(separator: "\n", omittingEmptySubsequences: false).joined(separator: "\r\n")
        #expect(try JSONValue(toml: Array(crlf.utf8)) == JSONValue(parsing: Array(json.utf8)))
        #expect(try DocumentText.parse(Array(text.utf8)) == DocumentText.parse(Array(json.utf8)))
    }

    @Test(arguments: [
        ("s = \"\"\"\nfirst\nsecond\"\"\"", "first\nsecond"),
        ("s = '''\n-----BEGIN X-----\nAA==\n'''", "-----BEGIN X-----\nAA==\n"),
        ("s = \"\"\"a \\\n   \n  b\"\"\"", "a b"),
        ("s = \"\"\"\"quoted\"\"\"\"\"", "\"quoted\"\""),
        ("s = ''''''", ""),
        ("s = \"\\U0001F512\"", "\u{1f512}"),
        ("s = \"\\tb\\\\\"", "\tb\\"),
    ])
    func strings(text: String, expected: String) throws {
        #expect(try JSONValue(toml: Array(text.utf8)) == .object(["s": .string(expected)]))
    }

    /// Each refused text with the line that the error must name.
    @Test(arguments: [
        ("a = 1\na = 2", 2), ("a = 1\n[a]", 2), ("[a]\n[a]", 2), ("[a]\nb = 1\n[a.b]", 3), ("[[a]]\n[a]", 2),
        ("a.b = 1\n[a]", 2), ("[a.b]\nx = 1\n[a]\nb.y = 2", 4), ("a = {b = 1}\na.c = 2", 2), ("a = [1]\n[[a]]", 2),
        ("a = {b = 1}\n[a.c]", 2), ("a.b = 1\na = 2", 2), ("a = { b = 1, b = 2 }", 1), ("a = { b = 1, }", 1),
        ("a = { b = 1\n}", 1), ("a = 1.5", 1), ("a = 1e3", 1), ("a = 0x10", 1), ("a = 01", 1), ("a = 1__0", 1),
        ("a = _1", 1), ("a = 2026-02-01T14:50:26Z", 1), ("a = inf", 1), ("a = any", 1), ("a = 9223372036854775808", 1),
        ("a =", 1), ("= 1", 1), ("a", 1), ("a = \"b", 1), ("a = 'b\n'", 1), ("a = \"\u{1}\"", 1), ("a = \"\\q\"", 1),
        ("a = \"\\ud800\"", 1), ("a = \"\\u12\"", 1), ("a = \"\"\"b", 1), ("a = 1 b = 2", 1), ("a = 1\rb = 2", 1),
        ("[a", 1), ("[a]]", 1), ("[]", 1), ("[a.]", 1), ("[[a]", 1), ("a = [1 2]", 1), ("a = [1,,2]", 1),
        ("\"\"\"a\"\"\" = 1", 1), ("# \u{0}", 1), ("\u{feff}a = 1", 1), ("a = '''''''''", 1), ("a = tru", 1),
    ])
    func whatTheSubsetRefuses(text: String, line: Int) {
        do throws(ParseError) {
            let value = try JSONValue(toml: Array(text.utf8))
            Issue.record("\(text) was read as \(value)")
        } catch {
            #expect(error.field == "line \(line)", "\(text): \(error)")
        }
    }

    @Test func boundsHoldBeforeAnythingIsBuilt() {
        let limits = JSONLimits(bytes: 4096, depth: 4, values: 8)
        for text in [
            String(repeating: " ", count: 4097), "a = [[[[1]]]]", "a.b.c.d.e = 1", "[a.b.c.d.e]",
            "a = [1,2,3,4,5,6,7,8]", "a = {b = {c = {d = {}}}}",
        ] {
            #expect(throws: ParseError.self) { try JSONValue(toml: Array(text.utf8), limits: limits) }
        }
        #expect(throws: ParseError.self) { try JSONValue(toml: [0x61, 0x3d, 0x22, 0xff, 0x22]) }
        #expect(throws: ParseError.self) { try JSONValue(toml: [0x23, 0xff]) }
    }

    /// Whatever bytes come, there is a value or an error, and a value survives being written as JSON.
    @Test func randomTextNeverTraps() throws {
        let pieces = [
            "a", "b", ".", "=", "[", "]", "[[", "]]", "{", "}", "\"", "'", "\"\"\"", "'''", "\\", "\n", "\r\n", "#",
            ",",
            "1", "-", "true", " ", "\\u00e9", "_",
        ]
        var generator = SeededGenerator(seed: 0x70_6d6c)
        for round in 0..<20_000 {
            var text = ""
            for _ in 0..<Int.random(in: 1...24, using: &generator) {
                text += pieces[Int.random(in: 0..<pieces.count, using: &generator)]
            }
            guard let value = try? JSONValue(toml: Array(text.utf8)) else { continue }
            #expect(try JSONValue(parsing: value.serialized()) == value, "round \(round): \(text)")
        }
    }
}
