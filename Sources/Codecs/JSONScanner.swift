// Reads JSON text front to back without building values: for documents whose members are known beforehand.

/// A pull reader over JSON text, as strict as `JSONValue(parsing:)`, for one known document type.
///
/// The caller drives it: `object` hands over each member name and expects its value to be read before it goes on. A member
/// that the caller does not know must be refused by the caller, through `unknown`.
public struct JSONScanner {
    private let bytes: [UInt8]
    private var position = 0
    private var depth = 0
    private let field: String
    private let depthLimit: Int

    /// Starts at the first of `bytes`.
    /// - Parameters:
    ///   - field: names the document in errors.
    ///   - maxBytes: the most bytes of text.
    ///   - maxDepth: the deepest nesting.
    public init(_ bytes: [UInt8], field: String, maxBytes: Int = 1 << 20, maxDepth: Int = 16) throws(ParseError) {
        guard bytes.count <= maxBytes else {
            throw ParseError(field: field, expected: "at most \(maxBytes) bytes", actual: "\(bytes.count) bytes")
        }
        self.bytes = bytes
        self.field = field
        self.depthLimit = maxDepth
    }

    /// An error at the present place.
    public func error(_ expected: String, _ actual: String? = nil, _ member: String = "") -> ParseError {
        let found: String
        if let actual {
            found = actual
        } else if position < bytes.count {
            found = "byte 0x" + String(bytes[position], radix: 16)
        } else {
            found = "end of input"
        }
        let path = member.isEmpty ? field : field + "." + member
        return ParseError(field: path, expected: expected, actual: found, offset: position)
    }

    /// The error for a member that the document type does not have.
    public func unknown(_ name: String, in object: String) -> ParseError {
        error("a known member of \(object)", "'\(name)'", name)
    }

    /// Throws unless only white space is left.
    public mutating func finish() throws(ParseError) {
        skipSpace()
        guard position == bytes.count else { throw error("end of input", "more text") }
    }

