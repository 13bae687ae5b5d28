// The strict JSON reader: what it accepts is written back the same, everything else is refused.
import AssayTesting
import Codecs
import Testing

@Suite struct JSONParserTests {
    private func parse(_ text: String, _ limits: JSONLimits = JSONLimits()) throws(ParseError) -> JSONValue {
        try JSONValue(parsing: Array(text.utf8), limits: limits)
    }

    @Test(arguments: [
        "null", "true", "false", "0", "-1", "12345678901234567890123", "\"\"", "\"a\"", "[]", "{}", "[1,2,3]",
        "{\"a\":{\"b\":[null,true]}}", "\"\u{e9}\u{1f600}\"", "\"\\\"\\\\\\b\\f\\n\\r\\t\"", "\"\\u0000\\u001f\"",
        "[[[]]]",
        "\"\u{7f}\"",
    ])
    func compactTextReadsBackToItself(_ text: String) throws {
        #expect(try parse(text).serialized() == Array(text.utf8))
    }

    @Test func spaceIsSkippedAndEscapesAreUndone() throws {
        #expect(try parse(" \t\r\n[ 1 , 2 ] \n") == .array([.integer(1), .integer(2)]))
        #expect(try parse("\"\\u0041\\/\\u00e9\"") == .string("A/\u{e9}"))
        #expect(try parse("\"\\ud83d\\ude00\"") == .string("\u{1f600}"))
        #expect(try parse("\"\\uD834\\uDD1E\"") == .string("\u{1d11e}"))
        #expect(try parse("\"\\ufeff\"") == .string("\u{feff}"))
    }

    @Test(arguments: [
        "", " ", "nul", "nulll", "True", "tru", "+1", "01", "-", "-01", ".5", "1.", "1e", "1e+", "0x10", "NaN",
        "Infinity",
        "-Infinity", "[", "]", "[1", "[1,", "[1,]", "[,1]", "[1 2]", "{", "}", "{\"a\"}", "{\"a\":}", "{\"a\":1,}",
        "{\"a\":1", "{a:1}", "{'a':1}", "{1:1}", "{\"a\" 1}", "{,}", "\"", "\"a", "\"\\\"", "\"\\x\"", "\"\\u12\"",
        "\"\\u12g4\"", "\"\\ud800\"", "\"\\udc00\"", "\"\\ud800\\u0041\"", "\"\\ud800\\ud800\"", "\"\\ud800a\"",
        "\"\\ud800\\n\"", "\"\n\"", "\"\t\"", "\"\u{00}\"", "\"\u{1f}\"", "1 2", "null null", "{} {}", "[]]", "//x\n1",
        "/**/1", "\u{feff}1", "\u{a0}1", "\u{2028}1", "1\u{0b}", "'a'", "\"\\u+123\"", "\"\\u 123\"",
    ])
    func otherTextIsRefused(_ text: String) {
        #expect(throws: ParseError.self) { try parse(text) }
    }

    @Test(arguments: ["1.5", "1.0", "1e3", "1E3", "-0", "-0.0", "0e0", "1e400"])
    func fractionsNeedLeave(_ text: String) throws {
        #expect(throws: ParseError.self) { try parse(text) }
        guard case .number(let number) = try parse(text, JSONLimits(allowsFractions: true)) else {
            Issue.record("no number")
            return
        }
        #expect(number.text == text)
        #expect(number.integer == nil || text == "-0")
    }

    private static let foreignBytes: [[UInt8]] = [
        [0x22, 0x80, 0x22], [0x22, 0xc0, 0x80, 0x22], [0x22, 0xed, 0xa0, 0x80, 0x22],
        [0x22, 0xf4, 0x90, 0x80, 0x80, 0x22], [0x22, 0xff, 0x22], [0x22, 0xc3, 0x22], [0x22, 0xe2, 0x82, 0x22],
        [0xff, 0xfe, 0x31, 0x00], [0xef, 0xbb, 0xbf, 0x31],
    ]

    @Test(arguments: foreignBytes)
    func bytesThatAreNotUTF8AreRefused(_ bytes: [UInt8]) {
        #expect(throws: ParseError.self) { try JSONValue(parsing: bytes) }
    }

    @Test(arguments: [
        "{\"a\":1,\"a\":1}", "{\"a\":1,\"b\":2,\"a\":3}", "{\"a\":1,\"\\u0061\":2}", "{\"x\":{\"\":1,\"\":2}}",
        "{\"\u{e9}\":1,\"e\u{301}\":2}",
    ])
    func membersThatComeTwiceAreRefused(_ text: String) {
        #expect(throws: ParseError.self) { try parse(text) }
    }

