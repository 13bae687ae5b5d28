// The words of TOML: keys, strings, numbers, arrays and inline tables. `TOMLParser` puts them into tables.

/// A cursor over TOML text.
struct TOMLScanner {
    let bytes: [UInt8]
    let limits: JSONLimits
    var position = 0
    private var valueCount = 0

    init(bytes: [UInt8], limits: JSONLimits) {
        self.bytes = bytes
        self.limits = limits
    }

    var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    /// An error at `place`, or where the cursor stands; the field names the line.
    func error(_ expected: String, _ actual: String? = nil, at place: Int? = nil) -> ParseError {
        let offset = min(place ?? position, bytes.count)
        let line = bytes[..<offset].reduce(1) { $1 == 0x0a ? $0 + 1 : $0 }
        let found: String
        if let actual {
            found = actual
        } else if offset < bytes.count {
            let byte = bytes[offset]
            found =
                byte > 0x20 && byte < 0x7f
                ? "'\(Character(Unicode.Scalar(byte)))'" : "byte 0x" + String(byte, radix: 16)
        } else {
            found = "end of input"
        }
        return ParseError(field: "line \(line)", expected: expected, actual: found, offset: offset)
    }

    mutating func countValue() throws(ParseError) {
        valueCount += 1
        guard valueCount <= limits.values else { throw error("at most \(limits.values) values", "more") }
    }

    // MARK: Space

    mutating func skipSpace() {
        while let byte = next, byte == 0x20 || byte == 0x09 { position += 1 }
    }

    /// One line end, if one stands here.
    private mutating func skipLineEnd() throws(ParseError) -> Bool {
        if next == 0x0a {
            position += 1
            return true
        }
        guard next == 0x0d else { return false }
        guard position + 1 < bytes.count, bytes[position + 1] == 0x0a else { throw error("a line feed after CR") }
        position += 2
        return true
    }

    private mutating func skipComment() throws(ParseError) {
        guard next == UInt8(ascii: "#") else { return }
        let start = position
        while let byte = next, byte != 0x0a, byte != 0x0d {
            guard byte >= 0x20 && byte != 0x7f || byte == 0x09 else { throw error("no control character") }
            position += 1
        }
        guard String(validating: bytes[start..<position], as: UTF8.self) != nil else {
            throw error("UTF-8 text", "other bytes", at: start)
        }
    }

    /// Spaces, comments and line ends.
    mutating func skipBlank() throws(ParseError) {
        repeat {
            skipSpace()
            try skipComment()
        } while try skipLineEnd()
    }

    /// What may follow a header or a member: a comment, and then the line's end.
    mutating func endLine() throws(ParseError) {
        skipSpace()
        try skipComment()
        guard try skipLineEnd() || next == nil else { throw error("the end of the line") }
    }

    mutating func expect(_ byte: UInt8, _ name: String) throws(ParseError) {
        guard next == byte else { throw error(name) }
        position += 1
    }

    // MARK: Keys

    /// `a."b c".d`, with the space after it.
    mutating func keyPath() throws(ParseError) -> [String] {
        var path: [String] = []
        while true {
            skipSpace()
            path.append(try key())
            skipSpace()
            guard next == UInt8(ascii: ".") else { return path }
            guard path.count < limits.depth else { throw error("nesting of at most \(limits.depth)", "deeper nesting") }
            position += 1
        }
    }

    private mutating func key() throws(ParseError) -> String {
        if next == UInt8(ascii: "\"") || next == UInt8(ascii: "'") { return try string(allowsLines: false) }
        let start = position
        while let byte = next, Self.isBare(byte) { position += 1 }
        guard position > start else { throw error("a key") }
        return String(decoding: bytes[start..<position], as: UTF8.self)
    }

    private static func isBare(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }

    // MARK: Values

    mutating func value(depth: Int) throws(ParseError) -> JSONValue {
        guard depth < limits.depth else { throw error("nesting of at most \(limits.depth)", "deeper nesting") }
        try countValue()
        switch next {
        case UInt8(ascii: "\""), UInt8(ascii: "'"): return .string(try string(allowsLines: true))
        case UInt8(ascii: "["): return try array(depth: depth)
        case UInt8(ascii: "{"): return try inlineTable(depth: depth)
        default: return try word()
        }
    }

    /// `true`, `false` or a decimal integer.
    private mutating func word() throws(ParseError) -> JSONValue {
        let start = position
        while let byte = next,
            Self.isBare(byte) || byte == UInt8(ascii: "+") || byte == UInt8(ascii: ".")
                || byte == UInt8(ascii: ":")
        { position += 1 }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        if text == "true" { return .bool(true) }
        if text == "false" { return .bool(false) }
        guard let first = text.utf8.first else { throw error("a value") }
        let digits = text.dropFirst(first == UInt8(ascii: "-") || first == UInt8(ascii: "+") ? 1 : 0)
        let plain = digits.filter { $0 != "_" }
        let isGrouped = digits.hasPrefix("_") || digits.hasSuffix("_") || digits.contains("__")
        let isDecimal = !plain.isEmpty && plain.utf8.allSatisfy { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }
        guard isDecimal, !isGrouped, plain.count == 1 || !plain.hasPrefix("0"),
            let number = Int64((first == UInt8(ascii: "-") ? "-" : "") + plain)
        else {
            throw error("a quoted string, a decimal integer, true, false, an array or a table", text, at: start)
        }
        return .integer(number)
    }

