// HTML text that cannot be built without escaping: strings are escaped where they are put in, HTML is not.

/// A piece of HTML.
struct HTML: Sendable, ExpressibleByStringInterpolation {
    /// The markup.
    let text: String

    /// Collects literal markup, escaped strings and nested pieces.
    struct StringInterpolation: StringInterpolationProtocol {
        var text = ""

        init(literalCapacity: Int, interpolationCount: Int) {
            text.reserveCapacity(literalCapacity + 16 * interpolationCount)
        }

        mutating func appendLiteral(_ literal: String) {
            text += literal
        }

        mutating func appendInterpolation(_ piece: HTML) {
            text += piece.text
        }

        mutating func appendInterpolation(_ pieces: [HTML]) {
            for piece in pieces { text += piece.text }
        }

        mutating func appendInterpolation(_ value: String) {
            text += HTML.escape(value)
        }

        mutating func appendInterpolation(_ value: some BinaryInteger) {
            text += String(value)
        }
    }

    init(stringInterpolation: StringInterpolation) {
        text = stringInterpolation.text
    }

    init(stringLiteral value: String) {
        text = value
    }

    /// Nothing.
    static let empty: HTML = ""

    /// Text in which no character has a meaning in HTML, in elements and in quoted attributes.
    static func escape(_ text: String) -> String {
        var output = ""
        output.reserveCapacity(text.utf8.count)
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": output += "&amp;"
            case "<": output += "&lt;"
            case ">": output += "&gt;"
            case "\"": output += "&quot;"
            case "'": output += "&#39;"
            default: output.unicodeScalars.append(scalar)
            }
        }
        return output
    }
}
