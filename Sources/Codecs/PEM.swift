// PEM text (RFC 7468, strict form): labelled base 64 blocks with nothing but line ends between them.

/// Blocks of PEM text.
public enum PEM {
    private static let values: [UInt8] = {
        var table = [UInt8](repeating: 255, count: 256)
        let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
        for (value, character) in alphabet.utf8.enumerated() { table[Int(character)] = UInt8(value) }
        return table
    }()

    /// The contents of the blocks of `text`, all of which must carry `label`.
    ///
    /// Refused: text outside the blocks, headers inside them, foreign characters, unused bits that are not zero. One NUL
    /// byte at the very end is accepted, because quoting enclaves write C strings.
    /// - Parameter max: the most blocks.
    public static func decode(
        _ text: ArraySlice<UInt8>,
        label: String = "CERTIFICATE",
        max: Int = 8,
        field: String = ""
    ) throws(ParseError) -> [[UInt8]] {
        let begin = Array("-----BEGIN \(label)-----".utf8)
        let end = Array("-----END \(label)-----".utf8)
        var blocks: [[UInt8]] = []
        var rest = text.last == 0 ? text.dropLast() : text
        while true {
            rest = rest.drop(while: isLineEnd)
            if rest.isEmpty { break }
            guard blocks.count < max else {
                throw ParseError(field: field, expected: "at most \(max) PEM blocks", actual: "more")
            }
            guard rest.starts(with: begin) else {
                throw ParseError(
                    field: field,
                    expected: "-----BEGIN \(label)-----",
                    actual: "other text",
                    offset: rest.startIndex - text.startIndex
                )
            }
            rest = rest.dropFirst(begin.count)
            guard let stop = rest.firstIndex(of: UInt8(ascii: "-")), rest[stop...].starts(with: end) else {
                throw ParseError(field: field, expected: "-----END \(label)-----", actual: "no such line")
            }
            blocks.append(try decodeBody(rest[..<stop], field: field))
            rest = rest[(stop + end.count)...]
        }
        return blocks
    }

    /// PEM text of one block, lines of 64 characters.
    public static func encode(_ bytes: [UInt8], label: String = "CERTIFICATE") -> [UInt8] {
        var text = Array("-----BEGIN \(label)-----\n".utf8)
        let body = Array(Base64.encode(bytes).utf8)
        var start = 0
        while start < body.count {
            let stop = min(start + 64, body.count)
            text.append(contentsOf: body[start..<stop])
            text.append(0x0a)
            start = stop
        }
        text.append(contentsOf: "-----END \(label)-----\n".utf8)
        return text
    }

    private static func isLineEnd(_ byte: UInt8) -> Bool {
        byte == 0x0a || byte == 0x0d
    }

    private static func decodeBody(_ body: ArraySlice<UInt8>, field: String) throws(ParseError) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(body.count * 3 / 4)
        var buffer: UInt32 = 0
        var digits = 0
        var padding = 0
        for byte in body {
            if byte == 0x0a || byte == 0x0d { continue }
            if byte == UInt8(ascii: "=") {
                padding += 1
                continue
            }
            let value = values[Int(byte)]
            guard value != 255, padding == 0 else {
                let actual = "byte 0x" + String(byte, radix: 16)
                throw ParseError(field: field, expected: "base 64 characters", actual: actual)
            }
            buffer = buffer << 6 | UInt32(value)
            digits += 1
            if digits & 3 == 0 {
                bytes.append(UInt8(truncatingIfNeeded: buffer >> 16))
                bytes.append(UInt8(truncatingIfNeeded: buffer >> 8))
                bytes.append(UInt8(truncatingIfNeeded: buffer))
            }
        }
        let unused: UInt32
        switch (digits & 3, padding) {
        case (0, 0): unused = 0
        case (2, 2):
            bytes.append(UInt8(truncatingIfNeeded: buffer >> 4))
            unused = buffer & 0xf
        case (3, 1):
            bytes.append(UInt8(truncatingIfNeeded: buffer >> 10))
            bytes.append(UInt8(truncatingIfNeeded: buffer >> 2))
            unused = buffer & 3
        default: throw ParseError(field: field, expected: "padded base 64", actual: "wrong padding")
        }
        guard unused == 0 else {
            throw ParseError(field: field, expected: "canonical base 64", actual: "left-over bits")
        }
        return bytes
    }
}
