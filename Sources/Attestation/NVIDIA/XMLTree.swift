// A strict reader of a small XML: enough for signed manifests, and nothing that an attacker likes. No document type, no
// entities beyond the five, no comments, processing instructions or CDATA sections, ASCII names, bounded everywhere.
// What is refused here cannot be seen differently by a signature and by its reader.
public import Codecs

/// An attribute, its prefix resolved.
public struct XMLAttribute: Sendable, Equatable {
    /// The prefix as written; empty for an attribute without namespace.
    public let prefix: String
    /// The local name.
    public let name: String
    /// The namespace; empty for none.
    public let namespace: String
    /// The value after normalization (XML 1.0 §3.3.3).
    public let value: String
}

/// An element, its prefix resolved.
public struct XMLElement: Sendable {
    /// What stands in an element.
    public enum Node: Sendable {
        case element(XMLElement)
        case text(String)
    }

    /// The prefix as written.
    public let prefix: String
    /// The local name.
    public let name: String
    /// The namespace; empty for none.
    public let namespace: String
    /// The namespaces declared on this element, by prefix; the empty prefix is the default namespace.
    public let declarations: [String: String]
    /// The attributes that are no declarations.
    public let attributes: [XMLAttribute]
    /// The content in order.
    public let children: [Node]

    /// The value of the attribute without namespace called `name`.
    public func attribute(_ name: String) -> String? {
        attributes.first { $0.namespace.isEmpty && $0.name == name }?.value
    }

    /// The child elements.
    public var elements: [XMLElement] {
        children.compactMap { if case .element(let element) = $0 { element } else { nil } }
    }

    /// The child elements of this name.
    public func elements(_ namespace: String, _ name: String) -> [XMLElement] {
        elements.filter { $0.namespace == namespace && $0.name == name }
    }

    /// The text of an element that has no child elements.
    public var text: String? {
        var text = ""
        for child in children {
            guard case .text(let part) = child else { return nil }
            text += part
        }
        return text
    }
}

/// Reads documents.
public enum XMLReader {
    /// The most bytes of a document.
    public static let maximumBytes = 1 << 20
    /// The deepest nesting of elements.
    public static let maximumDepth = 12
    /// The most elements and texts.
    public static let maximumNodes = 20_000
    /// The most attributes and declarations of an element.
    public static let maximumAttributes = 64

    /// The root element of `bytes`.
    /// - Throws: `ParseError` with the byte offset for everything that is not well-formed or beyond the subset.
    public static func document(_ bytes: [UInt8]) throws(ParseError) -> XMLElement {
        guard bytes.count <= maximumBytes else {
            throw ParseError(field: "xml", expected: "at most \(maximumBytes) bytes", actual: "\(bytes.count) bytes")
        }
        guard String(validating: bytes, as: UTF8.self) != nil else {
            throw ParseError(field: "xml", expected: "UTF-8 text", actual: "other bytes")
        }
        var parser = XMLParser(bytes: normalized(bytes))
        return try parser.document()
    }

    /// Line ends as XML 1.0 §2.11 wants them: a carriage return, with or without a line feed after it, is a line feed.
    private static func normalized(_ bytes: [UInt8]) -> [UInt8] {
        guard bytes.contains(0x0d) else { return bytes }
        var output: [UInt8] = []
        output.reserveCapacity(bytes.count)
        for (index, byte) in bytes.enumerated() {
            if byte == 0x0d {
                output.append(0x0a)
            } else if !(byte == 0x0a && index > 0 && bytes[index - 1] == 0x0d) {
                output.append(byte)
            }
        }
        return output
    }
}

private struct XMLParser {
    let bytes: [UInt8]
    var position = 0
    var nodes = 0

    init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    func error(_ expected: String, _ actual: String? = nil) -> ParseError {
        var found = actual
        if found == nil {
            found = next.map { "byte 0x" + String($0, radix: 16) } ?? "the end"
        }
        return ParseError(field: "xml", expected: expected, actual: found ?? "", offset: position)
    }

    var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    func starts(with text: StaticString) -> Bool {
        text.withUTF8Buffer { bytes[position...].starts(with: $0) }
    }

    mutating func expect(_ text: StaticString) throws(ParseError) {
        guard starts(with: text) else { throw error("'\(text)'") }
        position += text.utf8CodeUnitCount
    }

    @discardableResult
    mutating func skipSpace() -> Bool {
        let start = position
        while let byte = next, byte == 0x20 || byte == 0x0a || byte == 0x09 { position += 1 }
        return position > start
    }

