// A strict cursor over DER (ITU-T X.690 §10): definite minimal lengths, low tag numbers, one encoding per value.

/// An object identifier, kept as its encoded arcs.
public struct OID: Hashable, Sendable, CustomStringConvertible {
    /// The content octets of the OBJECT IDENTIFIER (X.690 §8.19).
    public let encoded: ArraySlice<UInt8>

    init(encoded: ArraySlice<UInt8>) {
        self.encoded = encoded
    }

    /// The identifier with these arcs; the first is 0, 1 or 2.
    public init(_ arcs: UInt64...) {
        precondition(arcs.count >= 2 && arcs[0] <= 2, "an object identifier has at least two arcs")
        var bytes: [UInt8] = []
        for arc in [arcs[0] * 40 + arcs[1]] + arcs.dropFirst(2) {
            var groups = [UInt8(arc & 0x7f)]
            var rest = arc >> 7
            while rest > 0 {
                groups.append(UInt8(rest & 0x7f) | 0x80)
                rest >>= 7
            }
            bytes.append(contentsOf: groups.reversed())
        }
        encoded = bytes[...]
    }

    /// The arcs in decimal, joined by dots.
    public var description: String {
        var arcs: [UInt64] = []
        var arc: UInt64 = 0
        for byte in encoded {
            arc = arc &<< 7 | UInt64(byte & 0x7f)
            if byte & 0x80 == 0 {
                arcs.append(arc)
                arc = 0
            }
        }
        guard let first = arcs.first else { return "" }
        let root = min(first / 40, 2)
        return ([root, first - root * 40] + arcs.dropFirst()).map(String.init).joined(separator: ".")
    }

    /// Whether `prefix` names this identifier or one of its ancestors.
    public func hasPrefix(_ prefix: OID) -> Bool {
        encoded.starts(with: prefix.encoded)
    }
}

/// One DER element.
public struct DERElement: Sendable {
    /// The identifier octet: class, constructed bit and tag number.
    public let tag: UInt8
    /// The content octets.
    public let content: ArraySlice<UInt8>
    /// Identifier, length and content.
    public let encoded: ArraySlice<UInt8>
}

/// Reads DER elements from front to back.
public struct DERReader: Sendable {
    /// Identifier octets of the universal types that Assay reads.
    public enum Tag {
        public static let boolean: UInt8 = 0x01
        public static let integer: UInt8 = 0x02
        public static let bitString: UInt8 = 0x03
        public static let octetString: UInt8 = 0x04
        public static let null: UInt8 = 0x05
        public static let objectIdentifier: UInt8 = 0x06
        public static let enumerated: UInt8 = 0x0a
        public static let utf8String: UInt8 = 0x0c
        public static let printableString: UInt8 = 0x13
        public static let ia5String: UInt8 = 0x16
        public static let utcTime: UInt8 = 0x17
        public static let generalizedTime: UInt8 = 0x18
        public static let sequence: UInt8 = 0x30
        public static let set: UInt8 = 0x31

        /// `[number]` IMPLICIT of a primitive type.
        public static func primitive(_ number: UInt8) -> UInt8 { 0x80 | number }
        /// `[number]` EXPLICIT, or IMPLICIT of a constructed type.
        public static func constructed(_ number: UInt8) -> UInt8 { 0xa0 | number }
    }

    private var reader: ByteReader
    private let field: String
    /// The name of this structure inside `field`, kept apart so that no path is put together unless something is wrong.
    private let name: String

    /// Starts at the first of `bytes`; `field` names the structure in errors.
    public init(_ bytes: ArraySlice<UInt8>, _ field: String = "") {
        self.init(bytes, field, "")
    }

    private init(_ bytes: ArraySlice<UInt8>, _ field: String, _ name: String) {
        reader = ByteReader(bytes)
        self.field = field
        self.name = name
    }

    /// Whether every element has been read.
    public var isAtEnd: Bool { reader.isAtEnd }

    private func path(_ member: String) -> String {
        [field, name, member].filter { !$0.isEmpty }.joined(separator: ".")
    }

    /// The next element, whatever its tag.
    public mutating func next(_ name: String = "") throws(ParseError) -> DERElement {
        let rest = reader
        let start = reader.offset
        let tag = try reader.readByte(field)
        guard tag & 0x1f != 0x1f else {
            throw ParseError(field: path(name), expected: "a tag number below 31", actual: "a longer tag")
        }
        let first = try reader.readByte(field)
        var length = Int(first)
        if first & 0x80 != 0 {
            let count = Int(first & 0x7f)
            guard count >= 1, count <= 4 else {
                let actual = "length octet 0x" + String(first, radix: 16)
                throw ParseError(field: path(name), expected: "a definite length below 2^32", actual: actual)
            }
            length = 0
            for _ in 0..<count { length = length << 8 | Int(try reader.readByte(field)) }
            guard length >= 0x80, length >> (8 * (count - 1)) != 0 else {
                throw ParseError(field: path(name), expected: "the shortest length", actual: "a padded length")
            }
        }
        let header = reader.offset - start
        guard length <= reader.remaining else {
            let actual = "\(reader.remaining) left"
            throw ParseError(field: path(name), expected: "\(length) bytes", actual: actual, offset: reader.offset)
        }
        reader = rest
        let encoded = try reader.read(header + length, field)
        return DERElement(
            tag: tag,
            content: encoded[(encoded.startIndex + header)...],
            encoded: encoded
        )
    }

