// Reads policy terms from JSON objects. A missing term is an error that says to write `any`.

public import Codecs

extension JSONReader {
    private mutating func term(_ name: String) throws(ParseError) -> JSONValue {
        guard let value = optionalValue(name) else {
            // A term with a slip in its name is a missing term: saying which one was found saves a search.
            let found = nearestMember(to: name).map { "nothing, but there is '\($0)'" } ?? "nothing"
            throw ParseError(field: path(name), expected: "a value, or \"any\" to accept everything", actual: found)
        }
        return value
    }

    private static func isAny(_ value: JSONValue) -> Bool {
        value == .string("any")
    }

    private mutating func list(_ name: String) throws(ParseError) -> [JSONValue]? {
        let value = try term(name)
        if Self.isAny(value) { return nil }
        guard case .array(let elements) = value, elements.count <= 4096 else {
            throw ParseError(field: path(name), expected: "\"any\" or an array", actual: value.typeName)
        }
        return elements
    }

    /// `"any"` or an array of byte strings in hexadecimal, each of `count` bytes.
    public mutating func allowedBytes(_ name: String, count: Int? = nil) throws(ParseError) -> Allowed<[UInt8]> {
        guard let elements = try list(name) else { return .any }
        var values: [[UInt8]] = []
        for (index, element) in elements.enumerated() {
            guard case .string(let text) = element else {
                throw ParseError(field: "\(path(name))[\(index)]", expected: "a string", actual: element.typeName)
            }
            values.append(try Hex.decode(text, count: count, field: "\(path(name))[\(index)]"))
        }
        return .only(values)
    }

    /// `"any"` or an array of texts; with `known`, only those texts.
    public mutating func allowedTexts(_ name: String, known: [String]? = nil) throws(ParseError) -> Allowed<String> {
        guard let elements = try list(name) else { return .any }
        var values: [String] = []
        for (index, element) in elements.enumerated() {
            guard case .string(let text) = element, text.utf8.count <= 256 else {
                throw ParseError(field: "\(path(name))[\(index)]", expected: "a string", actual: element.typeName)
            }
            guard known?.contains(text) ?? true else {
                let expected = "one of " + (known ?? []).joined(separator: ", ")
                throw ParseError(field: "\(path(name))[\(index)]", expected: expected, actual: text)
            }
            values.append(text)
        }
        return .only(values)
    }

    /// `"any"` or an array of integers from 0.
    public mutating func allowedIntegers(_ name: String) throws(ParseError) -> Allowed<UInt64> {
        guard let elements = try list(name) else { return .any }
        var values: [UInt64] = []
        for (index, element) in elements.enumerated() {
            values.append(try Self.unsigned(element, "\(path(name))[\(index)]"))
        }
        return .only(values)
    }

    private static func unsigned(_ value: JSONValue, _ field: String) throws(ParseError) -> UInt64 {
        guard case .number(let number) = value, let integer = number.integer, integer >= 0 else {
            throw ParseError(field: field, expected: "\"any\" or an integer from 0", actual: value.typeName)
        }
        return UInt64(integer)
    }

    /// `"any"` or an integer from 0.
    public mutating func minimum(_ name: String) throws(ParseError) -> Minimum<UInt64> {
        let value = try term(name)
        return Self.isAny(value) ? .any : .atLeast(try Self.unsigned(value, path(name)))
    }

    /// `"any"` or an integer from 0.
    public mutating func maximum(_ name: String) throws(ParseError) -> Maximum<UInt64> {
        let value = try term(name)
        return Self.isAny(value) ? .any : .atMost(try Self.unsigned(value, path(name)))
    }

    /// `"any"` or `count` bytes in hexadecimal, one for each component.
    public mutating func minimumComponents(_ name: String, count: Int) throws(ParseError) -> ComponentMinimum {
        let value = try term(name)
        if Self.isAny(value) { return .any }
        guard case .string(let text) = value else {
            throw ParseError(field: path(name), expected: "\"any\" or \(count) bytes", actual: value.typeName)
        }
        return .atLeast(try Hex.decode(text, count: count, field: path(name)))
    }

    /// `"any"` or a time as `YYYY-MM-DDThh:mm:ssZ`.
    public mutating func minimumTime(_ name: String) throws(ParseError) -> Minimum<Timestamp> {
        let value = try term(name)
        if Self.isAny(value) { return .any }
        guard case .string(let text) = value else {
            throw ParseError(field: path(name), expected: "\"any\" or a time", actual: value.typeName)
        }
        return .atLeast(try Timestamp(text, field: path(name)))
    }

    /// `"any"`, `true` or `false`.
    public mutating func flagRule(_ name: String) throws(ParseError) -> FlagRule {
        let value = try term(name)
        if Self.isAny(value) { return .any }
        guard case .bool(let wanted) = value else {
            throw ParseError(field: path(name), expected: "\"any\", true or false", actual: value.typeName)
        }
        return .must(wanted)
    }
}
