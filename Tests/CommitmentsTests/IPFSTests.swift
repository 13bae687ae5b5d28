// Archives, dag-pb nodes and UnixFS against the public fixtures, and archives bent in every way a reader must refuse.
import Codecs
import Commitments
import Foundation
import Testing

@Suite struct CARArchiveTests {
    private static let blocks: [(id: BlockIdentifier, bytes: [UInt8])] = (0..<4).map { index in
        let bytes = [UInt8](repeating: UInt8(index), count: 10 + index)
        return (BlockIdentifier(codec: .raw, block: bytes), bytes)
    }
    private static let archive = CARArchive.write(roots: [blocks[0].id, blocks[2].id], blocks: blocks)

    @Test func `An archive with two roots reads back`() throws {
        let read = try CARArchive(parsing: Self.archive)
        #expect(read.version == 1)
        #expect(read.roots == [Self.blocks[0].id, Self.blocks[2].id])
        #expect(read.blocks.map { Array($0.bytes) } == Self.blocks.map(\.bytes))
        let one = CARArchive.write(roots: [Self.blocks[1].id], blocks: Self.blocks)
        let bundle = try CAR(parsing: one, maxBlocks: 10, maxBlockBytes: 100)
        #expect(bundle.bytes == one && bundle.blocks.count == 4)
    }

    @Test func `Cut at any byte, or with any byte flipped, an archive is refused or smaller`() {
        for count in 0..<Self.archive.count {
            // A cut between two sections leaves a shorter archive that is well formed.
            if let read = try? CARArchive(parsing: Array(Self.archive.prefix(count))) {
                #expect(read.blocks.count < Self.blocks.count)
            }
        }
        for index in Self.archive.indices {
            for bit in 0..<8 {
                var bytes = Self.archive
                bytes[index] ^= 1 << UInt8(bit)
                // Only a codec may change: a block is bound to its hash, not to its reader. Roots are just names.
                guard let read = try? CARArchive(parsing: bytes) else { continue }
                #expect(read.blocks.map { Array($0.bytes) } == Self.blocks.map(\.bytes), "byte \(index), bit \(bit)")
            }
        }
        #expect(throws: ParseError.self) { try CARArchive(parsing: Self.archive + [0]) }
        #expect(throws: ParseError.self) { try CARArchive(parsing: Self.archive + [1]) }
    }

    @Test func `Bounds, foreign hashes and hostile version 2 headers are refused`() throws {
        #expect(throws: ParseError.self) { try CARArchive(parsing: Self.archive, limits: CARLimits(blocks: 3)) }
        #expect(throws: ParseError.self) { try CARArchive(parsing: Self.archive, limits: CARLimits(blockBytes: 12)) }
        #expect(throws: ParseError.self) { try CARArchive(parsing: Self.archive, limits: CARLimits(roots: 1)) }
        // A multihash that cannot be computed (0x11, SHA-1) must not pass unchecked.
        var cid = ByteReader([1, 0x55, 0x11, 2, 0xaa, 0xbb])
        let foreign = try BlockIdentifier(reading: &cid)
        let unchecked = CARArchive.write(roots: [foreign], blocks: [(foreign, [1, 2, 3])])
        #expect(throws: ParseError.self) { try CARArchive(parsing: unchecked) }
        func version2(offset: UInt64, size: UInt64, index: UInt64) -> [UInt8] {
            var bytes: [UInt8] = [0x0a, 0xa1, 0x67] + Array("version".utf8) + [0x02]
            bytes += [UInt8](repeating: 0, count: 16)
            for value in [offset, size, index] { bytes.appendLittleEndian(value) }
            return bytes + Self.archive
        }
        let size = UInt64(Self.archive.count)
        #expect(try CARArchive(parsing: version2(offset: 51, size: size, index: 0)).version == 2)
        for (offset, size, index) in [
            (50, size, 0), (51, size + 1, 0), (51, .max, 0), (.max, 2, 0), (51, size, 52), (51, size, .max),
            (51, size - 1, 0),
            (0, size, 0),
        ] as [(UInt64, UInt64, UInt64)] {
            #expect(throws: ParseError.self, "\(offset) \(size) \(index)") {
                try CARArchive(parsing: version2(offset: offset, size: size, index: index))
            }
        }
    }

    @Test func `Identity identifiers carry their block and are bounded`() throws {
        var short = ByteReader([1, 0x55, 0, 3, 9, 8, 7])
        let id = try BlockIdentifier(reading: &short)
        #expect(id.matches([9, 8, 7]) == true && id.matches([9, 8]) == false)
        var long = ByteReader([1, 0x55, 0, 0x81, 1] + [UInt8](repeating: 0, count: 129))
        #expect(throws: ParseError.self) { try BlockIdentifier(reading: &long) }
    }
}

