// CARv1 archives (ipld.io/specs/transport/car/carv1): one file holding blocks, each named by its CID.
public import Codecs

/// A content-addressed archive, version 1, with exactly one root.
public struct CAR: Sendable {
    /// The block to start from.
    public let root: CID
    /// The blocks in file order. Every block's digest has been compared with its CID.
    public let blocks: [(cid: CID, bytes: [UInt8])]

    /// An archive of `blocks`.
    public init(root: CID, blocks: [(cid: CID, bytes: [UInt8])]) {
        self.root = root
        self.blocks = blocks
    }

    /// The archive's bytes.
    public var bytes: [UInt8] {
        var output: [UInt8] = []
        let header = Self.header(root: root)
        output.appendVarint(UInt64(header.count))
        output += header
        for block in blocks {
            let cid = block.cid.bytes
            output.appendVarint(UInt64(cid.count + block.bytes.count))
            output += cid
            output += block.bytes
        }
        return output
    }

    /// The header's only deterministic DAG-CBOR form: {"roots": [root], "version": 1}.
    private static func header(root: CID) -> [UInt8] {
        let cid = root.bytes
        var bytes: [UInt8] = [0xa2, 0x65]
        bytes += Array("roots".utf8)
        bytes += [0x81, 0xd8, 0x2a, 0x58, UInt8(cid.count + 1), 0x00]
        bytes += cid
        bytes.append(0x67)
        bytes += Array("version".utf8)
        bytes.append(0x01)
        return bytes
    }

    /// Reads an archive and re-hashes every block.
    ///
    /// Refused: a header in any but its one deterministic form, another number of roots than one, empty or truncated
    /// sections, blocks that do not hash to their CID, the same CID twice, a missing root block, and more than the bounds.
    /// - Parameters:
    ///   - maxBlocks: the most blocks.
    ///   - maxBlockBytes: the longest block.
    public init(parsing input: [UInt8], maxBlocks: Int, maxBlockBytes: Int) throws(ParseError) {
        let (archive, corrupt) = try Self.scan(input, maxBlocks: maxBlocks, maxBlockBytes: maxBlockBytes)
        if let corrupt {
            throw ParseError(field: "blocks", expected: "bytes of \(corrupt)", actual: "other bytes under that name")
        }
        self = archive
    }

    /// Reads an archive for a caller who tells a file of another form from a file that was changed.
    /// - Returns: the archive, and the first block that does not hash to its CID; the archive is worth nothing unless that
    ///   is `nil`.
    /// - Throws: `ParseError` for everything that `init(parsing:maxBlocks:maxBlockBytes:)` refuses but a wrong digest.
    public static func scan(
        _ input: [UInt8],
        maxBlocks: Int,
        maxBlockBytes: Int
    ) throws(ParseError) -> (archive: CAR, corrupt: CID?) {
        var reader = ByteReader(input)
        let headerLength = try reader.readVarint("header")
        guard headerLength <= 256 else {
            throw ParseError(field: "header", expected: "at most 256 bytes", actual: "\(headerLength)")
        }
        let header = try reader.read(Int(headerLength), "header")
        var cidReader = ByteReader(header)
        _ = try cidReader.read(min(13, header.count), "header")
        let root = try CID(reading: &cidReader, field: "header.roots[0]")
        guard header.elementsEqual(Self.header(root: root)) else {
            throw ParseError(
                field: "header",
                expected: "a deterministic CARv1 header with one root",
                actual: "another header"
            )
        }
        var blocks: [(cid: CID, bytes: [UInt8])] = []
        var seen: Set<CID> = []
        var corrupt: CID?
        while !reader.isAtEnd {
            let field = "blocks[\(blocks.count)]"
            guard blocks.count < maxBlocks else {
                throw ParseError(field: field, expected: "at most \(maxBlocks) blocks", actual: "more")
            }
            let length = try reader.readVarint(field)
            guard length > 0, length <= UInt64(maxBlockBytes) + 64 else {
                throw ParseError(field: field, expected: "1 to \(maxBlockBytes) bytes", actual: "\(length)")
            }
            var section = ByteReader(try reader.read(Int(length), field))
            let cid = try CID(reading: &section, field: field + ".cid")
            let bytes = Array(section.readRest())
            guard bytes.count <= maxBlockBytes else {
                throw ParseError(field: field, expected: "at most \(maxBlockBytes) bytes", actual: "\(bytes.count)")
            }
            if corrupt == nil, SHA256.hash(bytes) != cid.digest { corrupt = cid }
            guard seen.insert(cid).inserted else {
                throw ParseError(field: field, expected: "each block once", actual: "\(cid) again")
            }
            blocks.append((cid, bytes))
        }
        guard seen.contains(root) else {
            throw ParseError(
                field: "header.roots[0]",
                expected: "the root's block in the file",
                actual: "no block \(root)"
            )
        }
        return (CAR(root: root, blocks: blocks), corrupt)
    }
}
