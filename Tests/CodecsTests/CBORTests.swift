// The examples of RFC 8949 Appendix A, the encodings that must be refused, and the writer against the reader.
import Codecs
import Testing

@Suite struct CBORTests {
    /// Deterministic encodings from RFC 8949 Appendix A, with the value each stands for.
    static let deterministic: [(String, CBORValue)] = [
        ("00", .unsigned(0)), ("17", .unsigned(23)), ("1818", .unsigned(24)), ("1864", .unsigned(100)),
        ("1903e8", .unsigned(1000)), ("1a000f4240", .unsigned(1_000_000)),
        ("1b000000e8d4a51000", .unsigned(1_000_000_000_000)), ("1bffffffffffffffff", .unsigned(UInt64.max)),
        ("20", .negative(0)), ("3863", .integer(-100)), ("3903e7", .integer(-1000)),
        ("3bffffffffffffffff", .negative(UInt64.max)),
        ("f90000", .float(0)), ("f98000", .float(-0.0)), ("f93c00", .float(1)), ("fb3ff199999999999a", .float(1.1)),
        ("f93e00", .float(1.5)), ("f97bff", .float(65504)), ("fa47c35000", .float(100000)),
        ("fa7f7fffff", .float(3.4028234663852886e+38)), ("fb7e37e43c8800759c", .float(1.0e+300)),
        ("f90001", .float(5.960464477539063e-8)), ("f90400", .float(0.00006103515625)), ("f9c400", .float(-4)),
        ("fbc010666666666666", .float(-4.1)), ("f97c00", .float(.infinity)), ("f9fc00", .float(-.infinity)),
        ("f4", .bool(false)), ("f5", .bool(true)), ("f6", .null), ("f7", .undefined), ("f0", .simple(16)),
        ("f8ff", .simple(255)), ("c11a514b67b0", .tagged(1, .unsigned(1_363_896_240))),
        ("d74401020304", .tagged(23, .bytes([1, 2, 3, 4]))), ("40", .bytes([])), ("4401020304", .bytes([1, 2, 3, 4])),
        ("60", .text("")), ("6161", .text("a")), ("6449455446", .text("IETF")), ("62225c", .text("\"\\")),
        ("62c3bc", .text("ü")), ("63e6b0b4", .text("水")), ("64f0908591", .text("𐅑")), ("80", .array([])),
        ("83010203", .array([.unsigned(1), .unsigned(2), .unsigned(3)])),
        (
            "8301820203820405",
            .array([
                .unsigned(1), .array([.unsigned(2), .unsigned(3)]), .array([.unsigned(4), .unsigned(5)]),
            ])
        ),
        ("a0", .map([])),
        ("a201020304", .map([.init(.unsigned(1), .unsigned(2)), .init(.unsigned(3), .unsigned(4))])),
        (
            "a26161016162820203",
            .map([.init(.text("a"), .unsigned(1)), .init(.text("b"), .array([.unsigned(2), .unsigned(3)]))])
        ),
    ]

    @Test(arguments: deterministic) func appendixA(_ text: String, _ value: CBORValue) throws {
        let bytes = try Hex.decode(text)
        let item = try CBORItem(parsing: bytes)
        #expect(item.value == value)
        #expect(Array(item.encoding) == bytes)
        #expect(value.encoded() == bytes)
        #expect(try CBORItem(parsing: bytes, .tolerant).value == value)
        // No prefix and no extension of an item is an item.
        for count in 0..<bytes.count {
            #expect(throws: ParseError.self) { try CBORItem(parsing: bytes[..<count], .tolerant) }
        }
        #expect(throws: ParseError.self) { try CBORItem(parsing: bytes + [0], .tolerant) }
    }

    @Test func notANumberHasOneEncoding() throws {
        #expect(CBORValue.float(.nan).encoded() == [0xf9, 0x7e, 0x00])
        #expect(throws: Never.self) { try CBORItem(parsing: [0xf9, 0x7e, 0x00]) }
        #expect(throws: ParseError.self) { try CBORItem(parsing: [0xf9, 0x7e, 0x01]) }
        #expect(throws: ParseError.self) { try CBORItem(parsing: [0xfb, 0x7f, 0xf8, 0, 0, 0, 0, 0, 0]) }
    }

    /// Well-formed, yet not the one encoding: refused by the strict reader, read by the tolerant one.
    static let foreign: [(String, CBORValue)] = [
        ("1800", .unsigned(0)), ("1817", .unsigned(23)), ("190018", .unsigned(24)), ("1a00000001", .unsigned(1)),
        ("1b00000000ffffffff", .unsigned(0xffff_ffff)), ("3800", .integer(-1)), ("580101", .bytes([1])),
        ("780161", .text("a")), ("9800", .array([])), ("b800", .map([])), ("d80100", .tagged(1, .unsigned(0))),
        ("fa3f800000", .float(1)), ("fb3ff0000000000000", .float(1)), ("fb40f86a0000000000", .float(100000)),
        ("5f42010243030405ff", .bytes([1, 2, 3, 4, 5])), ("5fff", .bytes([])),
        ("7f657374726561646d696e67ff", .text("streaming")), ("9fff", .array([])),
        (
            "9f018202039f0405ffff",
            .array([
                .unsigned(1), .array([.unsigned(2), .unsigned(3)]), .array([.unsigned(4), .unsigned(5)]),
            ])
        ),
        (
            "bf61610161629f0203ffff",
            .map([
                .init(.text("a"), .unsigned(1)), .init(.text("b"), .array([.unsigned(2), .unsigned(3)])),
            ])
        ),
        ("a203040102", .map([.init(.unsigned(3), .unsigned(4)), .init(.unsigned(1), .unsigned(2))])),
        ("a2616200190000f6", .map([.init(.text("b"), .unsigned(0)), .init(.unsigned(0), .null)])),
    ]

