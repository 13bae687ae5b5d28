// Members taken one by one, each with type and bounds; what nobody asked for is an error with a hint.
import AssayTesting
import Codecs
import Testing

private enum Colour: String, CaseIterable {
    case red
    case green
}

@Suite struct JSONReaderTests {
    private func reader(_ text: String) throws -> JSONReader {
        try JSONReader(try JSONValue(parsing: Array(text.utf8)), "doc")
    }

    @Test func readsEveryKind() throws {
        var reader = try reader(
            """
            {"s":"x","i":-5,"d":"18446744073709551615","h":"00ff","b":true,"a":[1,2],"o":{"k":"v"},"c":"green","t":"tag"}
            """
        )
        #expect(try reader.string("s") == "x")
        #expect(try reader.optionalString("missing") == nil)
        #expect(try reader.integer("i", in: -5...5) == -5)
        #expect(try reader.decimal("d") == UInt64.max)
        #expect(try reader.hex("h", count: 2) == [0, 255])
        #expect(try reader.bool("b"))
        #expect(try reader.array("a", max: 2).count == 2)
        var inner = try reader.object("o")
        #expect(try inner.string("k") == "v")
        try inner.finish()
        #expect(try reader.choice("c", Colour.self) == .green)
        try reader.constant("t", "tag")
        try reader.finish()
    }

    @Test func unknownMembersNameTheNearestKnownOne() throws {
        var reader = try reader("{\"name\":\"x\",\"nmae\":1}")
        _ = try reader.string("name")
        _ = try reader.optionalString("colour")
        let error = #expect(throws: ParseError.self) { try reader.finish() }
        #expect(error?.field == "doc.nmae")
        #expect(error?.expected == "a known field (nearest known: 'name')")
        #expect(error?.actual == "unknown field 'nmae'")
    }

    @Test func lookingIsNotTaking() throws {
        let reader = try reader("{\"a\":1}")
        #expect(reader.has("a"))
        #expect(!reader.has("b"))
        #expect(throws: ParseError.self) { try reader.finish() }
    }

    /// Each text in turn as member `x`, and a read that must refuse it.
    @Test(arguments: [
        ("1", "string"), ("null", "string"), ("\"1\"", "integer"), ("11", "integer"), ("-1", "integer"),
        ("99999999999999999999", "integer"), ("1", "decimal"), ("\"01\"", "decimal"), ("\"-1\"", "decimal"),
        ("\"+1\"", "decimal"), ("\"18446744073709551616\"", "decimal"), ("\"\"", "decimal"), ("\" 1\"", "decimal"),
        ("\"\u{661}\"", "decimal"), ("\"0F\"", "hex"), ("\"0\"", "hex"), ("\"0000\"", "hex"), ("0", "hex"),
        ("0", "bool"),
        ("\"true\"", "bool"), ("{}", "array"), ("[1,2,3]", "array"), ("[]", "object"), ("\"blue\"", "choice"),
        ("\"Red\"", "choice"), ("\"other\"", "constant"), ("\"too long\"", "short"), ("null", "optional"),
    ])
    func otherTypesAndValuesAreRefused(_ text: String, _ read: String) throws {
        var reader = try reader("{\"x\":\(text)}")
        let error = #expect(throws: ParseError.self) {
            switch read {
            case "string": _ = try reader.string("x")
            case "integer": _ = try reader.integer("x", in: 0...10)
            case "decimal": _ = try reader.decimal("x")
            case "hex": _ = try reader.hex("x", count: 1)
            case "bool": _ = try reader.bool("x")
            case "array": _ = try reader.array("x", max: 2)
            case "object": _ = try reader.object("x")
            case "choice": _ = try reader.choice("x", Colour.self)
            case "constant": try reader.constant("x", "tag")
            case "short": _ = try reader.string("x", maxBytes: 7)
            default: _ = try reader.optionalString("x")
            }
        }
        #expect(error?.field == "doc.x")
    }

    @Test func missingMembersAreNamed() throws {
        var reader = try reader("{}")
        let error = #expect(throws: ParseError.self) { try reader.integer("count") }
        #expect(error?.field == "doc.count")
        #expect(error?.actual == "nothing")
    }

    @Test func pathsOfElementsHaveTheirIndex() throws {
        var reader = try reader("{\"list\":[{\"n\":1},{\"n\":\"x\"}]}")
        let error = #expect(throws: ParseError.self) {
            try reader.array("list", max: 5) { (value, path) throws(ParseError) -> Int64 in
                var item = try JSONReader(value, path)
                return try item.integer("n")
            }
        }
        #expect(error?.field == "doc.list[1].n")
    }

    @Test func onlyObjectsHaveMembers() {
        for value: JSONValue in [.null, .array([]), .string("{}"), .integer(1), .bool(true)] {
            #expect(throws: ParseError.self) { try JSONReader(value) }
        }
    }
}
