// UnixFS files under the profile `unixfs-v1-2025` (IPIP-0499): CIDv1, 1 MiB chunks, raw leaves, balanced, 1024 links a node.
// The identifier follows from the chunk digests alone, without the data.

internal import Codecs

/// File identifiers of IPFS's UnixFS format.
public enum UnixFS {
    /// The most links of one node in the profile.
    public static let linksPerNode = 1024

    /// A node on some level of the file's tree: its identifier, the file bytes below it, the block bytes below and in it.
    private struct Node {
        var cid: CID
        var fileBytes: UInt64
        var blockBytes: UInt64
    }

    /// The identifier of the file whose 1 MiB chunks have these digests.
    ///
    /// A file of at most one chunk is its raw block; an empty file is the raw block of no bytes.
    public static func fileCID(chunkDigests: [Digest], length: UInt64) -> CID {
        guard !chunkDigests.isEmpty else { return .raw([]) }
        var level = chunkDigests.enumerated().map { index, digest in
            let bytes = min(ArtefactTree.chunkSize, length - UInt64(index) * ArtefactTree.chunkSize)
            return Node(cid: CID(codec: .raw, digest: digest), fileBytes: bytes, blockBytes: bytes)
        }
        while level.count > 1 {
            level = stride(from: 0, to: level.count, by: linksPerNode).map { start in
                parent(of: level[start..<min(start + linksPerNode, level.count)])
            }
        }
        return level[0].cid
    }

    /// The dag-pb block over `children`: links first, then the UnixFS data, as the dag-pb specification orders them.
    private static func parent(of children: ArraySlice<Node>) -> Node {
        var block: [UInt8] = []
        var fileBytes: UInt64 = 0
        var blockBytes: UInt64 = 0
        var sizes: [UInt8] = []
        for child in children {
            var link: [UInt8] = []
            appendField(1, child.cid.bytes, to: &link)
            appendField(2, [], to: &link)
            link.append(3 << 3)
            link.appendVarint(child.blockBytes)
            appendField(2, link, to: &block)
            sizes.append(4 << 3)
            sizes.appendVarint(child.fileBytes)
            fileBytes += child.fileBytes
            blockBytes += child.blockBytes
        }
        // UnixFS Data message: Type = File (2), filesize, then one blocksize for each link.
        var data: [UInt8] = [1 << 3, 2, 3 << 3]
        data.appendVarint(fileBytes)
        data += sizes
        appendField(1, data, to: &block)
        let cid = CID(codec: .dagPB, digest: SHA256.hash(block))
        return Node(cid: cid, fileBytes: fileBytes, blockBytes: blockBytes + UInt64(block.count))
    }

    /// A length-delimited protocol buffer field.
    private static func appendField(_ number: UInt8, _ bytes: [UInt8], to output: inout [UInt8]) {
        output.append(number << 3 | 2)
        output.appendVarint(UInt64(bytes.count))
        output += bytes
    }
}
