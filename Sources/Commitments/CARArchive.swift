// CAR archives in general (ipld.io/specs/transport/car): version 1 with any number of roots, version 2 around it, blocks of
// any codec. `CAR` is the stricter form that Assay's own bundles use.
public import Codecs

/// The bounds within which an archive is read.
public struct CARLimits: Sendable {
    /// The most blocks.
    public var blocks: Int
    /// The longest block.
    public var blockBytes: Int
    /// The most roots.
    public var roots: Int

    /// Bounds for an archive.
    public init(blocks: Int = 1 << 20, blockBytes: Int = 4 << 20, roots: Int = 64) {
        self.blocks = blocks
        self.blockBytes = blockBytes
        self.roots = roots
    }
}

/// The blocks of a CAR file, each compared with its identifier.
public struct CARArchive: Sendable {
    /// 1 or 2.
    public let version: Int
    /// The blocks to start from; they need not be in the archive.
    public let roots: [BlockIdentifier]
    /// The blocks in file order; the same block may stand more than once.
    public let blocks: [(id: BlockIdentifier, bytes: ArraySlice<UInt8>)]

    /// Reads an archive and re-hashes every block.
    ///
    /// Refused: another version than 1 or 2, a header that is not deterministic DAG-CBOR, no roots, lengths that are padded
    /// varints or reach beyond the end, empty sections, blocks that do not hash to their identifier, hash functions that cannot
    /// be checked, a version 2 payload that does not lie within the file, and anything above `limits`.
    public init(parsing input: [UInt8], limits: CARLimits = CARLimits()) throws(ParseError) {
        var reader = ByteReader(input)
        let header = try Header(reading: &reader, limits: limits)
        switch header.version {
        case 1:
            version = 1
            roots = header.roots
            blocks = try Self.blocks(&reader, limits)
        case 2:
            guard header.roots.isEmpty else {
                throw ParseError(field: "header", expected: "no roots in the pragma of version 2", actual: "roots")
            }
            var payload = ByteReader(try Self.payload(input, &reader))
            let inner = try Header(reading: &payload, limits: limits)
            guard inner.version == 1 else {
                throw ParseError(field: "data.version", expected: "1", actual: "\(inner.version)")
            }
            version = 2
            roots = inner.roots
            blocks = try Self.blocks(&payload, limits)
        default:
            throw ParseError(field: "header.version", expected: "1 or 2", actual: "\(header.version)")
        }
        guard !roots.isEmpty else { throw ParseError(field: "header.roots", expected: "at least one", actual: "none") }
    }

    /// The version 1 file inside a version 2 file: 16 bytes of characteristics, then offsets and sizes, little-endian.
    private static func payload(_ input: [UInt8], _ reader: inout ByteReader) throws(ParseError) -> ArraySlice<UInt8> {
        _ = try reader.read(16, "characteristics")
        let offset: UInt64 = try reader.readLittleEndian(UInt64.self, "data.offset")
        let size: UInt64 = try reader.readLittleEndian(UInt64.self, "data.size")
        let index: UInt64 = try reader.readLittleEndian(UInt64.self, "index.offset")
        let (end, overflow) = offset.addingReportingOverflow(size)
        guard !overflow, offset >= UInt64(reader.offset), end <= UInt64(input.count) else {
            throw ParseError(field: "data", expected: "a payload within the file", actual: "\(size) bytes at \(offset)")
        }
        guard index == 0 || (index >= end && index <= UInt64(input.count)) else {
            throw ParseError(field: "index.offset", expected: "0 or a place after the data", actual: "\(index)")
        }
        return input[Int(offset)..<Int(end)]
    }

    private static func blocks(
        _ reader: inout ByteReader,
        _ limits: CARLimits
    ) throws(ParseError) -> [(id: BlockIdentifier, bytes: ArraySlice<UInt8>)] {
        var blocks: [(id: BlockIdentifier, bytes: ArraySlice<UInt8>)] = []
        while !reader.isAtEnd {
            let field = "blocks[\(blocks.count)]"
            guard blocks.count < limits.blocks else {
                throw ParseError(field: field, expected: "at most \(limits.blocks) blocks", actual: "more")
            }
            let length = try reader.readVarint(field)
            let most = limits.blockBytes + BlockIdentifier.maxDigestBytes + 32
            guard length > 0, length <= UInt64(most) else {
                throw ParseError(field: field, expected: "1 to \(most) bytes", actual: "\(length)")
            }
            var section = ByteReader(try reader.read(Int(length), field))
            let id = try BlockIdentifier(reading: &section, field: field + ".cid")
            let bytes = section.readRest()
            guard bytes.count <= limits.blockBytes else {
                throw ParseError(field: field, expected: "at most \(limits.blockBytes) bytes", actual: "\(bytes.count)")
            }
            switch id.matches(bytes) {
            case true?: blocks.append((id, bytes))
            case false?: throw ParseError(field: field, expected: "the bytes of \(id)", actual: "other bytes")
            case nil:
                let actual = "0x" + String(id.hash, radix: 16)
                throw ParseError(field: field + ".cid", expected: "a hash function that can be checked", actual: actual)
            }
        }
        return blocks
    }