@Suite(.enabled(if: CommitmentVectors.isPresent, CommitmentVectors.missing))
struct IPFSVectorTests {
    private func archive(_ name: String) throws -> CARArchive {
        try CARArchive(parsing: try CommitmentVectors.bytes("ipfs/car/" + name))
    }

    /// What the manifest says of an archive: version, roots and number of good blocks.
    @Test func `Every archive has the manifest's outcome`() throws {
        var accepted = 0
        var rejected = 0
        for (file, expected) in try CommitmentVectors.manifest("ipfs") where file.hasSuffix(".car") {
            let bytes = try CommitmentVectors.bytes("ipfs/" + file)
            if expected.hasPrefix("reject") {
                #expect(throws: ParseError.self, "\(file)") { try CARArchive(parsing: bytes) }
                rejected += 1
                continue
            }
            let archive = try CARArchive(parsing: bytes)
            #expect((archive.version == 2) == expected.contains("CARv2"), "\(file)")
            let roots = expected.split(separator: "[")[1].split(separator: "]")[0].split(separator: ", ")
            #expect(archive.roots.map { "'\($0.text)'" } == roots.map(String.init), "\(file)")
            let count = expected.split(separator: "ok=")[1].prefix { $0.isNumber }
            #expect(archive.blocks.count == Int(count), "\(file)")
            accepted += 1
        }
        #expect(accepted == 20 && rejected == 4)
    }

    @Test(arguments: ["ipld-carv1-basic-carv1-basic", "ipld-carv2-basic-carv2-basic"])
    func `The block table of the archive fixtures`(name: String) throws {
        let archive = try archive(name + ".car")
        let table = try CommitmentVectors.json("ipfs/car/" + name + ".json")["blocks"].elements
        #expect(try archive.blocks.map(\.id.text) == table.map { try $0["cid"]["/"].text })
        for (block, entry) in zip(archive.blocks, table) {
            #expect(block.bytes.count == (try entry["blockLength"].number))
            if block.id.codec == CID.Codec.dagPB.rawValue {
                // The table leaves out absent data; everything else of the logical form is there.
                let node = try DagPBNode(parsing: block.bytes)
                #expect(node.dagJSON == (try entry["content"]), "\(block.id)")
                #expect(node.bytes == Array(block.bytes))
            }
        }
    }

    @Test func `The logical form of a dag-pb directory`() throws {
        let expected = try CommitmentVectors.json("ipfs/car/gateway-conformance-path_gateway_dag-dag-pb.json")
        let archive = try archive("gateway-conformance-path_gateway_dag-dag-pb.car")
        let root = try #require(archive.blocks.first { $0.id == archive.roots[0] })
        #expect(try DagPBNode(parsing: root.bytes).dagJSON == expected)
        #expect(try DagPBNode(dagJSON: expected).bytes == Array(root.bytes))
    }

    @Test func `dag-pb fixtures decode and encode to the same bytes; each block hashes to its name`() throws {
        var checked = 0
        for (file, _) in try CommitmentVectors.manifest("ipfs") where file.hasPrefix("codec/") {
            let bytes = try CommitmentVectors.bytes("ipfs/" + file)
            let name = try #require(file.split(separator: "/").last?.split(separator: "."))
            let id = try BlockIdentifier(text: String(name[0]))
            #expect(id.matches(bytes[...]) == true, "\(file)")
            guard name[1] == "dag-pb" else { continue }
            let node = try DagPBNode(parsing: bytes[...])
            #expect(node.bytes == bytes, "\(file)")
            #expect(try DagPBNode(dagJSON: node.dagJSON) == node)
            for count in 0..<bytes.count {
                guard let short = try? DagPBNode(parsing: bytes.prefix(count)) else { continue }
                #expect(short.bytes == Array(bytes.prefix(count)))
            }
            checked += 1
        }
        #expect(checked == 12)
    }

    @Test(arguments: ["dag-pb-encode-basic-datamodel-kinds", "dag-pb-encode-invalid-forms"])
    func `Forms that are no dag-pb node are refused`(name: String) throws {
        for vector in try CommitmentVectors.json("ipfs/negative/" + name + ".json").elements {
            let form = try vector["dag-json"]
            let title = try vector["name"].text
            #expect(throws: ParseError.self, "\(title)") { try DagPBNode(dagJSON: form) }
        }
    }

    @Test func `A directory fixture written to disk gets its root back`() throws {
        for name in ["path_gateway_unixfs-dir-with-files", "path_gateway_dag-dag-pb"] {
            let archive = try archive("gateway-conformance-\(name).car")
            let reader = UnixFSReader(archive)
            let folder = try ScratchFolder()
            for entry in try reader.entries(root: archive.roots[0]) where !entry.path.isEmpty {
                switch entry.kind {
                case .directory:
                    let path = folder.path + "/out/" + entry.path
                    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
                case .file(let count):
                    let bytes = try reader.file(entry.id, maxBytes: 1 << 20)
                    #expect(UInt64(bytes.count) == count)
                    try folder.write("out/" + entry.path, bytes)
                case .symlink: Issue.record("no links are in this fixture")
                }
            }
            #expect(try FolderScan.folder(folder.path + "/out").cid == archive.roots[0].cid, "\(name)")
        }
    }

