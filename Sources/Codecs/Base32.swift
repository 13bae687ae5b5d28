// Base 32 in lower case without padding (RFC 4648 §6; the multibase prefix `b` of CIDs is the caller's).

/// Lower-case, unpadded base 32 text.
public enum Base32 {
    private static let alphabet = Array("abcdefghijklmnopqrstuvwxyz234567".utf8)

    /// The text of `bytes`.
    public static func encode(_ bytes: some Sequence<UInt8>) -> String {
        var text: [UInt8] = []
        var buffer: UInt32 = 0
        var bits = 0
        for byte in bytes {
            buffer = buffer << 8 | UInt32(byte)
            bits += 8
            while bits >= 5 {
                bits -= 5
                text.append(alphabet[Int(buffer >> UInt32(bits) & 31)])
            }
        }
        if bits > 0 { text.append(alphabet[Int(buffer << UInt32(5 - bits) & 31)]) }
        return String(decoding: text, as: UTF8.self)
    }

    /// The bytes of `text`.
    /// - Throws: `ParseError` for a foreign character, an impossible length or unused bits that are not zero.
    public static func decode(_ text: some StringProtocol, field: String = "") throws(ParseError) -> [UInt8] {
        var bytes: [UInt8] = []
        var buffer: UInt32 = 0
        var bits = 0
        for (index, character) in text.utf8.enumerated() {
            guard let digit = alphabet.firstIndex(of: character) else {
                let actual = "byte 0x" + String(character, radix: 16)
                throw ParseError(field: field, expected: "a base32 character", actual: actual, offset: index)
            }
            buffer = buffer << 5 | UInt32(digit)
            bits += 5
            if bits >= 8 {
                bits -= 8
                bytes.append(UInt8(truncatingIfNeeded: buffer >> UInt32(bits)))
            }
        }
        guard bits < 5, buffer & (1 << UInt32(bits) - 1) == 0 else {
            throw ParseError(field: field, expected: "canonical base32", actual: "left-over bits")
        }
        return bytes
    }
}
