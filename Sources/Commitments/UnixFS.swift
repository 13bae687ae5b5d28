// UnixFS (specs.ipfs.tech/unixfs): files, directories and symbolic links as dag-pb blocks, written under the profile
// `unixfs-v1-2025` of IPIP-0499. A file's identifier follows from its chunk digests alone, without the data.

internal import Codecs

/// Identifiers and blocks of IPFS's UnixFS format.
public enum UnixFS {
    /// The most links of one node of a file in the profile `unixfs-v1-2025`.
    public static let linksPerNode = 1024
    /// The largest directory block that is written flat: above it the profile demands a HAMT.
    public static let maxDirectoryBytes = 262_144

    /// How a file is cut and linked (IPIP-0499).
    public struct Profile: Sendable, Equatable {
        /// The length of a chunk in bytes.
        public let chunkBytes: Int
        /// The most links of a node.
        public let maxLinks: Int
        /// The version of the identifiers.
        public let version: Int
        /// Whether leaves are the plain chunks, not dag-pb blocks around them.
        public let hasRawLeaves: Bool

        /// The profile that Assay writes: 1 MiB chunks, raw leaves, 1024 links, CIDv1.
        public static let v1_2025 = Profile(chunkBytes: 1 << 20, maxLinks: 1024, version: 1, hasRawLeaves: true)
        /// What old tools write: 256 KiB chunks in dag-pb leaves, 174 links, CIDv0. For checking their identifiers.
        public static let v0_2015 = Profile(chunkBytes: 1 << 18, maxLinks: 174, version: 0, hasRawLeaves: false)
    }

    /// The kinds of UnixFS nodes (the `Type` field).
    public enum Kind: UInt64, Sendable {
        case raw = 0
        case directory = 1
        case file = 2
        case metadata = 3
        case symlink = 4
        case hamtShard = 5
    }

    /// A node of a file's tree: its identifier, the file bytes below it, the block bytes below and in it.
    struct Node: Equatable {
        var id: BlockIdentifier
        var fileBytes: UInt64
        var blockBytes: UInt64
    }

    /// The identifier of the file whose 1 MiB chunks have these digests.
    ///
    /// A file of at most one chunk is its raw block; an empty file is the raw block of no bytes.
    public static func fileCID(chunkDigests: [Digest], length: UInt64) -> CID {
        let node = fileTree(chunkDigests: chunkDigests, length: length) { _, _ in }
        // The profile gives version 1 and SHA-256, with raw and dag-pb blocks only.
        return node.id.cid ?? .raw([])
    }

    /// The blocks above the chunks of a file, children before parents; none for a file of at most one chunk.
    public static func fileNodes(chunkDigests: [Digest], length: UInt64) -> [(cid: CID, bytes: [UInt8])] {
        var blocks: [(cid: CID, bytes: [UInt8])] = []
        _ = fileTree(chunkDigests: chunkDigests, length: length) { id, block in
            if let cid = id.cid { blocks.append((cid, block)) }
        }
        return blocks
    }

    static func fileTree(
        chunkDigests: [Digest],
        length: UInt64,
        emit: (BlockIdentifier, [UInt8]) -> Void
    ) -> Node {
        guard !chunkDigests.isEmpty else { return Node(id: BlockIdentifier(.raw([])), fileBytes: 0, blockBytes: 0) }
        let leaves = chunkDigests.enumerated().map { index, digest in
            let bytes = min(ArtefactTree.chunkSize, length - UInt64(index) * ArtefactTree.chunkSize)
            return Node(id: BlockIdentifier(CID(codec: .raw, digest: digest)), fileBytes: bytes, blockBytes: bytes)
        }
        return tree(over: leaves, profile: .v1_2025, emit: emit)
    }

    /// Balanced: every node but the last of its level has all its links.
    static func tree(over leaves: [Node], profile: Profile, emit: (BlockIdentifier, [UInt8]) -> Void) -> Node {
        var level = leaves
        while level.count > 1 {
            level = stride(from: 0, to: level.count, by: profile.maxLinks).map { start in
                let children = level[start..<min(start + profile.maxLinks, level.count)]
                let data = FileData(
                    kind: .file,
                    fileSize: children.reduce(0) { $0 + $1.fileBytes },
                    blockSizes: children.map(\.fileBytes)
                )
                let links = children.map { DagPBNode.Link(target: $0.id, name: "", totalSize: $0.blockBytes) }
                let block = DagPBNode(links: links, data: data.bytes).bytes
                let id = BlockIdentifier(codec: .dagPB, block: block, version: profile.version)
                emit(id, block)
                return Node(
                    id: id,
                    fileBytes: data.fileSize ?? 0,
                    blockBytes: children.reduce(UInt64(block.count)) { $0 + $1.blockBytes }
                )
            }
        }
        return level[0]
    }

