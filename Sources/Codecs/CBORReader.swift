// A bounded CBOR reader (RFC 8949) in two strictnesses: Assay's own documents, and tokens that others made.

/// The one width of a float in deterministic encoding.
public enum CBORFloatRule: Sendable {
    /// The narrowest that keeps the value (RFC 8949 §4.2.1).
    case shortest
    /// Always 64 bits (DAG-CBOR, "Strictness").
    case double
}

/// How CBOR is read: which encodings are accepted, and the bounds that are checked before anything is allocated.
public struct CBORRules: Sendable {
    /// Whether only core deterministic encoding is accepted (RFC 8949 §4.2.1): definite lengths, shortest heads and
    /// floats, map keys in bytewise order.
    public var isDeterministic: Bool
    /// The most bytes of input.
    public var bytes: Int
    /// The deepest nesting of arrays, maps and tags.
    public var depth: Int
    /// The most items in the whole input.
    public var items: Int
    /// How wide a float must be where encoding is deterministic.
    public var floats = CBORFloatRule.shortest

    /// Bounds and strictness.
    public init(isDeterministic: Bool, bytes: Int = 1 << 20, depth: Int = 16, items: Int = 50_000) {
        self.isDeterministic = isDeterministic
        self.bytes = bytes
        self.depth = depth
        self.items = items
    }

    /// Only core deterministic encoding: one value has one encoding.
    public static let strict = CBORRules(isDeterministic: true)
    /// Any well-formed encoding, for tokens signed by others. Duplicate keys, invalid UTF-8, trailing bytes and depth
    /// are refused all the same.
    public static let tolerant = CBORRules(isDeterministic: false)
}

extension CBORItem {
    /// Reads exactly one item from `bytes`.
    /// - Throws: `ParseError` with the byte offset for everything that `rules` do not accept, and for trailing bytes.
    public init(parsing bytes: [UInt8], _ rules: CBORRules = .strict) throws(ParseError) {
        try self.init(parsing: bytes[...], rules)
    }

    /// Reads exactly one item from `bytes`.
    /// - Throws: `ParseError` with the byte offset for everything that `rules` do not accept, and for trailing bytes.
    public init(parsing bytes: ArraySlice<UInt8>, _ rules: CBORRules = .strict) throws(ParseError) {
        guard bytes.count <= rules.bytes else {
            throw ParseError(field: "", expected: "at most \(rules.bytes) bytes", actual: "\(bytes.count) bytes")
        }
        var parser = CBORParser(bytes: bytes, rules: rules)
        self = try parser.readItem(depth: 0)
        try parser.reader.finish()
    }
}

private struct CBORParser {
    /// The first byte of an item and its argument.
    struct Head {
        let major: UInt8
        let info: UInt8
        /// The argument; 0 for an indefinite length.
        let argument: UInt64
        var isIndefinite: Bool { info == 31 }
    }

    let bytes: ArraySlice<UInt8>
    let rules: CBORRules
    var reader: ByteReader
    var itemCount = 0

    init(bytes: ArraySlice<UInt8>, rules: CBORRules) {
        self.bytes = bytes
        self.rules = rules
        self.reader = ByteReader(bytes)
    }

    func error(_ expected: String, _ actual: String, at offset: Int) -> ParseError {
        ParseError(field: "", expected: expected, actual: actual, offset: offset)
    }

    mutating func readHead() throws(ParseError) -> Head {
        let start = reader.offset
        let first = try reader.readByte()
        let major = first >> 5
        let info = first & 31
        var argument = UInt64(info)
        switch info {
        case 0..<24: break
        case 24:
            argument = UInt64(try reader.readByte())
            // Simple values below 32 in two bytes are not well-formed in any mode (RFC 8949 §3.3).
            if major == 7 {
                guard argument >= 32 else { throw error("a simple value of one byte", "two bytes", at: start) }
            } else {
                try requireShortest(argument >= 24, at: start)
            }
        case 25:
            argument = UInt64(try reader.readBigEndian(UInt16.self))
            if major != 7 { try requireShortest(argument > UInt64(UInt8.max), at: start) }
        case 26:
            argument = UInt64(try reader.readBigEndian(UInt32.self))
            if major != 7 { try requireShortest(argument > UInt64(UInt16.max), at: start) }
        case 27:
            argument = try reader.readBigEndian(UInt64.self)
            if major != 7 { try requireShortest(argument > UInt64(UInt32.max), at: start) }
        case 31:
            argument = 0
            guard major >= 2, major != 6 else { throw error("a definite length", "an indefinite one", at: start) }
            guard major != 7 else { throw error("a data item", "a break", at: start) }
            guard !rules.isDeterministic else { throw error("a definite length", "an indefinite one", at: start) }
        default: throw error("a well-formed head", "reserved bits", at: start)
        }
        return Head(major: major, info: info, argument: argument)
    }

