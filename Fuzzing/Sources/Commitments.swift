// Fuzzers of `Commitments`: archives, blocks and names that others made, and verifiers of proofs.
import Codecs
import Commitments

extension Registry {
    static let commitments: [FuzzTarget] = [
        FuzzTarget("commitments.cid", maxBytes: 512, seeds: [identifierTexts]) { bytes throws(ParseError) in
            let text = bytes.text
            let id = try BlockIdentifier(text: text)
            var reader = ByteReader(id.bytes)
            let again = reread("a CID reads what it wrote") { () throws(ParseError) in
                try BlockIdentifier(reading: &reader)
            }
            require(again == id && reader.isAtEnd, "a CID keeps its parts")
            if text.hasPrefix("b") { require(id.text == text, "a CID in base 32 has one form") }
        },
        FuzzTarget("commitments.own-cid", maxBytes: 128, seeds: [identifierTexts]) { bytes throws(ParseError) in
            require(try CID(text: bytes.text).text == bytes.text, "Assay's own CIDs have one form")
        },
        FuzzTarget("commitments.car", maxBytes: 16384, seeds: archives) { bytes throws(ParseError) in
            let archive = try CAR(parsing: bytes, maxBlocks: 64, maxBlockBytes: 1 << 16)
            require(archive.bytes == bytes, "Assay's own archives have one form")
        },
        FuzzTarget("commitments.car-archive", maxBytes: 16384, seeds: archives) { bytes throws(ParseError) in
            let archive = try CARArchive(parsing: bytes, limits: CARLimits(blocks: 256, blockBytes: 1 << 16, roots: 16))
            for block in archive.blocks {
                require(block.id.matches(block.bytes) == true, "blocks are what they are called")
            }
        },
        FuzzTarget("commitments.unixfs", maxBytes: 16384, seeds: [blocks]) { bytes throws(ParseError) in
            // A block named by its own hash, so that the reader behind the hash is reached.
            let root = BlockIdentifier(codec: .dagPB, block: bytes)
            let reader = UnixFSReader(blocks: [root: bytes[...]])
            _ = try reader.file(root, maxBytes: 1 << 20)
        },
        FuzzTarget("commitments.unixfs-folder", maxBytes: 16384, seeds: [blocks]) { bytes throws(ParseError) in
            let root = BlockIdentifier(codec: .dagPB, block: bytes)
            let reader = UnixFSReader(blocks: [root: bytes[...]])
            for entry in try reader.entries(root: root, maxEntries: 1000) {
                require(!entry.path.split(separator: "/").contains(".."), "no entry leaves the folder")
            }
        },
        FuzzTarget("commitments.dag-pb", seeds: [blocks]) { bytes throws(ParseError) in
            let node = try DagPBNode(parsing: bytes[...])
            require(node.bytes == bytes, "dag-pb has one form")
        },
        FuzzTarget("commitments.dag-pb-json", seeds: [.shared("commitments/ipfs/car", ".json"), .made { [nodeJSON] }]) {
            bytes throws(ParseError) in
            let node = try DagPBNode(dagJSON: try JSONValue(parsing: bytes))
            let again = reread("dag-json reads what it wrote") { () throws(ParseError) in
                try DagPBNode(dagJSON: node.dagJSON)
            }
            require(again == node, "dag-json keeps the node")
        },
        FuzzTarget("commitments.folder-manifest", maxBytes: 2048, seeds: [.made { [try manifest().bytes] }]) {
            bytes throws(ParseError) in
            require(try FolderManifest(parsing: bytes).bytes == bytes, "a manifest has one form")
        },
        FuzzTarget(
            "commitments.bao",
            maxBytes: 65536,
            seeds: [.made { [0, 1, 1024, 1025, 5000, 40000].map { Bao.chunks.encode(counter($0)).encoding } }],
            throwing: BaoError.self
        ) { bytes throws(BaoError) in
            _ = try Bao.chunks.decode(bytes, root: .zero, maxBytes: 1 << 20)
        },
        FuzzTarget(
            "commitments.bao-known-root",
            maxBytes: 65536,
            seeds: [.made { [known.encoding, Bao.groups.slice(counter(40000), start: 17000, count: 30)] }],
            throwing: BaoError.self
        ) { bytes throws(BaoError) in
            // Under a root that somebody trusts only the one data can come out.
            let data = try Bao.groups.decode(bytes, root: known.root, maxBytes: 1 << 20)
            require(data == counter(40000) && bytes == known.encoding, "a root has one encoding")
        },
        FuzzTarget(
            "commitments.proofs",
            maxBytes: 4096,
            seeds: [.made { [0, 1, 5, 6].map { index in proofInput(index: index, size: 7) } }],
            throwing: Never.self
        ) { bytes in
            // Nothing but sizes and hashes that do not belong together: every verifier answers no, and quickly.
            var reader = ByteReader(bytes)
            guard let index: UInt64 = try? reader.readBigEndian(UInt64.self),
                let size: UInt64 = try? reader.readBigEndian(UInt64.self)
            else { return }
            var hashes: [Digest] = []
            while let next = try? reader.read(32), let digest = try? Digest(next) { hashes.append(digest) }
            let root = Digest.zero
            let isIncluded = MerkleTree.verifyInclusion(leaf: root, index: index, size: size, proof: hashes, root: root)
            require(!isIncluded || (size == 1 && index == 0), "no proof for a hash nobody knows a preimage of")
            let isConsistent = MerkleTree.verifyConsistency(
                oldSize: index,
                newSize: size,
                proof: hashes,
                oldRoot: root,
                newRoot: root
            )
            require(!isConsistent || index == size, "no two sizes under one unknown root")
            _ = MerkleTree.verifySubtreeInclusion(
                leaf: root,
                index: index,
                start: size,
                end: index,
                proof: hashes,
                root: root
            )
            _ = MerkleTree.verifySubtreeConsistency(
                start: index,
                end: size,
                size: size,
                proof: hashes,
                subtreeRoot: root,
                root: root
            )
            _ = MerkleTree.verifyRange(leaves: hashes, start: index, size: size, proof: hashes, root: root)
            let leaves = hashes.enumerated().map { (index: index &+ UInt64($0), hash: $1) }
            _ = MerkleTree.verifyMultiProof(leaves: leaves, size: size, proof: hashes, root: root)
            if let range = try? CompactRange(size: size, hashes: hashes) {
                _ = range.verifyAppend(of: hashes, oldRoot: root, newRoot: root)
            }
            _ = ArtefactTree.verify(
                chunk: bytes,
                index: index,
                length: size,
                chunkSize: index,
                path: hashes,
                commitment: root
            )
            let opening = SaltedTree.Opening(index: index, salt: root, path: hashes)
            _ = SaltedTree.verify(chunk: bytes, opening: opening, length: size, chunkSize: size, commitment: root)
        },
    ]

