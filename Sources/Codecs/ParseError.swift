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

    /// Makes an error.
    ///
    /// `actual` is cut to 120 Unicode scalars and `field` to 512, and control characters become U+FFFD: both may come from
    /// hostile input and end up on a terminal.
    public init(field: String, expected: String, actual: String, offset: Int? = nil) {
        self.field = Self.printable(field, maxScalars: 512)
        self.expected = expected
        self.actual = Self.printable(actual, maxScalars: 120)
        self.offset = offset
    }

    /// Counts scalars, not characters: one character may hold any number of combining marks.
    private static func printable(_ text: String, maxScalars: Int) -> String {
        let isPlain = text.utf8.count <= maxScalars && text.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7f }
        if isPlain { return text }
        var result = String.UnicodeScalarView()
        for (index, scalar) in text.unicodeScalars.enumerated() {
            guard index < maxScalars else {
                result.removeLast(3)
                return String(result) + "..."
            }
            let isControl = scalar.value < 0x20 || (0x7f..<0xa0).contains(scalar.value)
            result.append(isControl ? "\u{fffd}" : scalar)
        }
        return String(result)
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
