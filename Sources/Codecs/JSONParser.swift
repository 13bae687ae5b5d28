// A strict JSON reader (RFC 8259, with the choices of RFC 7493 "I-JSON" that matter to a verifier).

/// The bounds within which a document is read. They are checked before anything is allocated for the part they bound.
public struct JSONLimits: Sendable {
    /// The most bytes of text.
    public var bytes: Int
    /// The deepest nesting of arrays and objects.
    public var depth: Int
    /// The most values in the whole document.
    public var values: Int
    /// Whether numbers may have a fraction or an exponent. Assay's own documents never do.
    public var allowsFractions: Bool

    /// Bounds for a document.
    public init(bytes: Int = 4 << 20, depth: Int = 32, values: Int = 200_000, allowsFractions: Bool = false) {
        self.bytes = bytes
        self.depth = depth
        self.values = values
        self.allowsFractions = allowsFractions
    }
}

extension JSONValue {
    /// Reads exactly one JSON value from `bytes`.
    ///
    /// Refused: text that is not UTF-8, a byte order mark, duplicate member names, lone surrogates, control characters in
    /// strings, anything after the value, `-0`, and, unless allowed, fractions and exponents.
    /// - Throws: `ParseError` with the byte offset.
    public init(parsing bytes: [UInt8], limits: JSONLimits = JSONLimits()) throws(ParseError) {
        guard bytes.count <= limits.bytes else {
            throw ParseError(field: "", expected: "at most \(limits.bytes) bytes", actual: "\(bytes.count) bytes")
        }
        var parser = JSONParser(bytes: bytes, limits: limits)
        self = try parser.parseDocument()
    }
}

private struct JSONParser {
    let bytes: [UInt8]
    let limits: JSONLimits
    var position = 0
    var valueCount = 0

    init(bytes: [UInt8], limits: JSONLimits) {
        self.bytes = bytes
        self.limits = limits
    }

    mutating func parseDocument() throws(ParseError) -> JSONValue {
        skipSpace()
        let value = try parseValue(depth: 0)
        skipSpace()
        guard position == bytes.count else { throw error("end of input", "more text") }
        return value
    }

    func error(_ expected: String, _ actual: String? = nil) -> ParseError {
        let found: String
        if let actual {
            found = actual
        } else if position < bytes.count {
            let byte = bytes[position]
            found =
                byte > 0x20 && byte < 0x7f
                ? "'\(Character(Unicode.Scalar(byte)))'" : "byte 0x" + String(byte, radix: 16)
        } else {
            found = "end of input"
        }
        return ParseError(field: "", expected: expected, actual: found, offset: position)
    }