    /// The next element, which must have this tag.
    public mutating func next(_ tag: UInt8, _ name: String = "") throws(ParseError) -> DERElement {
        guard reader.peek() == tag else {
            let actual = reader.peek().map { "tag 0x" + String($0, radix: 16) } ?? "the end"
            throw ParseError(field: path(name), expected: "tag 0x" + String(tag, radix: 16), actual: actual)
        }
        return try next(name)
    }

    /// The next element when it has this tag, otherwise `nil`.
    public mutating func nextIf(_ tag: UInt8, _ name: String = "") throws(ParseError) -> DERElement? {
        reader.peek() == tag ? try next(name) : nil
    }

    /// A reader over the content of the next element, which must have this tag.
    public mutating func nested(_ tag: UInt8 = Tag.sequence, _ name: String = "") throws(ParseError) -> DERReader {
        DERReader(try next(tag, name).content, field, name.isEmpty ? self.name : name)
    }

    /// The content of an INTEGER in two's complement, in its shortest form.
    public mutating func integer(_ name: String = "") throws(ParseError) -> ArraySlice<UInt8> {
        let content = try next(Tag.integer, name).content
        guard let first = content.first else {
            throw ParseError(field: path(name), expected: "an integer", actual: "no content")
        }
        if content.count > 1 {
            let second = content[content.startIndex + 1]
            guard !(first == 0 && second < 0x80), !(first == 0xff && second >= 0x80) else {
                throw ParseError(field: path(name), expected: "the shortest integer", actual: "a padded one")
            }
        }
        return content
    }

    /// A non-negative INTEGER below 2^63.
    public mutating func unsigned(_ name: String = "") throws(ParseError) -> UInt64 {
        let content = try integer(name)
        guard content.count <= 8, let first = content.first, first < 0x80 else {
            throw ParseError(field: path(name), expected: "an integer from 0 to 2^63-1", actual: "another")
        }
        return content.reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// The magnitude of a non-negative INTEGER, big-endian, without leading zeros.
    public mutating func magnitude(_ name: String = "") throws(ParseError) -> ArraySlice<UInt8> {
        let content = try integer(name)
        guard let first = content.first, first < 0x80 else {
            throw ParseError(field: path(name), expected: "a non-negative integer", actual: "a negative one")
        }
        return first == 0 ? content.dropFirst() : content
    }

    /// A BOOLEAN, 0x00 or 0xff.
    public mutating func boolean(_ name: String = "") throws(ParseError) -> Bool {
        let content = try next(Tag.boolean, name).content
        guard content.count == 1, let byte = content.first, byte == 0 || byte == 0xff else {
            throw ParseError(field: path(name), expected: "0x00 or 0xff", actual: "another boolean")
        }
        return byte == 0xff
    }

    /// An OBJECT IDENTIFIER.
    public mutating func objectIdentifier(_ name: String = "") throws(ParseError) -> OID {
        let content = try next(Tag.objectIdentifier, name).content
        var isStart = true
        for byte in content {
            guard !(isStart && byte == 0x80) else {
                throw ParseError(field: path(name), expected: "the shortest arcs", actual: "a padded arc")
            }
            isStart = byte & 0x80 == 0
        }
        guard !content.isEmpty, isStart, content.count <= 64 else {
            throw ParseError(field: path(name), expected: "an object identifier", actual: "\(content.count) bytes")
        }
        return OID(encoded: content)
    }

    /// The bytes of an OCTET STRING.
    public mutating func octetString(_ name: String = "") throws(ParseError) -> ArraySlice<UInt8> {
        try next(Tag.octetString, name).content
    }

    /// The bytes of a BIT STRING that has no unused bits.
    public mutating func bitString(_ name: String = "") throws(ParseError) -> ArraySlice<UInt8> {
        let content = try next(Tag.bitString, name).content
        guard content.first == 0 else {
            throw ParseError(field: path(name), expected: "a bit string of whole bytes", actual: "unused bits")
        }
        return content.dropFirst()
    }

    /// A UTCTime or a GeneralizedTime.
    public mutating func time(_ name: String = "") throws(ParseError) -> Timestamp {
        let element = try next(name)
        guard element.tag == Tag.utcTime || element.tag == Tag.generalizedTime else {
            let actual = "tag 0x" + String(element.tag, radix: 16)
            throw ParseError(field: path(name), expected: "a time", actual: actual)
        }
        let isGeneralized = element.tag == Tag.generalizedTime
        do throws(ParseError) {
            return try Timestamp(derDigits: element.content, isGeneralized: isGeneralized)
        } catch {
            throw error.within(path(name))
        }
    }

    /// Throws unless every element has been read.
    public func finish() throws(ParseError) {
        try reader.finish(field)
    }
}