    @Test func nestingIsBounded() throws {
        func nested(_ depth: Int) -> String {
            String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        }
        _ = try parse(nested(32))
        #expect(throws: ParseError.self) { try parse(nested(33)) }
        #expect(throws: ParseError.self) { try parse(String(repeating: "[", count: 1_000_000)) }
        let objects = String(repeating: "{\"a\":", count: 33) + "1" + String(repeating: "}", count: 33)
        #expect(throws: ParseError.self) { try parse(objects) }
        _ = try parse(nested(3), JSONLimits(depth: 3))
        #expect(throws: ParseError.self) { try parse(nested(4), JSONLimits(depth: 3)) }
    }

    @Test func sizeAndCountAreBounded() throws {
        _ = try parse("[1,2]", JSONLimits(bytes: 5, values: 3))
        #expect(throws: ParseError.self) { try parse("[1,2]", JSONLimits(bytes: 4)) }
        #expect(throws: ParseError.self) { try parse("[1,2]", JSONLimits(values: 2)) }
    }

    @Test func everyTruncationIsRefused() throws {
        let text = "{\"a\":[1,-20,\"x\\u00e9\\n\",null,true,{\"b\":{}}],\"c\":\"\"}"
        _ = try parse(text)
        for count in 0..<text.utf8.count {
            #expect(throws: ParseError.self, "\(count)") { try JSONValue(parsing: Array(text.utf8.prefix(count))) }
        }
    }

    @Test func randomDamageNeverTraps() {
        let text = Array("{\"a\":[1,-20,\"x\\u00e9\\ud83d\\ude00\",null,true,{\"b\":{}}],\"c\":\"\"}".utf8)
        for seed: UInt64 in 0..<2000 {
            var generator = SeededGenerator(seed: seed)
            var bytes = text
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                bytes[Int.random(in: bytes.indices, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
            }
            if let value = try? JSONValue(parsing: bytes) {
                // Whatever is accepted is written to text that reads back to the same value.
                #expect((try? JSONValue(parsing: value.serialized())) == value, "seed \(seed)")
            }
        }
    }

    @Test func errorsSayWhere() {
        let error = #expect(throws: ParseError.self) { try parse("{\"a\": 1,\n \"a\": 2}") }
        #expect(error?.offset == 10)
        #expect(error?.actual == "'a' twice")
    }
}

@Suite struct JSONWriterTests {
    @Test func membersKeepTheirOrder() throws {
        let value: JSONValue = .object(["b": .integer(1), "a": .array([]), "c": .object([:])])
        #expect(value.text() == "{\"b\":1,\"a\":[],\"c\":{}}")
        #expect(try JSONValue(parsing: value.serialized()).text() == value.text())
    }

    @Test func theIndentedFormReadsBack() throws {
        let value: JSONValue = .object([
            "a": .array([.object(["x": .null]), .array([.bool(false)])]), "s": .string("\u{1}\"\\\u{e9}"),
            "e": .array([]),
        ])
        #expect(value.text(pretty: true).hasSuffix("}\n"))
        #expect(try JSONValue(parsing: value.serialized(pretty: true)) == value)
    }

    @Test func integersAreWrittenExactly() {
        #expect(JSONValue.integer(Int64.min).text() == "-9223372036854775808")
        #expect(JSONValue.integer(UInt64.max).text() == "18446744073709551615")
        #expect(JSONValue.integer(0).text() == "0")
    }
}

@Suite struct JSONObjectTests {
    @Test func settingReplacesAppendsAndRemoves() {
        var object: JSONObject = ["a": .integer(1), "b": .integer(2), "c": .integer(3)]
        object["b"] = .integer(20)
        object["d"] = .integer(4)
        object["a"] = nil
        object["zz"] = nil
        #expect(object.members.map(\.name) == ["b", "c", "d"])
        #expect(object["b"] == .integer(20))
        #expect(object["c"] == .integer(3))
        #expect(object["a"] == nil)
    }

    @Test func orderDoesNotMatterForEquality() {
        let one: JSONObject = ["a": .integer(1), "b": .integer(2)]
        let two: JSONObject = ["b": .integer(2), "a": .integer(1)]
        #expect(one == two)
        let three: JSONObject = ["a": .integer(1)]
        #expect(one != three)
    }
}
