// The byte cursor, fixed-width integers and varints.
import AssayTesting
import Codecs
import Testing

@Suite struct ByteReaderTests {
    @Test func readsFrontToBack() throws {
        var reader = ByteReader([1, 2, 3, 4, 5, 6, 7])
        #expect(reader.peek() == 1)
        #expect(try reader.readByte() == 1)
        #expect(try reader.readBigEndian(UInt16.self) == 0x0203)
        #expect(try reader.readLittleEndian(UInt16.self) == 0x0504)
        #expect(reader.offset == 5)
        #expect(reader.remaining == 2)
        #expect(throws: ParseError.self) { try reader.finish() }
        #expect(Array(reader.readRest()) == [6, 7])
        #expect(reader.isAtEnd)
        #expect(reader.peek() == nil)
        try reader.finish()
    }

    @Test func readingPastTheEndThrowsAndDoesNotMove() {
        var reader = ByteReader([1, 2, 3])
        for count in [4, Int.max, -1, Int.min] {
            let error = #expect(throws: ParseError.self) { try reader.read(count, "x") }
            #expect(error?.field == "x")
            #expect(reader.offset == 0)
        }
        #expect(throws: ParseError.self) { try reader.readBigEndian(UInt32.self) }
        #expect(throws: ParseError.self) { try reader.readLittleEndian(UInt64.self) }
        #expect(reader.remaining == 3)
    }

    @Test func offsetsOfSlicesCountFromTheirStart() throws {
        let bytes: [UInt8] = [9, 9, 1, 2]
        var reader = ByteReader(bytes[2...])
        #expect(try reader.readByte() == 1)
        #expect(reader.offset == 1)
    }

    @Test func integersRoundTrip() throws {
        var generator = SeededGenerator(seed: 4)
        for edge in [0, 1, UInt64.max, 1 << 63, 0x0102_0304_0506_0708] + (0..<20).map({ _ in generator.next() }) {
            var bytes: [UInt8] = []
            bytes.appendBigEndian(edge)
            bytes.appendLittleEndian(edge)
            bytes.appendBigEndian(UInt32(truncatingIfNeeded: edge))
            bytes.appendLittleEndian(UInt16(truncatingIfNeeded: edge))
            bytes.appendBigEndian(UInt8(truncatingIfNeeded: edge))
            var reader = ByteReader(bytes)
            #expect(try reader.readBigEndian(UInt64.self) == edge)
            #expect(try reader.readLittleEndian(UInt64.self) == edge)
            #expect(try reader.readBigEndian(UInt32.self) == UInt32(truncatingIfNeeded: edge))
            #expect(try reader.readLittleEndian(UInt16.self) == UInt16(truncatingIfNeeded: edge))
            #expect(try reader.readBigEndian(UInt8.self) == UInt8(truncatingIfNeeded: edge))
        }
    }
}

@Suite struct VarintTests {
    /// multiformats/unsigned-varint, README.
    private static let published: [(UInt64, [UInt8])] = [
        (1, [0x01]), (127, [0x7f]), (128, [0x80, 0x01]), (255, [0xff, 0x01]), (300, [0xac, 0x02]),
        (16384, [0x80, 0x80, 0x01]), (0, [0x00]),
        (0x7fff_ffff_ffff_ffff, [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]),
    ]

    @Test(arguments: published)
    func knownValues(_ value: UInt64, _ bytes: [UInt8]) throws {
        var written: [UInt8] = []
        written.appendVarint(value)
        #expect(written == bytes)
        var reader = ByteReader(bytes)
        #expect(try reader.readVarint() == value)
        #expect(reader.isAtEnd)
    }

    /// Padded, unfinished, longer than nine bytes.
    private static let refused: [[UInt8]] = [
        [0x80, 0x00], [0x81, 0x80, 0x00], [0x80], [0xff, 0xff], [],
        [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01],
        [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
    ]

    @Test(arguments: refused)
    func otherFormsAreRefused(_ bytes: [UInt8]) {
        var reader = ByteReader(bytes)
        #expect(throws: ParseError.self) { try reader.readVarint() }
    }

    @Test func roundTrips() throws {
        var generator = SeededGenerator(seed: 5)
        for bits: UInt64 in 0..<63 {
            let value = generator.next() & (1 << (bits + 1) - 1)
            var bytes: [UInt8] = []
            bytes.appendVarint(value)
            var reader = ByteReader(bytes)
            #expect(try reader.readVarint() == value)
        }
    }
}

@Suite struct ParseErrorTests {
    @Test func hostileTextIsCutAndCleaned() {
        let long = ParseError(field: "", expected: "", actual: String(repeating: "x", count: 5000))
        #expect(long.actual.count == 120)
        #expect(long.actual.hasSuffix("..."))
        let marks = ParseError(field: "", expected: "", actual: "a" + String(repeating: "\u{301}", count: 5000))
        #expect(marks.actual.unicodeScalars.count <= 120)
        let escape = ParseError(field: "a\u{1b}[2Jb", expected: "", actual: "\u{1b}]0;x\u{07}\n\u{9b}")
        #expect(escape.field == "a\u{fffd}[2Jb")
        #expect(escape.actual == "\u{fffd}]0;x\u{fffd}\u{fffd}\u{fffd}")
        let name = ParseError(field: String(repeating: "n", count: 100_000), expected: "", actual: "")
        #expect(name.field.utf8.count == 512)
    }

    @Test func pathsJoin() {
        let error = ParseError(field: "b", expected: "x", actual: "y", offset: 3)
        #expect(error.within("a").field == "a.b")
        #expect(ParseError(field: "[2]", expected: "", actual: "").within("a").field == "a[2]")
        #expect(ParseError(field: "", expected: "", actual: "").within("a").field == "a")
        #expect(error.description == "b at byte 3: expected x, found y")
        #expect(ParseError(field: "", expected: "x", actual: "y").description == "input: expected x, found y")
    }
}