    mutating func document() throws(ParseError) -> XMLElement {
        if starts(with: "<?xml") {
            // The only declaration that says nothing: version 1.0 and the encoding that is required anyway.
            if starts(with: "<?xml version=\"1.0\" encoding=\"UTF-8\"?>") {
                try expect("<?xml version=\"1.0\" encoding=\"UTF-8\"?>")
            } else if starts(with: "<?xml version='1.0' encoding='UTF-8'?>") {
                try expect("<?xml version='1.0' encoding='UTF-8'?>")
            } else {
                try expect("<?xml version=\"1.0\"?>")
            }
        }
        skipSpace()
        let root = try element(scope: [:], depth: 0)
        skipSpace()
        guard position == bytes.count else { throw error("the end of the document", "more") }
        return root
    }

    mutating func name() throws(ParseError) -> (prefix: String, local: String) {
        let first = try plainName()
        guard next == UInt8(ascii: ":") else { return ("", first) }
        position += 1
        return (first, try plainName())
    }

    /// A name of ASCII letters, digits, `.`, `-` and `_`, which begins with a letter or `_`.
    mutating func plainName() throws(ParseError) -> String {
        let start = position
        while let byte = next {
            let isLetter = (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte) || byte == UInt8(ascii: "_")
            let isOther = (0x30...0x39).contains(byte) || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "-")
            guard isLetter || (isOther && position > start) else { break }
            position += 1
        }
        guard position > start, position - start <= 128 else { throw error("a name of at most 128 characters") }
        return String(decoding: bytes[start..<position], as: UTF8.self)
    }

    mutating func element(scope outer: [String: String], depth: Int) throws(ParseError) -> XMLElement {
        guard depth < XMLReader.maximumDepth else {
            throw error("nesting of at most \(XMLReader.maximumDepth)", "more")
        }
        try countNode()
        try expect("<")
        let (prefix, local) = try name()
        var raw: [(prefix: String, name: String, value: String)] = []
        while true {
            let hasSpace = skipSpace()
            if next == UInt8(ascii: ">") || next == UInt8(ascii: "/") { break }
            guard hasSpace else { throw error("white space, '/' or '>'") }
            guard raw.count < XMLReader.maximumAttributes else { throw error("fewer attributes", "more") }
            let (attributePrefix, attributeName) = try name()
            skipSpace()
            try expect("=")
            skipSpace()
            let value = try attributeValue()
            guard !raw.contains(where: { $0.prefix == attributePrefix && $0.name == attributeName }) else {
                throw error("each attribute once", "'\(attributeName)' twice")
            }
            raw.append((attributePrefix, attributeName, value))
        }
        let (declarations, scope) = try namespaces(raw, outer)
        let attributes = try resolve(raw, scope)
        guard prefix.isEmpty || scope[prefix] != nil else { throw error("a declared prefix", prefix) }
        var children: [XMLElement.Node] = []
        if next == UInt8(ascii: "/") {
            try expect("/>")
        } else {
            try expect(">")
            children = try content(scope: scope, depth: depth)
            try expect("</")
            guard try name() == (prefix, local) else { throw error("the end of '\(local)'", "another end tag") }
            skipSpace()
            try expect(">")
        }
        return XMLElement(
            prefix: prefix,
            name: local,
            namespace: scope[prefix] ?? "",
            declarations: declarations,
            attributes: attributes,
            children: children
        )
    }

    mutating func countNode() throws(ParseError) {
        nodes += 1
        guard nodes <= XMLReader.maximumNodes else { throw error("at most \(XMLReader.maximumNodes) nodes", "more") }
    }

    /// The declarations among attributes, and the scope inside the element.
    func namespaces(
        _ raw: [(prefix: String, name: String, value: String)],
        _ outer: [String: String]
    ) throws(ParseError) -> ([String: String], [String: String]) {
        var declarations: [String: String] = [:]
        for (prefix, name, value) in raw {
            let declared: String
            if prefix == "xmlns" {
                declared = name
            } else if prefix.isEmpty && name == "xmlns" {
                declared = ""
            } else {
                continue
            }
            // Undeclaring, and touching the reserved prefixes, is never needed. ASCII keeps equality of texts the equality
            // of bytes.
            guard !value.isEmpty, value.utf8.allSatisfy({ $0 < 0x80 }), declared != "xml", declared != "xmlns",
                !value.hasPrefix("http://www.w3.org/XML/1998/"), !value.hasPrefix("http://www.w3.org/2000/xmlns")
            else { throw error("a namespace", "a reserved or empty one") }
            declarations[declared] = value
        }
        return (declarations, outer.merging(declarations) { $1 })
    }

    /// The attributes that are no declarations, with their namespaces.
    func resolve(
        _ raw: [(prefix: String, name: String, value: String)],
        _ scope: [String: String]
    ) throws(ParseError) -> [XMLAttribute] {
        var attributes: [XMLAttribute] = []
        for (prefix, name, value) in raw where prefix != "xmlns" && !(prefix.isEmpty && name == "xmlns") {
            // `xml:` attributes are inherited by canonicalization in ways that no manifest needs.
            guard prefix.isEmpty || scope[prefix] != nil else { throw error("a declared prefix", prefix) }
            let namespace = prefix.isEmpty ? "" : scope[prefix] ?? ""
            guard !attributes.contains(where: { $0.namespace == namespace && $0.name == name }) else {
                throw error("each attribute once", "'\(name)' twice in one namespace")
            }
            attributes.append(XMLAttribute(prefix: prefix, name: name, namespace: namespace, value: value))
        }
        return attributes
    }

    mutating func content(scope: [String: String], depth: Int) throws(ParseError) -> [XMLElement.Node] {
        var children: [XMLElement.Node] = []
        var text: [UInt8] = []
        while true {
            guard let byte = next else { throw error("an end tag", "the end") }
            if byte == UInt8(ascii: "<") {
                if !text.isEmpty {
                    try countNode()
                    children.append(.text(String(decoding: text, as: UTF8.self)))
                    text = []
                }
                if starts(with: "</") { return children }
                guard !starts(with: "<!"), !starts(with: "<?") else {
                    throw error("elements and text", "a comment, CDATA section or instruction")
                }
                children.append(.element(try element(scope: scope, depth: depth + 1)))
            } else if byte == UInt8(ascii: "&") {
                text.append(contentsOf: try reference())
            } else if byte == UInt8(ascii: "]") || !Self.isPlain(byte) {
                guard !starts(with: "]]>") else { throw error("text", "']]>'") }
                text.append(try character())
            } else {
                text.append(contentsOf: plainRun(until: UInt8(ascii: "]")))
            }
        }
    }

    /// Whether a byte is a character by itself that means nothing to XML anywhere in text.
    private static func isPlain(_ byte: UInt8) -> Bool {
        byte >= 0x20 && byte < 0x80 && byte != UInt8(ascii: "<") && byte != UInt8(ascii: "&")
    }

    /// The longest run of plain bytes that does not contain `stop`.
    private mutating func plainRun(until stop: UInt8) -> ArraySlice<UInt8> {
        let start = position
        var end = position
        while end < bytes.count, bytes[end] != stop, Self.isPlain(bytes[end]) { end += 1 }
        position = end
        return bytes[start..<end]
    }

    /// One byte of text. Multi-byte characters pass byte by byte: the whole input is valid UTF-8.
    mutating func character() throws(ParseError) -> UInt8 {
        guard let byte = next else { throw error("a character") }
        guard byte >= 0x20 || byte == 0x0a || byte == 0x09 else { throw error("a character that XML allows") }
        // U+FFFE and U+FFFF.
        guard !(byte == 0xef && (starts(with: "\u{FFFE}") || starts(with: "\u{FFFF}"))) else {
            throw error("a character that XML allows")
        }
        position += 1
        return byte
    }

    mutating func attributeValue() throws(ParseError) -> String {
        guard let quote = next, quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'") else {
            throw error("a quote")
        }
        position += 1
        var value: [UInt8] = []
        while true {
            guard let byte = next else { throw error("a closing quote") }
            if byte == quote { break }
            if byte == UInt8(ascii: "&") {
                value.append(contentsOf: try reference())
                continue
            }
            guard byte != UInt8(ascii: "<") else { throw error("an attribute value", "'<'") }
            if Self.isPlain(byte) {
                value.append(contentsOf: plainRun(until: quote))
                continue
            }
            let character = try character()
            value.append(character == 0x0a || character == 0x09 ? 0x20 : character)
        }
        position += 1
        return String(decoding: value, as: UTF8.self)
    }

    /// A character reference or one of the five predefined entities.
    mutating func reference() throws(ParseError) -> [UInt8] {
        let start = position
        guard let end = bytes[position...].prefix(12).firstIndex(of: UInt8(ascii: ";")) else {
            throw error("a reference of at most 12 characters", "a longer one")
        }
        let body = String(decoding: bytes[start + 1..<end], as: UTF8.self)
        position = end + 1
        switch body {
        case "lt": return [UInt8(ascii: "<")]
        case "gt": return [UInt8(ascii: ">")]
        case "amp": return [UInt8(ascii: "&")]
        case "quot": return [UInt8(ascii: "\"")]
        case "apos": return [UInt8(ascii: "'")]
        default: break
        }
        var number: UInt32?
        if body.hasPrefix("#x") {
            let digits = body.dropFirst(2)
            number = digits.utf8.first == UInt8(ascii: "+") ? nil : UInt32(digits, radix: 16)
        } else if body.hasPrefix("#") {
            let digits = body.dropFirst()
            number = digits.utf8.first == UInt8(ascii: "+") ? nil : UInt32(digits, radix: 10)
        }
        guard let number, let scalar = Unicode.Scalar(number), number != 0xfffe, number != 0xffff,
            number >= 0x20 || number == 0x09 || number == 0x0a || number == 0x0d
        else {
            position = start
            throw error("a predefined entity or a character", "'&\(body.prefix(10));'")
        }
        return Array(String(Character(scalar)).utf8)
    }
}
