// One line of a verdict: what was looked at, what was expected, what was found, and by which document.
public import Codecs

/// One check that a verifier made.
public struct Check: Sendable, Equatable {
    /// How a check ended.
    public enum Result: String, Sendable, CaseIterable {
        case pass
        case fail
        /// The check could not be made or did not apply; `actual` says why.
        case skip
    }

    /// A stable, dotted name: `receipt.signature`, `replay.outputs`.
    public var id: String
    /// How it ended.
    public var result: Result
    /// What the rule demands.
    public var expected: String
    /// What was found.
    public var actual: String
    /// The document and section the rule comes from; empty when it is Assay's own.
    public var source: String

    /// Makes a check line.
    public init(id: String, result: Result, expected: String = "", actual: String = "", source: String = "") {
        self.id = id
        self.result = result
        self.expected = expected
        self.actual = actual
        self.source = source
    }

    /// A check that passes exactly when `actual` equals `expected`.
    public static func equal(
        _ id: String,
        expected: some CustomStringConvertible & Equatable,
        actual: some CustomStringConvertible & Equatable,
        source: String = ""
    ) -> Check {
        let isEqual = expected.description == actual.description
        return Check(
            id: id,
            result: isEqual ? .pass : .fail,
            expected: expected.description,
            actual: actual.description,
            source: source
        )
    }

    /// A check that passes exactly when `condition` holds.
    public static func that(
        _ id: String,
        _ condition: Bool,
        expected: String,
        actual: String,
        source: String = ""
    ) -> Check {
        Check(id: id, result: condition ? .pass : .fail, expected: expected, actual: actual, source: source)
    }

    /// The check as a JSON object; empty texts are left out.
    public var json: JSONValue {
        var object: JSONObject = ["id": .string(id), "result": .string(result.rawValue)]
        if !expected.isEmpty { object["expected"] = .string(expected) }
        if !actual.isEmpty { object["actual"] = .string(actual) }
        if !source.isEmpty { object["source"] = .string(source) }
        return .object(object)
    }

    /// Reads a check line.
    public init(_ value: JSONValue, _ field: String = "") throws(ParseError) {
        var reader = try JSONReader(value, field)
        id = try reader.string("id", maxBytes: 128)
        result = try reader.choice("result")
        expected = try reader.optionalString("expected") ?? ""
        actual = try reader.optionalString("actual") ?? ""
        source = try reader.optionalString("source") ?? ""
        try reader.finish()
    }
}
