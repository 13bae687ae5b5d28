// The CBOR data model (RFC 8949) as it was read: every item keeps the bytes that it was read from, because signatures
// and hashes are over those bytes and never over an encoding made again.

/// One CBOR data item and the bytes that encode it.
public struct CBORItem: Sendable {
    /// What an item says.
    public enum Content: Sendable {
        /// Major type 0.
        case unsigned(UInt64)
        /// Major type 1: the number −1 − `n`.
        case negative(UInt64)
        /// Major type 2. The chunks of an indefinite-length string are joined.
        case bytes(ArraySlice<UInt8>)
        /// Major type 3.
        case text(String)
        /// Major type 4.
        case array([CBORItem])
        /// Major type 5, in the order of the encoding. No two keys are equal.
        case map([Entry])
        /// Major type 6.
        indirect case tagged(UInt64, CBORItem)
        /// `false` or `true`.
        case bool(Bool)
        /// The simple value 22.
        case null
        /// The simple value 23.
        case undefined
        /// Any other simple value.
        case simple(UInt8)
        /// A float of any width.
        case float(Double)
    }

    /// A key of a map and its value.
    public struct Entry: Sendable {
        /// The key.
        public let key: CBORItem
        /// What stands under it.
        public let value: CBORItem
    }

    /// What the item says.
    public let content: Content
    /// Exactly the bytes that encode the item, as a slice of the input.
    public let encoding: ArraySlice<UInt8>

    init(content: Content, encoding: ArraySlice<UInt8>) {
        self.content = content
        self.encoding = encoding
    }

    /// What kind of item this is, for error texts.
    public var typeName: String {
        switch content {
        case .unsigned, .negative: "an integer"
        case .bytes: "a byte string"
        case .text: "a text string"
        case .array: "an array"
        case .map: "a map"
        case .tagged(let tag, _): "tag \(tag)"
        case .bool: "a boolean"
        case .null: "null"
        case .undefined: "undefined"
        case .simple(let value): "simple value \(value)"
        case .float: "a float"
        }
    }

    /// Whether the item is null.
    public var isNull: Bool {
        if case .null = content { true } else { false }
    }

    /// The item as a number, when it is an integer that fits.
    public var integer: Int64? {
        switch content {
        case .unsigned(let value): Int64(exactly: value)
        case .negative(let value): Int64(exactly: value).map { -1 - $0 }
        default: nil
        }
    }

    /// The item as text, when it is a text string.
    public var text: String? {
        if case .text(let text) = content { text } else { nil }
    }

    /// What stands under the integer key `label`, when the item is a map that has it.
    public subscript(label: Int64) -> CBORItem? {
        guard case .map(let entries) = content else { return nil }
        return entries.first { $0.key.integer == label }?.value
    }

    /// What stands under the text key `name`, when the item is a map that has it.
    public subscript(name: String) -> CBORItem? {
        guard case .map(let entries) = content else { return nil }
        return entries.first { $0.key.text == name }?.value
    }

    // MARK: Typed views

    private func mismatch(_ expected: String, _ field: String) -> ParseError {
        ParseError(field: field, expected: expected, actual: typeName)
    }

    /// The entries of a map with at most `max` of them.
    public func entries(max: Int, _ field: String) throws(ParseError) -> [Entry] {
        guard case .map(let entries) = content else { throw mismatch("a map", field) }
        guard entries.count <= max else {
            throw ParseError(field: field, expected: "at most \(max) entries", actual: "\(entries.count)")
        }
        return entries
    }

    /// The elements of an array with at most `max` of them.
    public func elements(max: Int, _ field: String) throws(ParseError) -> [CBORItem] {
        guard case .array(let elements) = content else { throw mismatch("an array", field) }
        guard elements.count <= max else {
            throw ParseError(field: field, expected: "at most \(max) elements", actual: "\(elements.count)")
        }
        return elements
    }

    /// The bytes of a byte string whose length lies in `lengths`.
    public func byteString(
        _ lengths: ClosedRange<Int> = 0...Int.max,
        _ field: String
    ) throws(ParseError) -> ArraySlice<UInt8> {
        guard case .bytes(let bytes) = content else { throw mismatch("a byte string", field) }
        guard lengths.contains(bytes.count) else {
            let expected =
                lengths.lowerBound == lengths.upperBound
                ? "\(lengths.lowerBound) bytes" : "\(lengths.lowerBound) to \(lengths.upperBound) bytes"
            throw ParseError(field: field, expected: expected, actual: "\(bytes.count) bytes")
        }
        return bytes
    }

    /// The text of a text string of at most `maxBytes` bytes of UTF-8.
    public func textString(maxBytes: Int = 4096, _ field: String) throws(ParseError) -> String {
        guard case .text(let text) = content else { throw mismatch("a text string", field) }
        guard text.utf8.count <= maxBytes else {
            throw ParseError(field: field, expected: "at most \(maxBytes) bytes", actual: "\(text.utf8.count) bytes")
        }
        return text
    }

    /// An integer within `range`.
    public func integer(in range: ClosedRange<Int64>, _ field: String) throws(ParseError) -> Int64 {
        switch content {
        case .unsigned, .negative: break
        default: throw mismatch("an integer", field)
        }
        guard let value = integer, range.contains(value) else {
            let expected = "an integer from \(range.lowerBound) to \(range.upperBound)"
            throw ParseError(field: field, expected: expected, actual: integer.map(String.init) ?? "a larger one")
        }
        return value
    }
}
