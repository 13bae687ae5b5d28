// Base 58 with the Bitcoin alphabet (draft-msporny-base58), as CIDs of version 0 and multibase `z` use it.

/// Base 58 text. Its cost grows with the square of the length, so the length is bounded.
public enum Base58 {
    private static let alphabet = Array("123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz".utf8)

    /// The longest text that is decoded.
    public static let maxCharacters = 512

    /// The text of `bytes`.
    public static func encode(_ bytes: [UInt8]) -> String {
        var digits: [UInt8] = []
        for byte in bytes {
            var carry = Int(byte)
            for index in digits.indices {
                carry += Int(digits[index]) << 8
                digits[index] = UInt8(carry % 58)
                carry /= 58
            }
            while carry > 0 {
                digits.append(UInt8(carry % 58))
                carry /= 58
            }
        }
        let zeros = bytes.prefix { $0 == 0 }.count
        let text = [UInt8](repeating: alphabet[0], count: zeros) + digits.reversed().map { alphabet[Int($0)] }
        return String(decoding: text, as: UTF8.self)
    }

    /// The bytes of `text`.
    /// - Throws: `ParseError` for a foreign character or more than `maxCharacters`.
    public static func decode(_ text: some StringProtocol, field: String = "") throws(ParseError) -> [UInt8] {
        guard text.utf8.count <= maxCharacters else {
            throw ParseError(
                field: field,
                expected: "at most \(maxCharacters) characters",
                actual: "\(text.utf8.count)"
            )
        }
        var bytes: [UInt8] = []
        for (index, character) in text.utf8.enumerated() {
            guard var carry = alphabet.firstIndex(of: character) else {
                let actual = "byte 0x" + String(character, radix: 16)
                throw ParseError(field: field, expected: "a base58 character", actual: actual, offset: index)
            }
            for index in bytes.indices {
                carry += Int(bytes[index]) * 58
                bytes[index] = UInt8(carry & 255)
                carry >>= 8
            }
            while carry > 0 {
                bytes.append(UInt8(carry & 255))
                carry >>= 8
            }
        }
        let zeros = text.utf8.prefix { $0 == alphabet[0] }.count
        return [UInt8](repeating: 0, count: zeros) + bytes.reversed()
    }
}
