// Configuration and policies as people write them: a strict subset of TOML 1.0, read into the JSON data model, so that one
// set of document readers serves both forms. A TOML library of C++ would bring a second language's runtime into the
// offline half; what is left out here (fractions, dates, integers in other bases) no document of Assay has.

/// The form in which a document is written.
public enum DocumentText {
    /// Reads a document that is JSON when it begins with `{`, and TOML otherwise.
    /// - Throws: `ParseError`; for TOML with the line.
    public static func parse(_ bytes: [UInt8], limits: JSONLimits = JSONLimits()) throws(ParseError) -> JSONValue {
        let first = bytes.first { ![0x20, 0x09, 0x0a, 0x0d].contains($0) }
        if first == UInt8(ascii: "{") { return try JSONValue(parsing: bytes, limits: limits) }
        return try JSONValue(toml: bytes, limits: limits)
    }
}

extension JSONValue {
    /// Reads a TOML document (toml.io, version 1.0.0) as an object.
    ///
    /// Strings, decimal integers, booleans, arrays, tables, inline tables and arrays of tables are read. Refused: fractions,
    /// dates (write a time as a string), integers in other bases, every key or table that is defined twice, text that is
    /// not UTF-8, a byte order mark, a carriage return without a line feed, control characters.
    /// - Throws: `ParseError` with the line in `field` and the byte offset.
    public init(toml bytes: [UInt8], limits: JSONLimits = JSONLimits()) throws(ParseError) {
        guard bytes.count <= limits.bytes else {
            throw ParseError(field: "", expected: "at most \(limits.bytes) bytes", actual: "\(bytes.count) bytes")
        }
        var parser = TOMLParser(scanner: TOMLScanner(bytes: bytes, limits: limits))
        self = .object(try parser.parseDocument())
    }
}

/// A table while it is built, with what may still be added to it.
private final class TOMLTable {
    enum Node {
        case value(JSONValue)
        case table(TOMLTable)
        case tables([TOMLTable])
    }

    /// How a table came to be, which decides whether another line may add to it.
    enum Origin {
        /// Named on the way to another table's header: may get a header of its own, once.
        case implied
        /// Has a header.
        case header
        /// Made by a dotted key: only dotted keys of the same table may add to it.
        case dotted
    }

    var origin: Origin
    var members: [(name: String, node: Node)] = []
    private var index: [String: Int] = [:]

    init(_ origin: Origin) { self.origin = origin }

    subscript(name: String) -> Node? {
        get { index[name].map { members[$0].node } }
        set {
            guard let newValue else { return }
            if let position = index[name] {
                members[position].node = newValue
            } else {
                index[name] = members.count
                members.append((name, newValue))
            }
        }
    }

    var json: JSONObject {
        JSONObject(
            members.map { name, node in
                switch node {
                case .value(let value): (name, value)
                case .table(let table): (name, .object(table.json))
                case .tables(let tables): (name, .array(tables.map { .object($0.json) }))
                }
            }
        )
    }
}

private struct TOMLParser {
    var scanner: TOMLScanner
    private let root = TOMLTable(.header)

    init(scanner: TOMLScanner) { self.scanner = scanner }

    mutating func parseDocument() throws(ParseError) -> JSONObject {
        var current = root
        while true {
            try scanner.skipBlank()
            guard let byte = scanner.next else { return root.json }
            if byte == UInt8(ascii: "[") {
                current = try parseHeader()
            } else {
                try parseMember(of: current)
            }
            try scanner.endLine()
        }
    }

    /// `[a.b]` or `[[a.b]]`.
    private mutating func parseHeader() throws(ParseError) -> TOMLTable {
        scanner.position += 1
        let isArray = scanner.next == UInt8(ascii: "[")
        if isArray { scanner.position += 1 }
        scanner.skipSpace()
        let start = scanner.position
        let path = try scanner.keyPath()
        try scanner.expect(UInt8(ascii: "]"), "']'")
        if isArray { try scanner.expect(UInt8(ascii: "]"), "']]'") }
        guard path.count < scanner.limits.depth else {
            throw scanner.error("nesting of at most \(scanner.limits.depth)")
        }
        var table = root
        for name in path.dropLast() {
            switch table[name] {
            case nil:
                try scanner.countValue()
                let made = TOMLTable(.implied)
                table[name] = .table(made)
                table = made
            case .table(let inner): table = inner
            case .tables(let list):
                guard let last = list.last else { throw scanner.error("a table", "an empty array", at: start) }
                table = last
            case .value: throw scanner.error("a table", "'\(name)', which is a value", at: start)
            }
        }
        try scanner.countValue()
        guard let name = path.last else { throw scanner.error("a key", at: start) }
        if isArray {
            let made = TOMLTable(.header)
            switch table[name] {
            case nil: table[name] = .tables([made])
            case .tables(let list): table[name] = .tables(list + [made])
            default: throw scanner.error("each table once", "'\(name)' twice", at: start)
            }
            return made
        }
        switch table[name] {
        case nil:
            let made = TOMLTable(.header)
            table[name] = .table(made)
            return made
        case .table(let known) where known.origin == .implied:
            known.origin = .header
            return known
        default: throw scanner.error("each table once", "'\(name)' twice", at: start)
        }
    }

    /// `a.b = value`.
    private mutating func parseMember(of owner: TOMLTable) throws(ParseError) {
        let start = scanner.position
        let path = try scanner.keyPath()
        try scanner.expect(UInt8(ascii: "="), "'='")
        scanner.skipSpace()
        guard path.count < scanner.limits.depth else {
            throw scanner.error("nesting of at most \(scanner.limits.depth)")
        }
        var table = owner
        for name in path.dropLast() {
            switch table[name] {
            case nil:
                try scanner.countValue()
                let made = TOMLTable(.dotted)
                table[name] = .table(made)
                table = made
            case .table(let inner) where inner.origin == .dotted: table = inner
            default: throw scanner.error("each key once", "'\(name)' is defined elsewhere", at: start)
            }
        }
        guard let name = path.last, table[name] == nil else {
            throw scanner.error("each key once", "'\(path.last ?? "")' twice", at: start)
        }
        table[name] = .value(try scanner.value(depth: path.count))
    }
}
