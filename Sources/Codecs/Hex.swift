// Base 16, lower case (RFC 4648 §8 with a lower-case alphabet).

/// Hexadecimal text.
public enum Hex {
    /// Lower-case hexadecimal text of `bytes`.
    public static func encode(_ bytes: some Sequence<UInt8>) -> String {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        text.reserveCapacity(2 * bytes.underestimatedCount)
        for byte in bytes {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// The bytes of lower-case hexadecimal `text`.
    /// - Parameters:
    ///   - count: the number of bytes wanted, when it is fixed.
    ///   - allowsUpperCase: whether `A`–`F` are accepted; Assay's own formats refuse them, so that one value has one text.
    /// - Throws: `ParseError` for an odd length, a foreign character or another number of bytes than `count`.
    public static func decode(
        _ text: some StringProtocol,
        count: Int? = nil,
        allowsUpperCase: Bool = false,
        field: String = ""
    ) throws(ParseError) -> [UInt8] {
        let characters = Array(text.utf8)
        if let count, characters.count != 2 * count {
            let actual = "\(characters.count) characters"
            throw ParseError(field: field, expected: "\(2 * count) hexadecimal digits", actual: actual)
        }
        guard characters.count.isMultiple(of: 2) else {
            throw ParseError(
                field: field,
                expected: "pairs of hexadecimal digits",
                actual: "an odd number of characters"
            )
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(characters.count / 2)
        var high: UInt8?
        for (index, character) in characters.enumerated() {
            let digit: UInt8
            switch character {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = character - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = character - UInt8(ascii: "a") + 10
            case UInt8(ascii: "A")...UInt8(ascii: "F") where allowsUpperCase: digit = character - UInt8(ascii: "A") + 10
            default:
                let actual = "byte 0x" + String(character, radix: 16)
                throw ParseError(
                    field: field,
                    expected: "a lower-case hexadecimal digit",
                    actual: actual,
                    offset: index
                )
            }
            if let first = high {
                bytes.append(first << 4 | digit)
                high = nil
            } else {
                high = digit
            }
        }
        return bytes
    }
}
