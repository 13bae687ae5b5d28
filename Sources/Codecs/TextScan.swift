// Runs of plain text, found eight bytes at a time: what the readers and writers of JSON and CBOR can copy as it stands.

enum TextScan {
    private static let ones: UInt64 = 0x0101_0101_0101_0101
    private static let tops: UInt64 = 0x8080_8080_8080_8080

    /// The first place from `start` on whose byte is not printable ASCII, or a quotation mark, or a backslash; the end if
    /// there is none. Bytes from 0x7f on are plain only where `allowsHigh` says so.
    static func plainEnd(_ bytes: UnsafeRawBufferPointer, from start: Int, allowsHigh: Bool = false) -> Int {
        var index = start
        let high: UInt64 = allowsHigh ? 0 : tops
        while bytes.count - index >= 8 {
            let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self))
            // The top bit of each byte that is below 0x20, equal to 0x22 or 0x5c. A borrow can mark bytes after a marked
            // one, never before it, so that the first mark is right.
            let quotes = word ^ (ones &* 0x22)
            let slashes = word ^ (ones &* 0x5c)
            let marks = (word &- ones &* 0x20) & ~word | (quotes &- ones) & ~quotes | (slashes &- ones) & ~slashes
            let found = marks & tops | word & high
            if found != 0 { return index + found.trailingZeroBitCount / 8 }
            index += 8
        }
        while index < bytes.count, isPlain(bytes[index], allowsHigh) { index += 1 }
        return index
    }

    private static func isPlain(_ byte: UInt8, _ allowsHigh: Bool) -> Bool {
        byte >= 0x20 && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\") && (allowsHigh || byte < 0x80)
    }

    /// Whether every byte is below 0x80.
    static func isASCII(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var index = 0
        var seen: UInt64 = 0
        while bytes.count - index >= 8 {
            seen |= bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self)
            index += 8
        }
        while index < bytes.count {
            seen |= UInt64(bytes[index])
            index += 1
        }
        return seen & tops == 0
    }

    /// The text that `bytes` encode; `nil` when they are not UTF-8.
    static func text(_ bytes: UnsafeRawBufferPointer) -> String? {
        isASCII(bytes) ? String(decoding: bytes, as: UTF8.self) : String(validating: bytes, as: UTF8.self)
    }
}
