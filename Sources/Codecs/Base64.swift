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
        var text: [UInt8] = []
        text.reserveCapacity((bytes.underestimatedCount + 2) / 3 * 4)
        var buffer: UInt32 = 0
        var bits = 0
        for byte in bytes {
            buffer = buffer << 8 | UInt32(byte)
            bits += 8
            while bits >= 6 {
                bits -= 6
                text.append(standard[Int(buffer >> UInt32(bits) & 63)])
            }
        }
        if bits > 0 { text.append(standard[Int(buffer << UInt32(6 - bits) & 63)]) }
        while !text.count.isMultiple(of: 4) { text.append(UInt8(ascii: "=")) }
        return String(decoding: text, as: UTF8.self)
    }

    /// The bytes of base 64 `text` in either alphabet (never a mix of both), padded or not.
    ///
    /// DSSE verifiers must accept both alphabets (secure-systems-lab/dsse, protocol.md).
    /// - Throws: `ParseError` for foreign characters, a mix of alphabets, wrong padding or unused bits that are not zero.
    public static func decode(_ text: some StringProtocol, field: String = "") throws(ParseError) -> [UInt8] {
        var characters = Array(text.utf8)
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
