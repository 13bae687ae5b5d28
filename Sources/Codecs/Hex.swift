// Base 16, lower case (RFC 4648 §8 with a lower-case alphabet).

/// Hexadecimal text.
public enum Hex {
    private static let digits = Array("0123456789abcdef".utf8)
    /// The value of each lower-case digit; 255 for any other byte.
    private static let values: [UInt8] = {
        var table = [UInt8](repeating: 255, count: 256)
        for (value, digit) in digits.enumerated() { table[Int(digit)] = UInt8(value) }
        return table
    }()

    /// Lower-case hexadecimal text of `bytes`.
    public static func encode(_ bytes: some Sequence<UInt8>) -> String {
        bytes.withContiguousStorageIfAvailable { text(of: UnsafeRawBufferPointer($0)) }
            ?? Array(bytes).withUnsafeBytes { text(of: $0) }
    }

    private static func text(of bytes: UnsafeRawBufferPointer) -> String {
        String(unsafeUninitializedCapacity: 2 * bytes.count) { text in
            digits.withUnsafeBufferPointer { digits in
                for index in bytes.indices {
                    text[2 * index] = digits[Int(bytes[index] >> 4)]
                    text[2 * index + 1] = digits[Int(bytes[index] & 15)]
                }
            }
            return 2 * bytes.count
        }
    }

    /// The bytes of lower-case hexadecimal `text`.
    /// - Parameters:
    ///   - count: the number of bytes wanted, when it is fixed.
    ///   - allowsUpperCase: whether `A`–`F` are accepted; Assay's own formats refuse them, so that one value has one text.
    ///   - field: names the text in errors.
    /// - Throws: `ParseError` for an odd length, a foreign character or another number of bytes than `count`.
    public static func decode(
        _ text: some StringProtocol,
        count: Int? = nil,
        allowsUpperCase: Bool = false,
        field: @autoclosure () -> String = ""
    ) throws(ParseError) -> [UInt8] {
        // The usual case first; whatever it does not take is looked at again for what is wrong with it.
        let usual = text.utf8.withContiguousStorageIfAvailable { characters -> [UInt8]? in
            guard count.map({ characters.count == 2 * $0 }) ?? characters.count.isMultiple(of: 2) else { return nil }
            return lowerCase(characters)
        }
        if let bytes = usual ?? nil { return bytes }
        return try decodeSlowly(Array(text.utf8), count, allowsUpperCase, field())
    }

    /// The bytes of an even number of lower-case digits; `nil` when there is another character.
    private static func lowerCase(_ characters: UnsafeBufferPointer<UInt8>) -> [UInt8]? {
        var seen: UInt8 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: characters.count / 2) { bytes, initialized in
            values.withUnsafeBufferPointer { values in
                for index in 0..<characters.count / 2 {
                    let high = values[Int(characters[2 * index])]
                    let low = values[Int(characters[2 * index + 1])]
                    seen |= high | low
                    bytes[index] = high << 4 | low & 15
                }
            }
            initialized = characters.count / 2
        }
        return seen < 16 ? bytes : nil
    }

    private static func decodeSlowly(
        _ characters: [UInt8],
        _ count: Int?,
        _ allowsUpperCase: Bool,
        _ field: String
    ) throws(ParseError) -> [UInt8] {
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
