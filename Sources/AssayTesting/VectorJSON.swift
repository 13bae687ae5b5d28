// Vectors as JSON: reading files of other projects without a schema of their own.
public import Codecs

extension SharedVectors {
    /// The JSON file at `path` below the folder.
    /// - Throws: a Foundation error when it cannot be read, `ParseError` when it is not JSON.
    public static func json(_ path: String) throws -> JSONValue {
        try JSONValue(parsing: bytes(path), limits: JSONLimits(bytes: 16 << 20, values: 2_000_000))
    }
}

/// Shorthands for test vectors: what is missing or of another type is null, empty or false.
extension JSONValue {
    /// The member called `name`.
    public subscript(name: String) -> JSONValue {
        guard case .object(let object) = self else { return .null }
        return object[name] ?? .null
    }

    /// The element at `index`.
    public subscript(index: Int) -> JSONValue { items.indices.contains(index) ? items[index] : .null }

    /// The elements of an array.
    public var items: [JSONValue] {
        guard case .array(let items) = self else { return [] }
        return items
    }

    /// The text of a string or of a number.
    public var text: String {
        switch self {
        case .string(let text): text
        case .number(let number): number.text
        default: ""
        }
    }

    /// Whether this is `true`.
    public var isTrue: Bool { self == .bool(true) }

    /// The bytes of hexadecimal text, with or without `0x`.
    public var hex: [UInt8] {
        let digits = text.hasPrefix("0x") ? String(text.dropFirst(2)) : text
        return (try? Hex.decode(digits, allowsUpperCase: true)) ?? []
    }
}
