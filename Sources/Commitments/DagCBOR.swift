// DAG-CBOR (ipld.io/specs/codecs/dag-cbor/spec), read strictly: one value has one encoding, and links are the only tag.
public import Codecs

/// Reads and writes blocks of codec 0x71.
public enum DagCBOR {
    /// The multicodec.
    public static let codec: UInt64 = 0x71
    /// The tag of a link.
    static let linkTag: UInt64 = 42

    /// The bounds of a block: 4 MiB, 64 levels.
    public static let rules: CBORRules = {
        var rules = CBORRules(isDeterministic: true, bytes: 4 << 20, depth: 64, items: 1 << 20)
        rules.floats = .double
        return rules
    }()

    /// Reads a block.
    ///
    /// Refused besides everything that is no deterministic CBOR: keys that are not text, floats that are narrower than 64 bits,
    /// infinite or not a number, `undefined` and other simple values, every tag but 42, and a tag 42 that is not a link.
    public static func item(parsing bytes: ArraySlice<UInt8>) throws(ParseError) -> CBORItem {
        let item = try CBORItem(parsing: bytes, rules)
        try check(item)
        return item
    }

    /// The links of a block that `item(parsing:)` gave, in its order.
    public static func links(_ item: CBORItem) throws(ParseError) -> [BlockIdentifier] {
        var links: [BlockIdentifier] = []
        try collect(item, into: &links)
        return links
    }

    private static func collect(_ item: CBORItem, into links: inout [BlockIdentifier]) throws(ParseError) {
        switch item.content {
        case .array(let elements): for element in elements { try collect(element, into: &links) }
        case .map(let entries): for entry in entries { try collect(entry.value, into: &links) }
        case .tagged: links.append(try link(item))
        default: break
        }
    }

    /// The identifier that a tag 42 holds: a byte string of a zero and a binary CID.
    static func link(_ item: CBORItem) throws(ParseError) -> BlockIdentifier {
        guard case .tagged(linkTag, let inner) = item.content else {
            throw ParseError(field: "link", expected: "tag \(linkTag)", actual: item.typeName)
        }
        let bytes = try inner.byteString(2...1 << 10, "link")
        guard bytes.first == 0 else {
            throw ParseError(field: "link", expected: "a zero before the CID", actual: "\(bytes.first ?? 0)")
        }
        var reader = ByteReader(bytes.dropFirst())
        let id = try BlockIdentifier(reading: &reader, field: "link")
        try reader.finish("link")
        return id
    }

    private static func check(_ item: CBORItem) throws(ParseError) {
        switch item.content {
        case .unsigned, .negative, .bytes, .text, .bool, .null: break
        case .float(let value):
            guard value.isFinite else { throw ParseError(field: "", expected: "a finite number", actual: "\(value)") }
        case .array(let elements): for element in elements { try check(element) }
        case .map(let entries):
            for entry in entries {
                guard entry.key.text != nil else {
                    throw ParseError(field: "", expected: "keys of text", actual: entry.key.typeName)
                }
                try check(entry.value)
            }
        case .tagged: _ = try link(item)
        case .undefined, .simple: throw ParseError(field: "", expected: "a DAG-CBOR value", actual: item.typeName)
        }
    }
}
