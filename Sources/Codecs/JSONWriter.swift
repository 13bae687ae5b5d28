// Writes JSON: one text per value (members in stored order, no spaces, shortest escapes), or an indented form for people.

extension JSONValue {
    /// The JSON text of this value as UTF-8 bytes.
    ///
    /// The compact form is deterministic: the same value, members in the same order, gives the same bytes.
    /// - Parameter pretty: indent by two spaces and end with a newline.
    public func serialized(pretty: Bool = false) -> [UInt8] {
        var output: [UInt8] = []
        write(to: &output, pretty: pretty, indent: 0)
        if pretty { output.append(0x0a) }
        return output
    }

    /// The JSON text of this value.
    public func text(pretty: Bool = false) -> String {
        String(decoding: serialized(pretty: pretty), as: UTF8.self)
    }

    private func write(to output: inout [UInt8], pretty: Bool, indent: Int) {
        switch self {
        case .null: output.append(contentsOf: "null".utf8)
        case .bool(let value): output.append(contentsOf: (value ? "true" : "false").utf8)
        case .number(let number): output.append(contentsOf: number.text.utf8)
        case .string(let text): Self.write(text, to: &output)
        case .array(let elements):
            let isFlat = elements.allSatisfy { element in
                switch element {
                case .array, .object: false
                default: true
                }
            }
            Self.writeList(elements, "[", "]", to: &output, pretty: pretty && !isFlat, indent: indent) {
                element,
                output in
                element.write(to: &output, pretty: pretty, indent: indent + 1)
            }
        case .object(let object):
            Self.writeList(object.members, "{", "}", to: &output, pretty: pretty, indent: indent) { member, output in
                Self.write(member.name, to: &output)
                output.append(contentsOf: (pretty ? ": " : ":").utf8)
                member.value.write(to: &output, pretty: pretty, indent: indent + 1)
            }
        }
    }

    private static func writeList<Element>(
        _ elements: [Element],
        _ open: Unicode.Scalar,
        _ close: Unicode.Scalar,
        to output: inout [UInt8],
        pretty: Bool,
        indent: Int,
        _ writeElement: (Element, inout [UInt8]) -> Void
    ) {
        output.append(UInt8(ascii: open))
        for (index, element) in elements.enumerated() {
            if index > 0 { output.append(UInt8(ascii: ",")) }
            if pretty {
                output.append(0x0a)
                output.append(contentsOf: repeatElement(0x20, count: 2 * (indent + 1)))
            }
            writeElement(element, &output)
        }
        if pretty && !elements.isEmpty {
            output.append(0x0a)
            output.append(contentsOf: repeatElement(0x20, count: 2 * indent))
        }
        output.append(UInt8(ascii: close))
    }

    private static func write(_ text: String, to output: inout [UInt8]) {
        output.append(UInt8(ascii: "\""))
        var text = text
        text.withUTF8 { bytes in
            let bytes = UnsafeRawBufferPointer(bytes)
            var start = 0
            while true {
                let end = TextScan.plainEnd(bytes, from: start, allowsHigh: true)
                output.append(contentsOf: UnsafeRawBufferPointer(rebasing: bytes[start..<end]))
                guard end < bytes.count else { break }
                writeEscape(bytes[end], to: &output)
                start = end + 1
            }
        }
        output.append(UInt8(ascii: "\""))
    }

    private static func writeEscape(_ byte: UInt8, to output: inout [UInt8]) {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): output.append(contentsOf: [UInt8(ascii: "\\"), byte])
        case 0x08: output.append(contentsOf: "\\b".utf8)
        case 0x09: output.append(contentsOf: "\\t".utf8)
        case 0x0a: output.append(contentsOf: "\\n".utf8)
        case 0x0c: output.append(contentsOf: "\\f".utf8)
        case 0x0d: output.append(contentsOf: "\\r".utf8)
        default: output.append(contentsOf: ("\\u00" + Hex.encode([byte])).utf8)
        }
    }
}