    /// A version 1 archive.
    /// - Precondition: there is at least one root.
    public static func write(roots: [BlockIdentifier], blocks: [(id: BlockIdentifier, bytes: [UInt8])]) -> [UInt8] {
        var output = header(roots: roots)
        for block in blocks { appendSection(block.id, block.bytes[...], to: &output) }
        return output
    }

    /// The beginning of a version 1 archive, for writers that append sections as they make them.
    /// - Precondition: there is at least one root.
    public static func header(roots: [BlockIdentifier]) -> [UInt8] {
        precondition(!roots.isEmpty, "an archive has a root")
        let header = Header.bytes(roots: roots)
        var output: [UInt8] = []
        output.appendVarint(UInt64(header.count))
        return output + header
    }

    /// Appends one block.
    public static func appendSection(_ id: BlockIdentifier, _ bytes: ArraySlice<UInt8>, to output: inout [UInt8]) {
        let cid = id.bytes
        output.appendVarint(UInt64(cid.count + bytes.count))
        output += cid
        output += bytes
    }

    /// The header: the DAG-CBOR map {"roots": [link…], "version": n}, of which version 2 has the last member only.
    private struct Header {
        var version: UInt64
        var roots: [BlockIdentifier] = []

        init(reading reader: inout ByteReader, limits: CARLimits) throws(ParseError) {
            let length = try reader.readVarint("header")
            let most = 32 + limits.roots * (BlockIdentifier.maxDigestBytes + 32)
            guard length > 0, length <= UInt64(most) else {
                throw ParseError(field: "header", expected: "1 to \(most) bytes", actual: "\(length)")
            }
            var header = ByteReader(try reader.read(Int(length), "header"))
            let members = try Self.head(&header, major: 5, "header")
            guard members == 1 || members == 2 else {
                throw ParseError(field: "header", expected: "roots and version", actual: "\(members) members")
            }
            if members == 2 {
                try Self.key(&header, "roots")
                let count = try Self.head(&header, major: 4, "header.roots")
                guard count <= UInt64(limits.roots) else {
                    throw ParseError(field: "header.roots", expected: "at most \(limits.roots)", actual: "\(count)")
                }
                for index in 0..<Int(count) { roots.append(try Self.link(&header, "header.roots[\(index)]")) }
            }
            try Self.key(&header, "version")
            version = try Self.head(&header, major: 0, "header.version")
            try header.finish("header")
        }

        static func bytes(roots: [BlockIdentifier]) -> [UInt8] {
            var bytes: [UInt8] = []
            appendHead(5, 2, to: &bytes)
            appendText("roots", to: &bytes)
            appendHead(4, roots.count, to: &bytes)
            for root in roots {
                let cid = root.bytes
                appendHead(6, 42, to: &bytes)
                appendHead(2, cid.count + 1, to: &bytes)
                bytes.append(0x00)
                bytes += cid
            }
            appendText("version", to: &bytes)
            bytes.append(0x01)
            return bytes
        }

        private static func appendText(_ text: String, to bytes: inout [UInt8]) {
            appendHead(3, text.utf8.count, to: &bytes)
            bytes += Array(text.utf8)
        }

        private static func appendHead(_ major: UInt8, _ value: Int, to bytes: inout [UInt8]) {
            if value < 24 {
                bytes.append(major << 5 | UInt8(value))
            } else if value < 256 {
                bytes += [major << 5 | 24, UInt8(value)]
            } else {
                bytes += [major << 5 | 25, UInt8(truncatingIfNeeded: value >> 8), UInt8(truncatingIfNeeded: value)]
            }
        }

        private static func key(_ reader: inout ByteReader, _ name: String) throws(ParseError) {
            let length = try head(&reader, major: 3, "header")
            guard length == UInt64(name.utf8.count), try reader.read(Int(length), "header").elementsEqual(name.utf8)
            else {
                throw ParseError(field: "header", expected: "member '\(name)'", actual: "another member")
            }
        }

        private static func link(_ reader: inout ByteReader, _ field: String) throws(ParseError) -> BlockIdentifier {
            guard try head(&reader, major: 6, field) == 42 else {
                throw ParseError(field: field, expected: "a link (tag 42)", actual: "another tag")
            }
            let length = try head(&reader, major: 2, field)
            guard length >= 2, length <= UInt64(reader.remaining), try reader.readByte(field) == 0 else {
                throw ParseError(field: field, expected: "a zero byte and a CID", actual: "\(length) bytes")
            }
            var cid = ByteReader(try reader.read(Int(length) - 1, field))
            let id = try BlockIdentifier(reading: &cid, field: field)
            try cid.finish(field)
            return id
        }

        /// The head of a CBOR item of the wanted major type, in its shortest form and below 2^16.
        private static func head(_ reader: inout ByteReader, major: UInt8, _ field: String) throws(ParseError) -> UInt64
        {
            let byte = try reader.readByte(field)
            guard byte >> 5 == major else {
                throw ParseError(field: field, expected: "CBOR major type \(major)", actual: "\(byte >> 5)")
            }
            switch byte & 31 {
            case 0..<24: return UInt64(byte & 31)
            case 24:
                let value = UInt64(try reader.readByte(field))
                if value >= 24 { return value }
            case 25:
                let value = UInt64(try reader.readBigEndian(UInt16.self, field))
                if value >= 256 { return value }
            default: break
            }
            throw ParseError(field: field, expected: "a short length in its shortest form", actual: "another form")
        }
    }
}