    func requireShortest(_ isShortest: Bool, at offset: Int) throws(ParseError) {
        guard isShortest || !rules.isDeterministic else { throw error("the shortest head", "a longer one", at: offset) }
    }

    /// Reads one item that stands inside `depth` others.
    mutating func readItem(depth: Int) throws(ParseError) -> CBORItem {
        let start = reader.offset
        guard depth <= rules.depth else {
            throw error("nesting of at most \(rules.depth)", "deeper nesting", at: start)
        }
        itemCount += 1
        guard itemCount <= rules.items else { throw error("at most \(rules.items) items", "more", at: start) }
        let head = try readHead()
        let content: CBORItem.Content
        switch head.major {
        case 0: content = .unsigned(head.argument)
        case 1: content = .negative(head.argument)
        case 2: content = .bytes(try readString(head, at: start))
        case 3:
            guard let text = try readString(head, at: start).withUnsafeBytes({ TextScan.text($0) }) else {
                throw error("UTF-8 text", "other bytes", at: start)
            }
            content = .text(text)
        case 4: content = .array(try readArray(head, depth: depth, at: start))
        case 5: content = .map(try readMap(head, depth: depth, at: start))
        case 6: content = .tagged(head.argument, try readItem(depth: depth + 1))
        default: content = try simpleOrFloat(head, at: start)
        }
        let first = bytes.startIndex
        return CBORItem(content: content, encoding: bytes[first + start..<first + reader.offset])
    }

    /// A length that the bytes left can hold when each unit takes at least `unit` bytes.
    func bounded(_ length: UInt64, unit: Int, at offset: Int) throws(ParseError) -> Int {
        guard length <= UInt64(reader.remaining / unit) else {
            throw error("a length within the input", "\(length)", at: offset)
        }
        return Int(length)
    }

    mutating func readString(_ head: Head, at start: Int) throws(ParseError) -> ArraySlice<UInt8> {
        guard head.isIndefinite else { return try reader.read(try bounded(head.argument, unit: 1, at: start)) }
        var joined: [UInt8] = []
        while !takeBreak() {
            let offset = reader.offset
            itemCount += 1
            guard itemCount <= rules.items else { throw error("at most \(rules.items) items", "more", at: offset) }
            let chunk = try readHead()
            guard chunk.major == head.major, !chunk.isIndefinite else {
                throw error("a definite chunk of the same type", "another item", at: offset)
            }
            let part = try reader.read(try bounded(chunk.argument, unit: 1, at: offset))
            // Each chunk of a text string is valid text by itself (RFC 8949 §3.2.3).
            guard head.major == 2 || String(validating: part, as: UTF8.self) != nil else {
                throw error("UTF-8 text", "other bytes", at: offset)
            }
            joined.append(contentsOf: part)
        }
        return joined[...]
    }

    mutating func takeBreak() -> Bool {
        guard reader.peek() == 0xff else { return false }
        return (try? reader.readByte()) != nil
    }

    mutating func readArray(_ head: Head, depth: Int, at start: Int) throws(ParseError) -> [CBORItem] {
        var elements: [CBORItem] = []
        if head.isIndefinite {
            while !takeBreak() { elements.append(try readItem(depth: depth + 1)) }
        } else {
            let count = try bounded(head.argument, unit: 1, at: start)
            // An element may take one byte only, and far more memory: what comes is waited for, not what is announced.
            elements.reserveCapacity(min(count, 16))
            for _ in 0..<count {
                elements.append(try readItem(depth: depth + 1))
            }
        }
        return elements
    }