    private mutating func skipSpace() {
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x09, 0x0a, 0x0d: position += 1
            default: return
            }
        }
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard position < bytes.count, bytes[position] == byte else { return false }
        position += 1
        return true
    }

    private mutating func enter(_ open: UInt8, _ what: String) throws(ParseError) {
        skipSpace()
        guard take(open) else { throw error(what) }
        depth += 1
        guard depth <= depthLimit else { throw error("nesting of at most \(depthLimit)", "deeper nesting") }
    }

    /// Reads an object: calls `member` with each name, which must read that member's value.
    ///
    /// A name that comes twice is refused.
    public mutating func object(
        _ member: (inout JSONScanner, String) throws(ParseError) -> Void
    ) throws(ParseError) {
        try enter(UInt8(ascii: "{"), "an object")
        defer { depth -= 1 }
        skipSpace()
        if take(UInt8(ascii: "}")) { return }
        var seen: [String] = []
        while true {
            let name = try string("a member name")
            guard !seen.contains(name) else { throw error("each member once", "'\(name)' twice", name) }
            seen.append(name)
            skipSpace()
            guard take(UInt8(ascii: ":")) else { throw error("':'") }
            try member(&self, name)
            skipSpace()
            if take(UInt8(ascii: ",")) { continue }
            guard take(UInt8(ascii: "}")) else { throw error("',' or '}'") }
            return
        }
    }

    /// Reads an array of at most `max` elements: calls `element`, which must read one value.
    public mutating func array<Element>(
        max: Int,
        _ element: (inout JSONScanner) throws(ParseError) -> Element
    ) throws(ParseError) -> [Element] {
        try enter(UInt8(ascii: "["), "an array")
        defer { depth -= 1 }
        var elements: [Element] = []
        skipSpace()
        if take(UInt8(ascii: "]")) { return elements }
        while true {
            guard elements.count < max else { throw error("at most \(max) elements", "more") }
            elements.append(try element(&self))
            skipSpace()
            if take(UInt8(ascii: ",")) { continue }
            guard take(UInt8(ascii: "]")) else { throw error("',' or ']'") }
            return elements
        }
    }

    /// Reads an integer from 0 to `max`.
    public mutating func unsigned(max: UInt64 = UInt64(Int64.max)) throws(ParseError) -> UInt64 {
        skipSpace()
        let start = position
        var value: UInt64 = 0
        while position < bytes.count, bytes[position] >= UInt8(ascii: "0"), bytes[position] <= UInt8(ascii: "9") {
            guard position - start < 18 else { throw error("an integer of at most 18 digits", "a longer one") }
            value = value * 10 + UInt64(bytes[position] - UInt8(ascii: "0"))
            position += 1
        }
        let count = position - start
        guard count > 0, count == 1 || bytes[start] != UInt8(ascii: "0") else { throw error("an integer from 0") }
        guard value <= max else { throw error("at most \(max)", "\(value)") }
        if position < bytes.count, [UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E")].contains(bytes[position]) {
            throw error("an integer")
        }
        return value
    }

    /// The characters between the quotes of a string that holds plain ASCII without escapes, as a slice of the text.
    public mutating func plainText(_ what: String = "a string") throws(ParseError) -> ArraySlice<UInt8> {
        skipSpace()
        guard take(UInt8(ascii: "\"")) else { throw error(what) }
        let start = position
        while position < bytes.count {
            let byte = bytes[position]
            if byte == UInt8(ascii: "\"") {
                position += 1
                return bytes[start..<position - 1]
            }
            guard byte >= 0x20, byte < 0x7f, byte != UInt8(ascii: "\\") else {
                throw error("plain ASCII without escapes")
            }
            position += 1
        }
        throw error("'\"'")
    }

    /// A string of plain ASCII without escapes.
    public mutating func string(_ what: String = "a string") throws(ParseError) -> String {
        String(decoding: try plainText(what), as: UTF8.self)
    }

    /// Hexadecimal text of `count` bytes, in either case.
    public mutating func hex(count: Int) throws(ParseError) -> [UInt8] {
        let text = try plainText()
        guard text.count == 2 * count else { throw error("\(2 * count) hexadecimal digits", "\(text.count)") }
        var result: [UInt8] = []
        result.reserveCapacity(count)
        var high: UInt8?
        for byte in text {
            let digit: UInt8
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte - UInt8(ascii: "a") + 10
            case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = byte - UInt8(ascii: "A") + 10
            default: throw error("hexadecimal digits", "byte 0x" + String(byte, radix: 16))
            }
            if let first = high {
                result.append(first << 4 | digit)
                high = nil
            } else {
                high = digit
            }
        }
        return result
    }

    /// Steps over one value, well formed as far as its brackets and strings go, and returns exactly its text.
    public mutating func rawValue() throws(ParseError) -> ArraySlice<UInt8> {
        skipSpace()
        let start = position
        var open: [UInt8] = []
        repeat {
            guard position < bytes.count else { throw error("a value") }
            let byte = bytes[position]
            switch byte {
            case UInt8(ascii: "\""): try skipString()
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                guard open.count < depthLimit else { throw error("nesting of at most \(depthLimit)", "deeper nesting") }
                open.append(byte + 2)
                position += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                guard open.popLast() == byte else { throw error("a matching bracket") }
                position += 1
            case UInt8(ascii: ","), UInt8(ascii: ":"):
                guard !open.isEmpty else { throw error("a value") }
                position += 1
            case 0x20, 0x09, 0x0a, 0x0d: position += 1
            default:
                let first = position
                while position < bytes.count, Self.isWordByte(bytes[position]) { position += 1 }
                guard position > first else { throw error("a value") }
            }
        } while !open.isEmpty
        return bytes[start..<position]
    }

    private static func isWordByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"),
            UInt8(ascii: "+"), UInt8(ascii: "."), UInt8(ascii: "E"):
            true
        default: false
        }
    }

    private mutating func skipString() throws(ParseError) {
        position += 1
        while position < bytes.count {
            let byte = bytes[position]
            position += byte == UInt8(ascii: "\\") ? 2 : 1
            if byte == UInt8(ascii: "\"") { return }
        }
        throw error("'\"'")
    }

    /// A time as `YYYY-MM-DDThh:mm:ssZ`.
    public mutating func timestamp() throws(ParseError) -> Timestamp {
        try Timestamp(try string("a time"), field: field)
    }
}
