// The one error that every parser in Assay throws: which field, what it should have been, what it was.

/// Bytes or text from outside do not have the form that their format demands.
///
/// Parsers throw this and nothing else. A `ParseError` says nothing about whether a *well-formed* object is true:
/// that is a `Verdict`, which is a value.
public struct ParseError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The path of the field, in the format's own names: `steps[2].args[0]`, `header.version`. Empty for the whole input.
    public var field: String
    /// What the format demands there.
    public var expected: String
    /// What was found, shortened so that hostile input cannot fill a log.
    public var actual: String
    /// The byte offset in the input, when it is known.
    public var offset: Int?

    /// Makes an error; `actual` is cut to 120 characters.
    public init(field: String, expected: String, actual: String, offset: Int? = nil) {
        self.field = field
        self.expected = expected
        self.actual = actual.count <= 120 ? actual : String(actual.prefix(117)) + "..."
        self.offset = offset
    }

    /// The same error seen from an enclosing object: `prefix` is put before the field's path.
    public func within(_ prefix: String) -> ParseError {
        var copy = self
        if field.isEmpty {
            copy.field = prefix
        } else {
            copy.field = field.hasPrefix("[") ? prefix + field : prefix + "." + field
        }
        return copy
    }

    public var description: String {
        let place = field.isEmpty ? "input" : field
        let at = offset.map { " at byte \($0)" } ?? ""
        return "\(place)\(at): expected \(expected), found \(actual)"
    }
}