    mutating func readMap(_ head: Head, depth: Int, at start: Int) throws(ParseError) -> [CBORItem.Entry] {
        var entries: [CBORItem.Entry] = []
        var seen: Set<[UInt8]> = []
        var left = head.isIndefinite ? Int.max : try bounded(head.argument, unit: 2, at: start)
        entries.reserveCapacity(min(left, 16))
        while left > 0 {
            if head.isIndefinite, takeBreak() { break }
            left -= 1
            let offset = reader.offset
            let key = try readItem(depth: depth + 1)
            if rules.isDeterministic {
                // Ascending order also excludes duplicates.
                if let previous = entries.last?.key.encoding, !previous.lexicographicallyPrecedes(key.encoding) {
                    let actual = previous == key.encoding ? "a duplicate key" : "a smaller key"
                    throw error("keys in ascending order", actual, at: offset)
                }
            } else {
                // Two encodings of one key are still one key.
                guard seen.insert(key.value.encoded()).inserted else {
                    throw error("each key once", "a duplicate key", at: offset)
                }
            }
            entries.append(CBORItem.Entry(key: key, value: try readItem(depth: depth + 1)))
        }
        return entries
    }

    func simpleOrFloat(_ head: Head, at start: Int) throws(ParseError) -> CBORItem.Content {
        let value: Double
        switch head.info {
        case 20: return .bool(false)
        case 21: return .bool(true)
        case 22: return .null
        case 23: return .undefined
        case 25: value = CBORFloat.double(half: UInt16(truncatingIfNeeded: head.argument))
        case 26: value = Double(Float(bitPattern: UInt32(truncatingIfNeeded: head.argument)))
        case 27: value = Double(bitPattern: head.argument)
        default: return .simple(UInt8(truncatingIfNeeded: head.argument))
        }
        if rules.isDeterministic {
            let width = reader.offset - start
            if rules.floats == .double {
                guard width == 9 else { throw error("a float of 64 bits", "a narrower one", at: start) }
                return .float(value)
            }
            guard CBORFloat.encoding(value).count == width, !value.isNaN || head.argument == 0x7e00 else {
                throw error("the shortest float", "a longer one", at: start)
            }
        }
        return .float(value)
    }
}

/// IEEE 754 floats in the shortest width that keeps their value (RFC 8949 §4.2.1).
enum CBORFloat {
    /// The head and the payload of `value`.
    static func encoding(_ value: Double) -> [UInt8] {
        if value.isNaN { return [0xf9, 0x7e, 0x00] }
        if let half = half(value) {
            var output: [UInt8] = [0xf9]
            output.appendBigEndian(half)
            return output
        }
        let single = Float(value)
        if Double(single) == value {
            var output: [UInt8] = [0xfa]
            output.appendBigEndian(single.bitPattern)
            return output
        }
        var output: [UInt8] = [0xfb]
        output.appendBigEndian(value.bitPattern)
        return output
    }

    /// The value of a half-precision float.
    static func double(half: UInt16) -> Double {
        let sign: Double = half & 0x8000 == 0 ? 1 : -1
        let exponent = Int(half >> 10 & 0x1f)
        let fraction = Double(half & 0x3ff)
        switch exponent {
        case 0: return sign * fraction * 0x1p-24
        case 31: return fraction == 0 ? sign * .infinity : .nan
        default: return sign * (1 + fraction / 1024) * Double(sign: .plus, exponent: exponent - 15, significand: 1)
        }
    }

    /// The half-precision float that is exactly `value`, when there is one.
    private static func half(_ value: Double) -> UInt16? {
        let sign: UInt16 = value.sign == .minus ? 0x8000 : 0
        let magnitude = value.magnitude
        if magnitude == 0 { return sign }
        if magnitude.isInfinite { return sign | 0x7c00 }
        guard magnitude <= 65504, magnitude >= 0x1p-24 else { return nil }
        let exponent = Int(magnitude.exponent)
        if exponent >= -14 {
            let fraction = (magnitude.significand - 1) * 1024
            guard fraction == fraction.rounded() else { return nil }
            return sign | UInt16(exponent + 15) << 10 | UInt16(fraction)
        }
        let fraction = magnitude * 0x1p24
        guard fraction == fraction.rounded() else { return nil }
        return sign | UInt16(fraction)
    }
}