    @Test(arguments: foreign) func onlyTheTolerantReaderTakes(_ text: String, _ value: CBORValue) throws {
        let bytes = try Hex.decode(text)
        #expect(throws: ParseError.self) { try CBORItem(parsing: bytes) }
        let item = try CBORItem(parsing: bytes, .tolerant)
        #expect(item.value == value)
        #expect(Array(item.encoding) == bytes)
    }

    /// Refused by both: reserved heads, lone breaks, chunks of another type, duplicates, bad text, lying lengths.
    static let malformed = [
        "", "1c", "1d", "1e", "1f", "3f", "df00", "ff", "f800", "f818", "f81f", "fc", "fe", "5f01ff", "5f5f4101ffff",
        "7f4161ff", "7f61c3ff", "5f41", "9f01", "bf01ff", "bf0102", "62c328", "61ff", "9affffffff",
        "9bffffffffffffffff",
        "5bffffffffffffffff", "bbffffffffffffffff", "bb7fffffffffffffff", "82", "8200", "a1", "a101", "c0", "0000",
        "a201000100", "a20100180100", "a261610078016100", "a2f93c0000fa3f80000000", "a2818001818001", "81ff", "a1ff00",
    ]

    @Test(arguments: malformed) func nobodyTakes(_ text: String) throws {
        let bytes = try Hex.decode(text)
        #expect(throws: ParseError.self) { try CBORItem(parsing: bytes) }
        #expect(throws: ParseError.self) { try CBORItem(parsing: bytes, .tolerant) }
    }

    @Test func depthAndCountsAreBounded() throws {
        for head: UInt8 in [0x81, 0xc1, 0x9f] {
            let deep = [UInt8](repeating: head, count: 100_000)
            #expect(throws: ParseError.self) { try CBORItem(parsing: deep, .tolerant) }
        }
        let rules = CBORRules(isDeterministic: true, bytes: 64, depth: 2, items: 4)
        #expect(throws: Never.self) { try CBORItem(parsing: [0x81, 0x81, 0x00], rules) }
        #expect(throws: ParseError.self) { try CBORItem(parsing: [0x81, 0x81, 0x81, 0x00], rules) }
        #expect(throws: Never.self) { try CBORItem(parsing: [0x83, 0, 0, 0], rules) }
        #expect(throws: ParseError.self) { try CBORItem(parsing: [0x84, 0, 0, 0, 0], rules) }
        #expect(throws: ParseError.self) {
            try CBORItem(parsing: [0x58, 62] + [UInt8](repeating: 0, count: 63), rules)
        }
    }

    @Test func slicesOfTheInputAreKept() throws {
        let bytes = try Hex.decode("82" + "a1016161" + "43010203")
        let items = try CBORItem(parsing: bytes).elements(max: 2, "")
        #expect(Array(items[0].encoding) == (try Hex.decode("a1016161")))
        #expect(items[0][1]?.text == "a")
        #expect(items[0][2] == nil)
        #expect(items[0]["a"] == nil)
        #expect(try items[1].byteString(3...3, "x") == bytes[6...])
        #expect(throws: ParseError(field: "x", expected: "4 bytes", actual: "3 bytes")) {
            try items[1].byteString(4...4, "x")
        }
    }

    @Test func keysAreSortedByTheirEncoding() throws {
        // RFC 8949 §4.2.1 gives this order.
        let order: [CBORValue] = [
            .unsigned(10), .unsigned(100), .integer(-1), .text("z"), .text("aa"), .array([.unsigned(100)]),
            .array([.integer(-1)]), .bool(false),
        ]
        let map = CBORValue.map(order.reversed().map { .init($0, .null) })
        let read = try CBORItem(parsing: map.encoded()).entries(max: 8, "")
        #expect(read.map(\.key.value) == order)
    }

    /// Random bytes: whatever the strict reader takes, the writer writes back, byte for byte.
    @Test func whatIsReadIsWrittenBack() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        var state = seed
        func next() -> UInt64 {
            state &+= 0x9e37_79b9_7f4a_7c15
            var z = state
            z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
            z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
            return z ^ (z >> 31)
        }
        var taken = 0
        for _ in 0..<40_000 {
            let bytes = (0..<Int(next() % 12)).map { _ in
                // Half of the bytes are heads of short containers, so that nesting happens.
                next() % 2 == 0
                    ? UInt8(truncatingIfNeeded: next())
                    : [0x81, 0x82, 0xa1, 0x41, 0x61, 0xc1, 0x00, 0xf9][Int(next() % 8)]
            }
            if let item = try? CBORItem(parsing: bytes) {
                taken += 1
                #expect(item.value.encoded() == bytes, "seed \(seed)")
                #expect((try? CBORItem(parsing: bytes, .tolerant))?.value.encoded() == bytes, "seed \(seed)")
            } else if let item = try? CBORItem(parsing: bytes, .tolerant) {
                #expect((try? CBORItem(parsing: item.value.encoded(), .tolerant)) != nil, "seed \(seed)")
            }
        }
        #expect(taken > 100, "seed \(seed)")
    }
}