    // MARK: Valid inputs

    private static let archives: [Seeds] = [
        .shared("commitments/ipfs/car", ".car"), .own("Vectors/receipts/bundles", ".assay"),
        .made {
            let leaf = CID.raw(counter(300))
            return [CAR(root: leaf, blocks: [(leaf, counter(300))]).bytes]
        },
    ]
    private static let identifierTexts = Seeds.texts(
        "QmUNLLsPACCz1vLxQVkXqqLX5R1X345qqfHbsf67hvA3Nn",
        "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku",
        "bafkqabiaaebagba",
        "z8mWaJ1dZ9fH5EetPuRsj8jj26pXsgpsr"
    )
    /// dag-pb blocks: the codec fixtures, and those of the archives.
    private static let blocks = Seeds.made {
        let nodes = Seeds.shared("commitments/ipfs/codec", ".dag-pb").inputs()
        let inner = archives.flatMap { $0.inputs() }.compactMap { try? CARArchive(parsing: $0) }
            .flatMap { $0.blocks.map { Array($0.bytes) } }
        return nodes + inner.filter { $0.count < 16384 }
    }

    private static let known = Bao.groups.encode(counter(40000))

    private static let nodeJSON = DagPBNode(
        links: [.init(target: BlockIdentifier(.raw([1])), name: "a", totalSize: 1)],
        data: [8, 1]
    ).dagJSON.serialized()

    static func counter(_ length: Int) -> [UInt8] { (0..<length).map { UInt8($0 % 251) } }

    private static func manifest() throws(ParseError) -> FolderManifest {
        try FolderManifest(entries: [
            FolderEntry(path: "a", kind: .directory),
            FolderEntry(path: "a/b", kind: .file(bytes: 3, sha256: SHA256.hash([1, 2, 3]), isExecutable: true)),
            FolderEntry(path: "c", kind: .symlink(bytes: 1, sha256: SHA256.hash([97]))),
        ])
    }

    private static func proofInput(index: UInt64, size: UInt64) -> [UInt8] {
        let tree = MerkleLevels(leafHashes: (0..<size).map { MerkleTree.leafHash([UInt8($0)]) })
        var bytes: [UInt8] = []
        bytes.appendBigEndian(index)
        bytes.appendBigEndian(size)
        return bytes + (tree.inclusionProof(index: index) ?? []).flatMap(\.bytes)
    }
}