    @Test func `A symbolic link is text, and its block is written as others write it`() throws {
        let archive = try archive("gateway-conformance-path_gateway_unixfs-symlink.car")
        let entries = try UnixFSReader(archive).entries(root: archive.roots[0])
        let link = try #require(entries.first { if case .symlink = $0.kind { true } else { false } })
        guard case .symlink(let target) = link.kind else { return }
        let folder = try ScratchFolder()
        try FileManager.default.createDirectory(atPath: folder.path + "/out", withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(atPath: folder.path + "/out/link", withDestinationPath: target)
        let block = try #require(archive.blocks.first { $0.id == link.id })
        let directory = DagPBNode(
            links: [
                DagPBNode.Link(
                    target: BlockIdentifier(codec: .dagPB, block: Array(block.bytes)),
                    name: "link",
                    totalSize: UInt64(block.bytes.count)
                )
            ],
            data: [0x08, 0x01]
        )
        #expect(
            try FolderScan.folder(folder.path + "/out").cid
                == BlockIdentifier(codec: .dagPB, block: directory.bytes).cid
        )
    }

    @Test func `Paths that leave the root, missing blocks and foreign codecs are refused`() throws {
        let outside = try archive("gateway-conformance-path_gateway_tar-outside-root.car")
        #expect(throws: ParseError.self) { try UnixFSReader(outside).entries(root: outside.roots[0]) }
        let inside = try archive("gateway-conformance-path_gateway_tar-inside-root.car")
        #expect(throws: ParseError.self) { try UnixFSReader(inside).entries(root: inside.roots[0]) }
        let missing = try archive("go-car-inputs-simple-unixfs-missing-blocks.car")
        #expect(throws: ParseError.self) {
            let reader = UnixFSReader(missing)
            for entry in try reader.entries(root: missing.roots[0]) {
                if case .file = entry.kind { _ = try reader.file(entry.id, maxBytes: 1 << 24) }
            }
        }
        let whole = try archive("go-car-inputs-simple-unixfs.car")
        let reader = UnixFSReader(whole)
        for entry in try reader.entries(root: whole.roots[0]) {
            if case .file(let count) = entry.kind {
                #expect(UInt64(try reader.file(entry.id, maxBytes: 1 << 24).count) == count)
            }
        }
        let cut = try archive("gateway-conformance-trustless_gateway_car-file-3k-and-3-blocks-missing-block.car")
        #expect(throws: ParseError.self) { try UnixFSReader(cut).file(cut.roots[0], maxBytes: 1 << 20) }
        let dated = try archive("boxo-testdata-unixfs-dir-with-mode-mtime.car")
        #expect(try UnixFSReader(dated).entries(root: dated.roots[0]).count > 1)
    }

    @Test func `OpenZeppelin trees are recomputed from their values`() throws {
        for file in ["simple-v1.sorted.1_0_6", "simple-v1.unsorted.1_0_6", "standard-v1.sorted.1_0_6"] {
            let dump = try CommitmentVectors.json("oz-merkle/\(file).json")
            let tree = try dump["tree"].elements.map { try Digest(hex: $0.text.dropFirst(2)) }
            let values = try dump["values"].elements
            let leaves = Array(tree.suffix(values.count).reversed())
            #expect(OpenZeppelinTree.tree(leaves: leaves) == tree)
            for value in values {
                let index = try value["treeIndex"].number
                if file.hasPrefix("standard") {
                    // ABI encoding of (string): offset, length, bytes padded to 32.
                    let text = try Array(value["value"].elements[0].text.utf8)
                    var encoded = [UInt8](repeating: 0, count: 96)
                    encoded[31] = 32
                    encoded[63] = UInt8(text.count)
                    encoded.replaceSubrange(64..<64 + text.count, with: text)
                    #expect(OpenZeppelinTree.standardLeaf(abiEncoded: encoded) == tree[index])
                }
                let proof = try #require(OpenZeppelinTree.proof(index: index, tree: tree))
                #expect(OpenZeppelinTree.verify(leaf: tree[index], proof: proof, root: tree[0]))
                #expect(!OpenZeppelinTree.verify(leaf: tree[index], proof: proof.dropLast(), root: tree[0]))
                #expect(!OpenZeppelinTree.verify(leaf: tree[index], proof: proof + [.zero], root: tree[0]))
            }
        }
    }
}
