// A cursor over bytes from outside. All index arithmetic on hostile input happens here.

/// Reads a byte string from front to back and throws at its end instead of trapping.
///
/// Every length that a reader returns has been compared with the bytes that are really left, so a caller never allocates
/// by a number that it merely read.
public struct ByteReader: Sendable {
    private let bytes: ArraySlice<UInt8>
    private var position: Int

    /// Starts at the first of `bytes`.
    public init(_ bytes: [UInt8]) {
        self.init(bytes[...])
    }

    /// Starts at the first byte of `bytes`; offsets in errors count from there.
    public init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        self.position = bytes.startIndex
    }

    /// How many bytes have been read.
    public var offset: Int { position - bytes.startIndex }
    /// How many bytes are left.
    public var remaining: Int { bytes.endIndex - position }
    /// Whether nothing is left.
    public var isAtEnd: Bool { remaining == 0 }

    /// The next `count` bytes, as a slice of the input (no copy).
    /// - Throws: `ParseError` when fewer are left or `count` is negative.
    public mutating func read(_ count: Int, _ field: String = "") throws(ParseError) -> ArraySlice<UInt8> {
        guard count >= 0, count <= remaining else {
            throw ParseError(field: field, expected: "\(count) bytes", actual: "\(remaining) left", offset: offset)
        }
        defer { position += count }
        return bytes[position..<position + count]
    }

    /// The next byte.
    public mutating func readByte(_ field: String = "") throws(ParseError) -> UInt8 {
        guard position < bytes.endIndex else {
            throw ParseError(field: field, expected: "1 bytes", actual: "0 left", offset: offset)
        }
        defer { position += 1 }
        return bytes[position]
    }

    /// The next byte, without moving; `nil` at the end.
    public func peek() -> UInt8? {
        isAtEnd ? nil : bytes[position]
    }

    /// All bytes that are left.
    public mutating func readRest() -> ArraySlice<UInt8> {
        defer { position = bytes.endIndex }
        return bytes[position...]
    }

    /// A big-endian unsigned integer of the type's own width.
    public mutating func readBigEndian<T: FixedWidthInteger & UnsignedInteger>(
        _ type: T.Type = T.self,
        _ field: String = ""
    ) throws(ParseError) -> T {
        var value: T = 0
        for byte in try read(T.bitWidth / 8, field) { value = T(truncatingIfNeeded: value << 8) | T(byte) }
        return value
    }

    /// A little-endian unsigned integer of the type's own width.
    public mutating func readLittleEndian<T: FixedWidthInteger & UnsignedInteger>(
        _ type: T.Type = T.self,
        _ field: String = ""
    ) throws(ParseError) -> T {
        var value: T = 0
        for byte in try read(T.bitWidth / 8, field).reversed() { value = T(truncatingIfNeeded: value << 8) | T(byte) }
        return value
    }

    /// An unsigned LEB128 number as multiformats define it: at most nine bytes, shortest form only.
    /// Source: multiformats/unsigned-varint.
    public mutating func readVarint(_ field: String = "") throws(ParseError) -> UInt64 {
        let start = offset
        var value: UInt64 = 0
        for index in 0..<9 {
            let byte = try readByte(field)
            value |= UInt64(byte & 0x7f) << (7 * UInt64(index))
            if byte & 0x80 == 0 {
                if byte == 0 && index > 0 {
                    throw ParseError(field: field, expected: "shortest varint", actual: "a padded one", offset: start)
                }
                return value
            }
        }
        throw ParseError(field: field, expected: "varint of at most 9 bytes", actual: "a longer one", offset: start)
    }

    /// Throws unless every byte has been read.
    public func finish(_ field: String = "") throws(ParseError) {
        guard isAtEnd else {
            throw ParseError(field: field, expected: "end of input", actual: "\(remaining) more bytes", offset: offset)
        }
    }
}
