// How an engine says no: a stable id, a sentence, and where possible field, expected and actual (RFC 9457 on the wire).
public import Codecs

/// A refusal or a failure of an engine.
public struct EngineError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What sort of refusal; fixes the HTTP status and the exit code.
    public enum Kind: String, Sendable, CaseIterable {
        /// The request or a document in it is malformed. HTTP 400.
        case malformed
        /// A signature does not verify or the signer may not do this. HTTP 403.
        case forbidden
        /// There is no such thing. HTTP 404.
        case notFound
        /// The same id was used with another content, or the thing is in another state. HTTP 409.
        case conflict
        /// Not enough money. HTTP 402.
        case insufficientFunds
        /// Well-formed, but the engine's rules refuse it: kernel rules, limits, currency. HTTP 422.
        case refused
        /// More than the engine takes. HTTP 413.
        case tooLarge
        /// The engine cannot do it now: stopping, stopped by an invariant, store failing, unreachable. HTTP 503.
        case unavailable
    }

    /// The sort.
    public var kind: Kind
    /// A stable, dotted id: `funds.insufficient`, `job.unknown`, `spec.malformed`.
    public var id: String
    /// A sentence.
    public var message: String
    /// The field concerned; empty when there is none.
    public var field: String
    public var expected: String
    public var actual: String

    /// Makes a refusal.
    public init(
        _ kind: Kind,
        _ id: String,
        _ message: String,
        field: String = "",
        expected: String = "",
        actual: String = ""
    ) {
        self.kind = kind
        self.id = id
        self.message = message
        self.field = field
        self.expected = expected
        self.actual = actual
    }

    /// A malformed document. What is wrong with a document as a whole is told under its own name, the first part of `id`.
    public init(_ error: ParseError, id: String) {
        self.init(
            .malformed,
            id,
            error.description,
            field: error.field.isEmpty ? String(id.prefix { $0 != "." }) : error.field,
            expected: error.expected,
            actual: error.actual
        )
    }

    public var description: String { message }

    /// The HTTP status code.
    public var status: Int {
        switch kind {
        case .malformed: 400
        case .insufficientFunds: 402
        case .forbidden: 403
        case .notFound: 404
        case .conflict: 409
        case .tooLarge: 413
        case .refused: 422
        case .unavailable: 503
        }
    }

    /// The problem document (RFC 9457 §3) with the extension members `id`, `field`, `expected`, `actual`.
    public var json: JSONValue {
        var object: JSONObject = [
            "type": .string("about:blank"),
            "title": .string(kind.rawValue),
            "status": .integer(status),
            "id": .string(id),
            "detail": .string(message),
        ]
        if !field.isEmpty { object["field"] = .string(field) }
        if !expected.isEmpty { object["expected"] = .string(expected) }
        if !actual.isEmpty { object["actual"] = .string(actual) }
        return .object(object)
    }

    /// Reads a problem document.
    public init(_ value: JSONValue) throws(ParseError) {
        var reader = try JSONReader(value, "problem")
        _ = reader.optionalValue("type")
        _ = reader.optionalValue("status")
        kind = try reader.choice("title")
        id = try reader.string("id", maxBytes: 128)
        message = try reader.string("detail")
        field = try reader.optionalString("field") ?? ""
        expected = try reader.optionalString("expected") ?? ""
        actual = try reader.optionalString("actual") ?? ""
        try reader.finish()
    }
}