    /// The identifier of a file under either profile.
    public static func fileID(of bytes: [UInt8], profile: Profile) -> BlockIdentifier {
        var leaves: [Node] = []
        var offset = 0
        repeat {
            let chunk = bytes[offset..<min(offset + profile.chunkBytes, bytes.count)]
            let block: [UInt8]
            if profile.hasRawLeaves {
                block = Array(chunk)
            } else {
                let data = FileData(kind: .file, content: Array(chunk), fileSize: UInt64(chunk.count))
                block = DagPBNode(links: [], data: data.bytes).bytes
            }
            let codec: CID.Codec = profile.hasRawLeaves ? .raw : .dagPB
            leaves.append(
                Node(
                    id: BlockIdentifier(codec: codec, block: block, version: profile.version),
                    fileBytes: UInt64(chunk.count),
                    blockBytes: UInt64(block.count)
                )
            )
            offset += profile.chunkBytes
        } while offset < bytes.count
        return tree(over: leaves, profile: profile) { _, _ in }.id
    }

    /// The UnixFS message within a node's data.
    struct FileData: Equatable {
        var kind: Kind
        var content: [UInt8]?
        var fileSize: UInt64?
        var blockSizes: [UInt64] = []
        /// The multicodec of the hash of a sharded directory.
        var hashType: UInt64?
        /// The slots of a sharded directory's node.
        var fanOut: UInt64?

        var bytes: [UInt8] {
            var bytes: [UInt8] = []
            ProtocolBuffer.append(1, kind.rawValue, to: &bytes)
            if let content { ProtocolBuffer.append(2, content, to: &bytes) }
            if let fileSize { ProtocolBuffer.append(3, fileSize, to: &bytes) }
            for size in blockSizes { ProtocolBuffer.append(4, size, to: &bytes) }
            if let hashType { ProtocolBuffer.append(5, hashType, to: &bytes) }
            if let fanOut { ProtocolBuffer.append(6, fanOut, to: &bytes) }
            return bytes
        }

        init(
            kind: Kind,
            content: [UInt8]? = nil,
            fileSize: UInt64? = nil,
            blockSizes: [UInt64] = [],
            hashType: UInt64? = nil,
            fanOut: UInt64? = nil
        ) {
            self.kind = kind
            self.content = content
            self.fileSize = fileSize
            self.blockSizes = blockSizes
            self.hashType = hashType
            self.fanOut = fanOut
        }

        /// Reads the message; mode and modification time are passed over.
        init(parsing bytes: [UInt8], field: String) throws(ParseError) {
            var reader = ByteReader(bytes)
            var kind: Kind?
            self.init(kind: .raw)
            while !reader.isAtEnd {
                let key = try reader.readVarint(field)
                switch (key >> 3, key & 7) {
                case (1, 0):
                    let value = try reader.readVarint(field + ".type")
                    guard let known = Kind(rawValue: value) else {
                        throw ParseError(field: field + ".type", expected: "0 to 5", actual: "\(value)")
                    }
                    kind = known
                case (3, 0): fileSize = try reader.readVarint(field + ".filesize")
                case (4, 0): blockSizes.append(try reader.readVarint(field + ".blocksizes"))
                case (5, 0): hashType = try reader.readVarint(field + ".hashType")
                case (6, 0): fanOut = try reader.readVarint(field + ".fanout")
                case (7, 0): _ = try reader.readVarint(field)
                case (2, 2), (4, 2), (8, 2):
                    let count = try reader.readVarint(field)
                    guard count <= UInt64(reader.remaining) else {
                        throw ParseError(field: field, expected: "\(count) bytes", actual: "\(reader.remaining) left")
                    }
                    let payload = try reader.read(Int(count), field)
                    if key >> 3 == 2 { content = Array(payload) }
                    if key >> 3 == 4 {
                        var sizes = ByteReader(payload)
                        while !sizes.isAtEnd { blockSizes.append(try sizes.readVarint(field + ".blocksizes")) }
                    }
                default:
                    throw ParseError(field: field, expected: "a UnixFS field", actual: "field \(key >> 3)")
                }
            }
            guard let kind else { throw ParseError(field: field + ".type", expected: "a type", actual: "none") }
            self.kind = kind
        }
    }
}
