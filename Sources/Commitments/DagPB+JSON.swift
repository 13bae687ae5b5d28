// The DAG-JSON form of a dag-pb node (ipld.io/specs/codecs/dag-pb, "Logical format"), for inspection and for exchange with
// tools that show blocks as JSON.
public import Codecs

extension DagPBNode {
    /// Takes a node in its logical form: `{"Data": bytes?, "Links": [{"Hash": link, "Name": text?, "Tsize": number?}]}`.
    ///
    /// Refused: other members, other types, a missing list of links, links that are not sorted by the bytes of their names.
    public init(dagJSON value: JSONValue) throws(ParseError) {
        var reader = try JSONReader(value)
        let data = try reader.optionalValue("Data").map { value throws(ParseError) in try Self.bytes(value, "Data") }
        let links = try reader.array("Links", max: 65536) { value, field throws(ParseError) in
            var link = try JSONReader(value, field)
            let hash = try link.object("Hash")
            let target = try Self.single(hash, field + ".Hash")
            guard case .string(let text) = target else {
                throw ParseError(field: field + ".Hash", expected: "a link", actual: target.typeName)
            }
            let result = Link(
                target: try BlockIdentifier(text: text, field: field + ".Hash"),
                name: try link.optionalString("Name"),
                totalSize: link.has("Tsize") ? UInt64(try link.integer("Tsize")) : nil
            )
            try link.finish()
            return result
        }
        try reader.finish()
        for (left, right) in zip(links, links.dropFirst()) {
            guard !(right.name ?? "").utf8.lexicographicallyPrecedes((left.name ?? "").utf8) else {
                throw ParseError(field: "Links", expected: "links sorted by name", actual: right.name ?? "")
            }
        }
        self.init(links: links, data: data)
    }

    /// The node in its logical form.
    public var dagJSON: JSONValue {
        var object: JSONObject = [:]
        if let data {
            let text = Base64.encode(data).prefix { $0 != "=" }
            object["Data"] = .object(["/": .object(["bytes": .string(String(text))])])
        }
        object["Links"] = .array(
            links.map { link in
                var member: JSONObject = ["Hash": .object(["/": .string(link.target.text)])]
                if let name = link.name { member["Name"] = .string(name) }
                if let size = link.totalSize { member["Tsize"] = .integer(size) }
                return .object(member)
            }
        )
        return .object(object)
    }

    /// `{"/": {"bytes": base 64}}`.
    private static func bytes(_ value: JSONValue, _ field: String) throws(ParseError) -> [UInt8] {
        var inner = try JSONReader(try single(try JSONReader(value, field), field), field)
        let text = try inner.string("bytes", maxBytes: 1 << 22)
        try inner.finish()
        return try Base64.decode(text, field: field)
    }

    /// The value of the only member, which is called `/`.
    private static func single(_ reader: JSONReader, _ field: String) throws(ParseError) -> JSONValue {
        var reader = reader
        let value = try reader.value("/")
        try reader.finish()
        return value
    }
}
