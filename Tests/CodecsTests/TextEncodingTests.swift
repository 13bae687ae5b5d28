// Hexadecimal, base 32 and base 64: known values, round trips, and one text per value.
import AssayTesting
import Codecs
import Testing

@Suite struct HexTests {
    @Test func knownValues() throws {
        #expect(Hex.encode([]) == "")
        #expect(Hex.encode([0x00, 0x0f, 0xf0, 0xff]) == "000ff0ff")
        #expect(try Hex.decode("000ff0ff") == [0x00, 0x0f, 0xf0, 0xff])
        #expect(try Hex.decode("FF", allowsUpperCase: true) == [0xff])
    }

    @Test(arguments: ["0", "000", "0g", "FF", "0x", " 00", "00 ", "\u{ff10}0", "0\u{301}0"])
    func foreignTextIsRefused(_ text: String) {
        #expect(throws: ParseError.self) { try Hex.decode(text) }
    }

    @Test func theNumberOfBytesIsChecked() {
        #expect(throws: ParseError.self) { try Hex.decode("0000", count: 1) }
        #expect(throws: ParseError.self) { try Hex.decode("", count: 1) }
        #expect(throws: ParseError.self) { try Hex.decode("000", count: 2) }
    }

    @Test func roundTrips() throws {
        var generator = SeededGenerator(seed: 1)
        for count in 0..<100 {
            let bytes = generator.bytes(count)
            #expect(try Hex.decode(Hex.encode(bytes), count: count) == bytes)
        }
    }
}

@Suite struct Base32Tests {
    /// RFC 4648 §10, in lower case and without padding.
    @Test(arguments: [
        ("", ""), ("f", "my"), ("fo", "mzxq"), ("foo", "mzxw6"), ("foob", "mzxw6yq"), ("fooba", "mzxw6ytb"),
        ("foobar", "mzxw6ytboi"),
    ])
    func knownValues(_ plain: String, _ text: String) throws {
        #expect(Base32.encode(Array(plain.utf8)) == text)
        #expect(try Base32.decode(text) == Array(plain.utf8))
    }

    /// Foreign characters, impossible lengths, unused bits that are set.
    @Test(arguments: ["MY", "m1", "my======", "m", "mzx", "mzxw6y", "mz", "my ", "m\u{301}y", "mzxr"])
    func foreignTextIsRefused(_ text: String) {
        #expect(throws: ParseError.self) { try Base32.decode(text) }
    }

    @Test func everyTextHasOneValue() throws {
        // All texts of two characters: exactly 256 of 1024 are canonical.
        let alphabet = Array("abcdefghijklmnopqrstuvwxyz234567")
        let accepted = alphabet.flatMap { first in alphabet.map { String([first, $0]) } }
            .filter { (try? Base32.decode($0)) != nil }
        #expect(accepted.count == 256)
        for text in accepted { #expect(Base32.encode(try Base32.decode(text)) == text) }
    }

    @Test func roundTrips() throws {
        var generator = SeededGenerator(seed: 2)
        for count in 0..<100 {
            let bytes = generator.bytes(count)
            #expect(try Base32.decode(Base32.encode(bytes)) == bytes)
        }
    }
}

@Suite struct Base64Tests {
    /// RFC 4648 §10.
    @Test(arguments: [
        ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
        ("foobar", "Zm9vYmFy"),
    ])
    func knownValues(_ plain: String, _ text: String) throws {
        #expect(Base64.encode(Array(plain.utf8)) == text)
        #expect(try Base64.decode(text) == Array(plain.utf8))
        #expect(try Base64.decode(text.replacing("=", with: "")) == Array(plain.utf8))
    }

    @Test func bothAlphabetsAreRead() throws {
        #expect(try Base64.decode("+/+/") == [0xfb, 0xff, 0xbf])
        #expect(try Base64.decode("-_-_") == [0xfb, 0xff, 0xbf])
        #expect(throws: ParseError.self) { try Base64.decode("+/-_") }
    }

    /// Wrong padding, foreign characters, white space, unused bits that are set.
    @Test(arguments: [
        "=", "==", "====", "Z", "Zg=", "Zg===", "Zm8==", "Zm9v=", "Zm9v====", "Zh==", "Zm9=", "Zm 9", "Zm9v\n", "Z===",
        "A=A=", "=AAA", "Zm9v!", "Zh", "Zm9",
    ])
    func foreignTextIsRefused(_ text: String) {
        #expect(throws: ParseError.self) { try Base64.decode(text) }
    }

    @Test func roundTrips() throws {
        var generator = SeededGenerator(seed: 3)
        for count in 0..<100 {
            let bytes = generator.bytes(count)
            #expect(try Base64.decode(Base64.encode(bytes)) == bytes)
        }
    }
}
