// Base 64 (RFC 4648 §4 and §5).

/// Base 64 text, standard or URL-safe.
public enum Base64 {
    private static let standard = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    /// The value of each ASCII character in either alphabet; 255 for a foreign one.
    private static let values: [UInt8] = {
        var table = [UInt8](repeating: 255, count: 256)
        for (value, character) in standard.enumerated() { table[Int(character)] = UInt8(value) }
        table[Int(UInt8(ascii: "-"))] = 62
        table[Int(UInt8(ascii: "_"))] = 63
        return table
    }()

    /// Standard, padded base 64 text of `bytes`.
    public static func encode(_ bytes: some Sequence<UInt8>) -> String {
        if let text = bytes.withContiguousStorageIfAvailable(text(of:)) { return text }
        return Array(bytes).withUnsafeBufferPointer(text(of:))
    }

    private static func text(of bytes: UnsafeBufferPointer<UInt8>) -> String {
        let count = (bytes.count + 2) / 3 * 4
        return String(unsafeUninitializedCapacity: count) { text in
            standard.withUnsafeBufferPointer { characters in
                for group in 0..<bytes.count / 3 {
                    let word =
                        UInt32(bytes[3 * group]) << 16 | UInt32(bytes[3 * group + 1]) << 8
                        | UInt32(bytes[3 * group + 2])
                    for place in 0..<4 {
                        text[4 * group + place] = characters[Int(word >> (18 - 6 * UInt32(place)) & 63)]
                    }
                }
                let rest = bytes.count % 3
                guard rest > 0 else { return count }
                let word =
                    UInt32(bytes[bytes.count - rest]) << 16 | (rest == 2 ? UInt32(bytes[bytes.count - 1]) << 8 : 0)
                for place in 0..<4 {
                    text[count - 4 + place] =
                        place <= rest ? characters[Int(word >> (18 - 6 * UInt32(place)) & 63)] : UInt8(ascii: "=")
                }
                return count
            }
        }
    }

    /// Two bits above the six of a value: in which alphabet the character stands for it.
    private enum Alphabet {
        static let standardOnly: UInt8 = 0x40
        static let urlSafeOnly: UInt8 = 0x80
        static let both: UInt8 = 0xc0
    }

    /// `values` with the bits of `Alphabet`; a foreign character has both, as a mix of the two has.
    private static let markedValues: [UInt8] = {
        var table = values
        for character in "+/".utf8 { table[Int(character)] |= Alphabet.standardOnly }
        for character in "-_".utf8 { table[Int(character)] |= Alphabet.urlSafeOnly }
        return table
    }()

    /// The bytes of base 64 `text` in either alphabet (never a mix of both), padded or not.
    ///
    /// DSSE verifiers must accept both alphabets (secure-systems-lab/dsse, protocol.md).
    /// - Throws: `ParseError` for foreign characters, a mix of alphabets, wrong padding or unused bits that are not zero.
    public static func decode(
        _ text: some StringProtocol,
        field: @autoclosure () -> String = ""
    ) throws(ParseError) -> [UInt8] {
        // The usual case first; whatever it does not take is looked at again for what is wrong with it.
        if let bytes = text.utf8.withContiguousStorageIfAvailable(decodeUsual) ?? nil { return bytes }
        return try decodeSlowly(Array(text.utf8), field())
    }

    /// The bytes of `text` when nothing is wrong with it and it is padded or needs no padding.
    private static func decodeUsual(_ text: UnsafeBufferPointer<UInt8>) -> [UInt8]? {
        guard text.count.isMultiple(of: 4), text.count > 0 else { return nil }
        let padding = text[text.count - 1] != UInt8(ascii: "=") ? 0 : text[text.count - 2] != UInt8(ascii: "=") ? 1 : 2
        let groups = padding == 0 ? text.count / 4 : text.count / 4 - 1
        var seen: UInt8 = 0
        var leftover: UInt32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: text.count / 4 * 3) { bytes, initialized in
            markedValues.withUnsafeBufferPointer { values in
                for group in 0..<groups {
                    let a = values[Int(text[4 * group])]
                    let b = values[Int(text[4 * group + 1])]
                    let c = values[Int(text[4 * group + 2])]
                    let d = values[Int(text[4 * group + 3])]
                    seen |= a | b | c | d
                    bytes[3 * group] = a << 2 | b >> 4 & 3
                    bytes[3 * group + 1] = b << 4 | c >> 2 & 15
                    bytes[3 * group + 2] = c << 6 | d & 63
                }
                initialized = 3 * groups
                guard padding > 0 else { return }
                var last: UInt32 = 0
                for character in text[(4 * groups)..<(text.count - padding)] {
                    let value = values[Int(character)]
                    seen |= value
                    last = last << 6 | UInt32(value & 63)
                }
                // One character less leaves two unused bits, two leave four.
                leftover = last & (padding == 1 ? 3 : 15)
                bytes[initialized] = UInt8(truncatingIfNeeded: last >> (padding == 1 ? 10 : 4))
                if padding == 1 { bytes[initialized + 1] = UInt8(truncatingIfNeeded: last >> 2) }
                initialized += 3 - padding
            }
        }
        return seen & Alphabet.both != Alphabet.both && leftover == 0 ? bytes : nil
    }

    private static func decodeSlowly(_ text: [UInt8], _ field: String) throws(ParseError) -> [UInt8] {
        var characters = text
        let padded = characters.last == UInt8(ascii: "=")
        if padded {
            guard characters.count.isMultiple(of: 4) else {
                throw ParseError(field: field, expected: "padding to 4 characters", actual: "\(characters.count)")
            }
            characters.removeLast()
            if characters.last == UInt8(ascii: "=") { characters.removeLast() }
        }
        let isStandard = characters.contains { $0 == UInt8(ascii: "+") || $0 == UInt8(ascii: "/") }
        let isURLSafe = characters.contains { $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") }
        guard !(isStandard && isURLSafe) else {
            throw ParseError(field: field, expected: "one base64 alphabet", actual: "a mix of two")
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(characters.count * 3 / 4)
        var buffer: UInt32 = 0
        var bits = 0
        for (index, character) in characters.enumerated() {
            let digit = values[Int(character)]
            guard digit != 255 else {
                let actual = "byte 0x" + String(character, radix: 16)
                throw ParseError(field: field, expected: "a base64 character", actual: actual, offset: index)
            }
            buffer = buffer << 6 | UInt32(digit)
            bits += 6
            if bits >= 8 {
                bits -= 8
                bytes.append(UInt8(truncatingIfNeeded: buffer >> UInt32(bits)))
            }
        }
        guard bits < 6, buffer & (1 << UInt32(bits) - 1) == 0 else {
            throw ParseError(field: field, expected: "canonical base64", actual: "left-over bits")
        }
        return bytes
    }
}