    mutating func skipSpace() {
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x09, 0x0a, 0x0d: position += 1
            default: return
            }
        }
    }

    var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    mutating func parseValue(depth: Int) throws(ParseError) -> JSONValue {
        guard depth < limits.depth else { throw error("nesting of at most \(limits.depth)", "deeper nesting") }
        valueCount += 1
        guard valueCount <= limits.values else { throw error("at most \(limits.values) values", "more") }
        switch next {
        case UInt8(ascii: "{"): return try parseObject(depth: depth)
        case UInt8(ascii: "["): return try parseArray(depth: depth)
        case UInt8(ascii: "\""): return .string(try parseString())
        case UInt8(ascii: "t"): return try parseWord("true", .bool(true))
        case UInt8(ascii: "f"): return try parseWord("false", .bool(false))
        case UInt8(ascii: "n"): return try parseWord("null", .null)
        case UInt8(ascii: "-"), (UInt8(ascii: "0")...UInt8(ascii: "9"))?: return try parseNumber()
        default: throw error("a JSON value")
        }
    }

    mutating func parseWord(_ word: StaticString, _ value: JSONValue) throws(ParseError) -> JSONValue {
        let count = word.utf8CodeUnitCount
        let isThere =
            bytes.count - position >= count
            && word.withUTF8Buffer { wanted in wanted.indices.allSatisfy { bytes[position + $0] == wanted[$0] } }
        guard isThere else { throw error("'\(word)'") }
        position += count
        return value
    }

    mutating func parseObject(depth: Int) throws(ParseError) -> JSONValue {
        position += 1
        var object = JSONObject()
        skipSpace()
        if next == UInt8(ascii: "}") {
            position += 1
            return .object(object)
        }
        while true {
            skipSpace()
            guard next == UInt8(ascii: "\"") else { throw error("a member name") }
            let start = position
            let name = try parseString()
            guard object.position(of: name) == nil else {
                position = start
                throw error("each member once", "'\(name)' twice")
            }
            skipSpace()
            guard next == UInt8(ascii: ":") else { throw error("':'") }
            position += 1
            skipSpace()
            object.append(name, try parseValue(depth: depth + 1))
            skipSpace()
            switch next {
            case UInt8(ascii: ","): position += 1
            case UInt8(ascii: "}"):
                position += 1
                return .object(object)
            default: throw error("',' or '}'")
            }
        }
    }

    mutating func parseArray(depth: Int) throws(ParseError) -> JSONValue {
        position += 1
        var elements: [JSONValue] = []
        skipSpace()
        if next == UInt8(ascii: "]") {
            position += 1
            return .array(elements)
        }
        while true {
            skipSpace()
            elements.append(try parseValue(depth: depth + 1))
            skipSpace()
            switch next {
            case UInt8(ascii: ","): position += 1
            case UInt8(ascii: "]"):
                position += 1
                return .array(elements)
            default: throw error("',' or ']'")
            }
        }
    }

    mutating func parseNumber() throws(ParseError) -> JSONValue {
        let start = position
        var fraction = false
        let isNegative = next == UInt8(ascii: "-")
        if isNegative { position += 1 }
        let firstDigit = position
        let magnitude = skipDigits()
        let digits = position - firstDigit
        guard digits > 0, digits == 1 || bytes[firstDigit] != UInt8(ascii: "0") else { throw error("a number") }
        if next == UInt8(ascii: ".") {
            fraction = true
            position += 1
            let first = position
            skipDigits()
            guard position > first else { throw error("a digit after '.'") }
        }
        if next == UInt8(ascii: "e") || next == UInt8(ascii: "E") {
            fraction = true
            position += 1
            if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") { position += 1 }
            let first = position
            skipDigits()
            guard position > first else { throw error("a digit of the exponent") }
        }
        // Up to 18 digits are below 2^63 and have been added up without a wrap.
        if !fraction, digits <= 18, magnitude > 0 || !isNegative {
            return .number(JSONNumber(isNegative ? -Int64(magnitude) : Int64(magnitude)))
        }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        if !limits.allowsFractions {
            guard !fraction, text != "-0" else {
                position = start
                throw error("an integer", text)
            }
        }
        return .number(JSONNumber(text: text))
    }

    /// Steps over digits and adds them up, modulo 2^64.
    @discardableResult
    mutating func skipDigits() -> UInt64 {
        var value: UInt64 = 0
        while let byte = next, byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") {
            value = value &* 10 &+ UInt64(byte - UInt8(ascii: "0"))
            position += 1
        }
        return value
    }

    mutating func parseString() throws(ParseError) -> String {
        let start = position + 1
        let end = bytes.withUnsafeBytes { TextScan.plainEnd($0, from: start) }
        // Most strings are plain ASCII and are taken as they stand.
        if end < bytes.count, bytes[end] == UInt8(ascii: "\"") {
            position = end + 1
            return bytes.withUnsafeBytes {
                String(decoding: UnsafeRawBufferPointer(rebasing: $0[start..<end]), as: UTF8.self)
            }
        }
        position = end
        return try parseRestOfString(after: bytes[start..<end])
    }

    /// Reads on in a string whose first part is plain.
    mutating func parseRestOfString(after plain: ArraySlice<UInt8>) throws(ParseError) -> String {
        var text = Array(plain)
        while true {
            guard let byte = next else { throw error("'\"'") }
            switch byte {
            case UInt8(ascii: "\""):
                guard let string = text.withUnsafeBytes({ TextScan.text($0) }) else {
                    throw error("UTF-8 text", "other bytes")
                }
                position += 1
                return string
            case UInt8(ascii: "\\"):
                position += 1
                try parseEscape(into: &text)
            case 0..<0x20: throw error("an escaped control character")
            default:
                let start = position
                position = bytes.withUnsafeBytes { TextScan.plainEnd($0, from: start, allowsHigh: true) }
                text.append(contentsOf: bytes[start..<position])
            }
        }
    }

    mutating func parseEscape(into text: inout [UInt8]) throws(ParseError) {
        guard let byte = next else { throw error("an escape") }
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0c)
        case UInt8(ascii: "n"): text.append(0x0a)
        case UInt8(ascii: "r"): text.append(0x0d)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"):
            var code = try parseHexUnit()
            if code >= 0xd800 && code < 0xdc00 {
                guard next == UInt8(ascii: "\\") else { throw error("the second half of a surrogate pair") }
                position += 1
                guard next == UInt8(ascii: "u") else { throw error("the second half of a surrogate pair") }
                position += 1
                let low = try parseHexUnit()
                guard low >= 0xdc00 && low < 0xe000 else { throw error("a low surrogate", "another code unit") }
                code = 0x10000 + (code - 0xd800) << 10 + (low - 0xdc00)
            }
            guard let scalar = Unicode.Scalar(code) else { throw error("a Unicode scalar value", "a lone surrogate") }
            text.append(contentsOf: Array(String(Character(scalar)).utf8))
        default:
            position -= 1
            throw error("an escape character")
        }
    }

    mutating func parseHexUnit() throws(ParseError) -> UInt32 {
        guard bytes.count - position >= 4 else { throw error("four hexadecimal digits", "end of input") }
        var code: UInt32 = 0
        for _ in 0..<4 {
            let byte = bytes[position]
            let digit: UInt8
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte - UInt8(ascii: "a") + 10
            case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = byte - UInt8(ascii: "A") + 10
            default: throw error("a hexadecimal digit")
            }
            code = code << 4 | UInt32(digit)
            position += 1
        }
        return code
    }
}
