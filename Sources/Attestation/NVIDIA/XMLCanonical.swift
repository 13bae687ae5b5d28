// Canonical XML 1.1 (W3C Recommendation of 2 May 2008) of the documents that XMLReader accepts. Without `xml:` attributes,
// comments, instructions and document types, versions 1.0 and 1.1 write the same bytes.

extension XMLElement {
    /// The canonical form of this element as the document's root.
    /// - Parameter skipping: the position among this element's children of one that is left out (the enveloped signature).
    public func canonical(skippingChild skipped: Int? = nil) -> [UInt8] {
        var output: [UInt8] = []
        write(to: &output, rendered: [:], declared: declarations, skipping: skipped)
        return output
    }

    /// The canonical form of this element as the apex of a document subset: the namespaces in scope from its ancestors are
    /// written on it.
    /// - Parameter ancestors: the elements around it, outermost first.
    public func canonicalSubset(ancestors: [XMLElement]) -> [UInt8] {
        var scope: [String: String] = [:]
        for ancestor in ancestors { scope.merge(ancestor.declarations) { $1 } }
        scope.merge(declarations) { $1 }
        var output: [UInt8] = []
        write(to: &output, rendered: [:], declared: scope, skipping: nil)
        return output
    }

    private var qualifiedName: String { prefix.isEmpty ? name : prefix + ":" + name }

    /// Writes the element.
    /// - Parameters:
    ///   - rendered: the namespaces that the written ancestors declare.
    ///   - declared: the namespaces that this element brings into scope.
    private func write(
        to output: inout [UInt8],
        rendered: [String: String],
        declared: [String: String],
        skipping skipped: Int?
    ) {
        output.append(UInt8(ascii: "<"))
        output.append(contentsOf: qualifiedName.utf8)
        let new = declared.filter { rendered[$0.key] != $0.value }
        for (prefix, uri) in new.sorted(by: { Self.precedes($0.key, $1.key) }) {
            output.append(contentsOf: (prefix.isEmpty ? " xmlns=\"" : " xmlns:\(prefix)=\"").utf8)
            Self.write(attributeValue: uri, to: &output)
            output.append(UInt8(ascii: "\""))
        }
        let sorted = attributes.sorted { left, right in
            left.namespace == right.namespace
                ? Self.precedes(left.name, right.name) : Self.precedes(left.namespace, right.namespace)
        }
        for attribute in sorted {
            let name = attribute.prefix.isEmpty ? attribute.name : attribute.prefix + ":" + attribute.name
            output.append(contentsOf: " \(name)=\"".utf8)
            Self.write(attributeValue: attribute.value, to: &output)
            output.append(UInt8(ascii: "\""))
        }
        output.append(UInt8(ascii: ">"))
        let scope = rendered.merging(new) { $1 }
        for (index, child) in children.enumerated() where index != skipped {
            switch child {
            case .text(let text): Self.write(text: text, to: &output)
            case .element(let element):
                element.write(to: &output, rendered: scope, declared: element.declarations, skipping: nil)
            }
        }
        output.append(contentsOf: "</\(qualifiedName)>".utf8)
    }

    /// Order by code points, which is the order of the UTF-8 bytes.
    private static func precedes(_ left: String, _ right: String) -> Bool {
        left.utf8.lexicographicallyPrecedes(right.utf8)
    }

    /// C14N 1.1 §2.3: the replacements in attribute values.
    private static func write(attributeValue value: String, to output: inout [UInt8]) {
        for byte in value.utf8 {
            switch byte {
            case UInt8(ascii: "&"): output.append(contentsOf: "&amp;".utf8)
            case UInt8(ascii: "<"): output.append(contentsOf: "&lt;".utf8)
            case UInt8(ascii: "\""): output.append(contentsOf: "&quot;".utf8)
            case 0x09: output.append(contentsOf: "&#x9;".utf8)
            case 0x0a: output.append(contentsOf: "&#xA;".utf8)
            case 0x0d: output.append(contentsOf: "&#xD;".utf8)
            default: output.append(byte)
            }
        }
    }

    /// C14N 1.1 §2.3: the replacements in text.
    private static func write(text: String, to output: inout [UInt8]) {
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "&"): output.append(contentsOf: "&amp;".utf8)
            case UInt8(ascii: "<"): output.append(contentsOf: "&lt;".utf8)
            case UInt8(ascii: ">"): output.append(contentsOf: "&gt;".utf8)
            case 0x0d: output.append(contentsOf: "&#xD;".utf8)
            default: output.append(byte)
            }
        }
    }
}
