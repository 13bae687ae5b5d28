// dag-pb blocks (ipld.io/specs/codecs/dag-pb): the protocol buffer form of a node with named links.
public import Codecs

/// A dag-pb node in its one canonical form: links in their order, then the data.
public struct DagPBNode: Sendable, Equatable {
    /// A link to another block.
    public struct Link: Sendable, Equatable {
        /// The block.
        public var target: BlockIdentifier
        /// The name, which may be missing or empty.
        public var name: String?
        /// The size of all blocks below, as the writer stated it.
        public var totalSize: UInt64?

        /// A link from its parts.
        public init(target: BlockIdentifier, name: String? = nil, totalSize: UInt64? = nil) {
            self.target = target
            self.name = name
            self.totalSize = totalSize
        }
    }

    /// The links in block order.
    public var links: [Link]
    /// The data, which may be missing or empty.
    public var data: [UInt8]?

    /// A node from its parts.
    public init(links: [Link], data: [UInt8]?) {
        self.links = links
        self.data = data
    }

    /// The block.
    public var bytes: [UInt8] {
        var block: [UInt8] = []
        for link in links {
            var message: [UInt8] = []
            ProtocolBuffer.append(1, link.target.bytes, to: &message)
            if let name = link.name { ProtocolBuffer.append(2, Array(name.utf8), to: &message) }
            if let size = link.totalSize { ProtocolBuffer.append(3, size, to: &message) }
            ProtocolBuffer.append(2, message, to: &block)
        }
        if let data { ProtocolBuffer.append(1, data, to: &block) }
        return block
    }

    /// Reads a block.
    ///
    /// Refused: links after the data, fields out of order or twice, unknown fields, a link without a target, names that are
    /// not UTF-8, more than `maxLinks` links. What is accepted encodes to the same bytes.
    public init(parsing bytes: ArraySlice<UInt8>, maxLinks: Int = 65536) throws(ParseError) {
        var reader = ByteReader(bytes)
        var links: [Link] = []
        var data: [UInt8]?
        while !reader.isAtEnd {
            let (field, payload) = try ProtocolBuffer.readBytes(&reader, "node")
            guard data == nil else {
                throw ParseError(field: "node", expected: "nothing after the data", actual: "field \(field)")
            }
            switch field {
            case 2:
                guard links.count < maxLinks else {
                    throw ParseError(field: "links", expected: "at most \(maxLinks) links", actual: "more")
                }
                links.append(try Self.link(payload, "links[\(links.count)]"))
            case 1: data = Array(payload)
            default: throw ParseError(field: "node", expected: "field 1 or 2", actual: "field \(field)")
            }
        }
        self.init(links: links, data: data)
    }

    private static func link(_ bytes: ArraySlice<UInt8>, _ field: String) throws(ParseError) -> Link {
        var reader = ByteReader(bytes)
        guard reader.peek() == 1 << 3 | 2 else {
            throw ParseError(field: field, expected: "a link that begins with its target", actual: "another field")
        }
        var target = ByteReader(try ProtocolBuffer.readBytes(&reader, field).payload)
        var link = Link(target: try BlockIdentifier(reading: &target, field: field + ".hash"))
        try target.finish(field + ".hash")
        if reader.peek() == 2 << 3 | 2 {
            link.name = try ProtocolBuffer.text(try ProtocolBuffer.readBytes(&reader, field).payload, field + ".name")
        }
        if reader.peek() == 3 << 3 {
            _ = try reader.readByte(field)
            link.totalSize = try ProtocolBuffer.readNumber(&reader, field + ".tsize")
        }
        try reader.finish(field)
        return link
    }
}

/// The few forms of the protocol buffer encoding that dag-pb and UnixFS use.
enum ProtocolBuffer {
    static func append(_ field: UInt8, _ bytes: [UInt8], to output: inout [UInt8]) {
        output.append(field << 3 | 2)
        output.appendVarint(UInt64(bytes.count))
        output += bytes
    }

    static func append(_ field: UInt8, _ number: UInt64, to output: inout [UInt8]) {
        output.append(field << 3)
        output.appendVarint(number)
    }

    /// A length-delimited field.
    static func readBytes(
        _ reader: inout ByteReader,
        _ field: String
    ) throws(ParseError) -> (field: UInt64, payload: ArraySlice<UInt8>) {
        let key = try reader.readVarint(field)
        guard key & 7 == 2 else {
            throw ParseError(field: field, expected: "a length-delimited field", actual: "wire type \(key & 7)")
        }
        let count = try reader.readVarint(field)
        guard count <= UInt64(reader.remaining) else {
            throw ParseError(field: field, expected: "\(count) bytes", actual: "\(reader.remaining) left")
        }
        return (key >> 3, try reader.read(Int(count), field))
    }

    static func readNumber(_ reader: inout ByteReader, _ field: String) throws(ParseError) -> UInt64 {
        try reader.readVarint(field)
    }

    static func text(_ bytes: ArraySlice<UInt8>, _ field: String) throws(ParseError) -> String {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw ParseError(field: field, expected: "UTF-8", actual: Hex.encode(bytes.prefix(32)))
        }
        return text
    }
}
