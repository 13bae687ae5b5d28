// Text that is read eight bytes at a time: every byte at every place, and objects longer than is searched one by one.
import AssayTesting
import Codecs
import Testing

@Suite struct TextScanTests {
    /// A string of plain text with one other byte in it, at every place around the words that are looked at together.
    @Test func everyByteAtEveryPlaceOfAString() {
        for length in [1, 7, 8, 9, 17] {
            for place in 0..<length {
                for byte in UInt8.min...UInt8.max {
                    var inner = [UInt8](repeating: UInt8(ascii: "a"), count: length)
                    inner[place] = byte
                    let text = [UInt8(ascii: "\"")] + inner + [UInt8(ascii: "\"")]
                    // A lone byte from 0x80 on is not UTF-8; a backslash escapes the letter or the quotation mark after it.
                    let isPlain =
                        byte >= 0x20 && byte < 0x80 && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\")
                    let value = try? JSONValue(parsing: text)
                    #expect((value != nil) == isPlain, "byte \(byte) at \(place) of \(length)")
                    if isPlain { #expect(value == .string(String(decoding: inner, as: UTF8.self))) }
                }
            }
        }
    }

    @Test func escapesAndOtherLettersAtEveryPlace() throws {
        for place in 0..<20 {
            for (written, meant) in [
                ("\\n", "\n"), ("\u{e9}", "\u{e9}"), ("\\ud83d\\ude00", "\u{1f600}"), ("\\\\", "\\"),
            ] {
                let (before, after) = (String(repeating: "x", count: place), String(repeating: "y", count: 19 - place))
                let value = JSONValue.string(before + meant + after + meant)
                let text = "\"" + before + written + after + written + "\""
                #expect(try JSONValue(parsing: Array(text.utf8)) == value, "place \(place)")
                #expect(try JSONValue(parsing: value.serialized()) == value, "place \(place)")
            }
        }
    }

    @Test(arguments: [
        "999999999999999999", "-999999999999999999", "1000000000000000000", "9223372036854775807",
        "-9223372036854775808",
    ])
    func integersOf64BitsAreExact(_ text: String) throws {
        guard case .number(let number) = try JSONValue(parsing: Array(text.utf8)) else {
            Issue.record("no number")
            return
        }
        #expect(number.integer == Int64(text))
        #expect(number.text == text)
        #expect(.number(number) == JSONValue.integer(Int64(text) ?? 0))
    }

    @Test(arguments: ["9223372036854775808", "-9223372036854775809", "18446744073709551616", "99999999999999999999"])
    func longerIntegersAreKeptAsText(_ text: String) throws {
        guard case .number(let number) = try JSONValue(parsing: Array(text.utf8)) else {
            Issue.record("no number")
            return
        }
        #expect(number.integer == nil)
        #expect(number.text == text)
    }

    @Test(arguments: [1, 23, 24, 25, 63, 64, 65, 200])
    func objectsOfAnyLength(_ count: Int) throws {
        let members = (0..<count).map { "\"m\($0)\":\($0)" }.joined(separator: ",")
        let value = try JSONValue(parsing: Array("{\(members)}".utf8))
        for double in [0, count - 1] {
            let text = "{\(members),\"m\(double)\":0}"
            #expect(throws: ParseError.self) { try JSONValue(parsing: Array(text.utf8)) }
        }
        // Forwards, and against the order in which they stand.
        for order in [Array(0..<count), Array((0..<count).reversed())] {
            var reader = try JSONReader(value)
            for member in order {
                #expect(try reader.integer("m\(member)") == Int64(member))
                if member != order.last { #expect(throws: ParseError.self) { try reader.finish() } }
            }
            #expect(!reader.has("other"))
            try reader.finish()
        }
        // The one that nobody took is the one that is named.
        for left in [0, count / 2, count - 1] {
            var reader = try JSONReader(value)
            for member in 0..<count where member != left { _ = try reader.integer("m\(member)") }
            let error = #expect(throws: ParseError.self) { try reader.finish() }
            #expect(error?.field == "m\(left)")
        }
        guard case .object(var object) = value else { return }
        object["m0"] = nil
        #expect(object["m0"] == nil)
        if count > 1 { #expect(object["m\(count - 1)"] == .integer(count - 1)) }
        object["m0"] = .null
        #expect(object.members.last?.name == "m0")
    }

    @Test func everyByteAtEveryPlaceOfBase64() throws {
        // Four characters of a word, with and without padding and of either alphabet.
        for text in ["AAAAAAAA", "AAAAAAA=", "AAAAAA==", "+AAAAAAA", "-AAAAAAA", "AAAAAA"] {
            for place in 0..<text.utf8.count {
                for byte in UInt8(0x20)..<0x7f {
                    var characters = Array(text.utf8)
                    characters[place] = byte
                    let changed = String(decoding: characters, as: UTF8.self)
                    let decoded = try? Base64.decode(changed)
                    #expect(decoded == Self.slowBase64(characters), "\(changed)")
                }
            }
        }
    }

    /// Bit by bit, as RFC 4648 says it.
    private static func slowBase64(_ text: [UInt8]) -> [UInt8]? {
        var characters = text
        while characters.last == UInt8(ascii: "="), text.count.isMultiple(of: 4), text.count - characters.count < 2 {
            characters.removeLast()
        }
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789".utf8)
        let isMixed =
            characters.contains { "+/".utf8.contains($0) } && characters.contains { "-_".utf8.contains($0) }
        var bits: [Bool] = []
        for character in characters {
            let value: Int?
            switch character {
            case UInt8(ascii: "+"), UInt8(ascii: "-"): value = 62
            case UInt8(ascii: "/"), UInt8(ascii: "_"): value = 63
            default: value = alphabet.firstIndex(of: character)
            }
            guard let value else { return nil }
            for bit in stride(from: 5, through: 0, by: -1) { bits.append(value >> bit & 1 == 1) }
        }
        let rest = bits.suffix(bits.count % 8)
        guard !isMixed, rest.count < 6, !rest.contains(true) else { return nil }
        return stride(from: 0, to: bits.count - rest.count, by: 8).map { start in
            bits[start..<start + 8].reduce(0) { $0 << 1 | ($1 ? 1 : 0) }
        }
    }

    @Test func everyByteAtEveryPlaceOfHex() throws {
        for place in 0..<8 {
            for byte in UInt8.min...UInt8.max {
                var characters = Array("0a1b2c3d".utf8)
                characters[place] = byte
                // Bytes from 0x80 on are repaired into other characters, which are no digits either.
                let text = String(decoding: characters, as: UTF8.self)
                let digit = "0123456789abcdef".utf8.contains(byte)
                #expect(((try? Hex.decode(text, count: 4)) != nil) == digit, "byte \(byte) at \(place)")
                if digit { #expect(Hex.encode(try Hex.decode(text)) == text) }
            }
        }
    }
}