    private mutating func array(depth: Int) throws(ParseError) -> JSONValue {
        position += 1
        var elements: [JSONValue] = []
        while true {
            try skipBlank()
            if next == UInt8(ascii: "]") {
                position += 1
                return .array(elements)
            }
            elements.append(try value(depth: depth + 1))
            try skipBlank()
            if next == UInt8(ascii: ",") {
                position += 1
            } else if next != UInt8(ascii: "]") {
                throw error("',' or ']'")
            }
        }
    }

    /// `{ a = 1, b = 2 }` on one line, without dotted keys.
    private mutating func inlineTable(depth: Int) throws(ParseError) -> JSONValue {
        position += 1
        var object = JSONObject()
        skipSpace()
        if next == UInt8(ascii: "}") {
            position += 1
            return .object(object)
        }
        while true {
            skipSpace()
            let start = position
            let name = try key()
            guard object[name] == nil else { throw error("each key once", "'\(name)' twice", at: start) }
            skipSpace()
            try expect(UInt8(ascii: "="), "'='")
            skipSpace()
            object[name] = try value(depth: depth + 1)
            skipSpace()
            if next == UInt8(ascii: "}") {
                position += 1
                return .object(object)
            }
            try expect(UInt8(ascii: ","), "',' or '}'")
        }
    }

    // MARK: Strings

    /// A basic string or a literal one; with `allowsLines` also their forms over several lines.
    private mutating func string(allowsLines: Bool) throws(ParseError) -> String {
        let start = position
        let quote = bytes[position]
        let isLong = bytes[position...].starts(with: [quote, quote, quote])
        guard !isLong || allowsLines else { throw error("a key on one line") }
        position += isLong ? 3 : 1
        if isLong { _ = try skipLineEnd() }
        let isBasic = quote == UInt8(ascii: "\"")
        var text: [UInt8] = []
        while true {
            guard let byte = next else { throw error("a closing quote") }
            if byte == quote {
                if try closes(quote, isLong, into: &text) { break }
            } else if isBasic && byte == UInt8(ascii: "\\") {
                position += 1
                if isLong, try skipFoldedLines() { continue }
                try escape(into: &text)
            } else if byte == 0x0a || byte == 0x0d {
                guard isLong else { throw error("a closing quote on the same line") }
                _ = try skipLineEnd()
                text.append(0x0a)
            } else {
                guard byte >= 0x20 && byte != 0x7f || byte == 0x09 else { throw error("an escaped control character") }
                text.append(byte)
                position += 1
            }
        }
        guard let string = String(validating: text, as: UTF8.self) else {
            throw error("UTF-8 text", "other bytes", at: start)
        }
        return string
    }

    /// Whether the quote at the cursor ends the string. Up to two quotes may stand right before the end of a long one.
    private mutating func closes(_ quote: UInt8, _ isLong: Bool, into text: inout [UInt8]) throws(ParseError) -> Bool {
        guard isLong else {
            position += 1
            return true
        }
        var count = 0
        while next == quote, count < 6 {
            count += 1
            position += 1
        }
        guard count >= 3 else {
            text.append(contentsOf: repeatElement(quote, count: count))
            return false
        }
        guard count < 6 else { throw error("at most two quotes before the closing ones", "more") }
        text.append(contentsOf: repeatElement(quote, count: count - 3))
        return true
    }

    /// After a backslash at the end of a line: everything up to the next character that is not space.
    private mutating func skipFoldedLines() throws(ParseError) -> Bool {
        let start = position
        skipSpace()
        guard try skipLineEnd() else {
            position = start
            return false
        }
        repeat { skipSpace() } while try skipLineEnd()
        return true
    }

    private mutating func escape(into text: inout [UInt8]) throws(ParseError) {
        guard let byte = next else { throw error("an escape") }
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): text.append(byte)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "n"): text.append(0x0a)
        case UInt8(ascii: "f"): text.append(0x0c)
        case UInt8(ascii: "r"): text.append(0x0d)
        case UInt8(ascii: "u"), UInt8(ascii: "U"):
            let count = byte == UInt8(ascii: "u") ? 4 : 8
            let digits = bytes[(position + 1)...].prefix(count)
            let isHex = digits.allSatisfy { Character(Unicode.Scalar($0)).isHexDigit }
            guard digits.count == count, isHex, let code = UInt32(String(decoding: digits, as: UTF8.self), radix: 16),
                let scalar = Unicode.Scalar(code)
            else { throw error("\(count) hexadecimal digits of a Unicode scalar value", "another escape") }
            text.append(contentsOf: Array(String(Character(scalar)).utf8))
            position += count
        default: throw error("an escape character")
        }
        position += 1
    }
}
