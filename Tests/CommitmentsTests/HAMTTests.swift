// Sharded directories: the hash of names, the tree, and every way in which a shard can lie.
import Codecs
import Foundation
import Testing

@testable import Commitments

@Suite struct HAMTTests {
    /// Values of the reference implementation (MurmurHash3_x64_128, seed 0, first 64 bits).
    @Test(
        arguments: [
            ("", 0), ("hello", 0xcbd8_a7b3_41bd_9b02), ("hello, world", 0x342f_ac62_3a5e_bc8e),
            ("19 Jan 2038 at 3:14:07 AM", 0xb89e_5988_b737_affc),
            ("The quick brown fox jumps over the lazy dog.", 0xcd99_481f_9ee9_02c9),
        ] as [(String, UInt64)]
    )
    func `Names are hashed as murmur3 does`(name: String, hash: UInt64) {
        #expect(Murmur3.x64(Array(name.utf8)) == hash)
    }

    private static func links(_ count: Int) -> [DagPBNode.Link] {
        (0..<count).map { index in
            let target = BlockIdentifier(.raw(Array("\(index)".utf8)))
            return DagPBNode.Link(target: target, name: "name-\(index)", totalSize: 1)
        }
    }

    private static func shards(_ count: Int) throws -> (root: BlockIdentifier, blocks: [BlockIdentifier: [UInt8]]) {
        var blocks: [BlockIdentifier: [UInt8]] = [:]
        let node = try #require(HAMT.directory(links(count)) { blocks[$0] = $1 })
        for index in 0..<count {
            let bytes = Array("\(index)".utf8)
            blocks[BlockIdentifier(.raw(bytes))] = bytes
        }
        return (node.id, blocks)
    }

    private static func names(_ root: BlockIdentifier, _ blocks: [BlockIdentifier: [UInt8]]) throws -> [String] {
        try UnixFSReader(blocks: blocks.mapValues { $0[...] }).entries(root: root).map(\.path).sorted()
    }

    @Test(arguments: [0, 1, 2, 255, 256, 257, 5000])
    func `What is sharded reads back`(count: Int) throws {
        let (root, blocks) = try Self.shards(count)
        #expect(try Self.names(root, blocks) == ([""] + Self.links(count).compactMap(\.name)).sorted())
        // The size of a node counts everything below it: 5000 entries of one byte in as many raw blocks.
        let node = try #require(HAMT.directory(Self.links(count)))
        let shardBytes = blocks.filter { $0.key.codec == CID.Codec.dagPB.rawValue }.reduce(0) { $0 + $1.value.count }
        #expect(node.blockBytes == UInt64(shardBytes + count))
    }

    @Test func `The order in which entries come does not matter`() throws {
        let forward = HAMT.directory(Self.links(700))
        #expect(HAMT.directory(Self.links(700).reversed()) == forward)
        #expect(HAMT.directory(Self.links(699)) != forward)
    }

    /// A tree of the root alone, changed in one way.
    private static func expectRefused(_ place: String, change: (inout DagPBNode, inout UnixFS.FileData) -> Void) throws
    {
        let (root, blocks) = try shards(3)
        let bytes = try #require(blocks[root])
        var node = try DagPBNode(parsing: bytes[...])
        var data = try UnixFS.FileData(parsing: node.data ?? [], field: "")
        change(&node, &data)
        node.data = data.bytes
        var changed = blocks
        let id = BlockIdentifier(codec: .dagPB, block: node.bytes)
        changed[id] = node.bytes
        #expect(throws: ParseError.self, "\(place)") { try names(id, changed) }
    }

    @Test func `A shard that lies is refused`() throws {
        try Self.expectRefused("an entry in another slot") { node, data in
            let slot = Int(node.links[0].name?.prefix(2) ?? "", radix: 16) ?? 0
            let other = slot == 0 ? 1 : slot - 1
            node.links[0].name = HAMT.prefix(other) + (node.links[0].name ?? "").dropFirst(2)
            data.content = HAMT.bitField(node.links.compactMap { Int($0.name?.prefix(2) ?? "", radix: 16) })
        }
        try Self.expectRefused("another name in the slot") { node, _ in
            node.links[0].name = (node.links[0].name ?? "") + "x"
        }
        try Self.expectRefused("a bit too many") { _, data in
            data.content = (data.content ?? []).map { $0 | 0x81 }
        }
        try Self.expectRefused("no bits") { _, data in data.content = nil }
        try Self.expectRefused("another hash") { _, data in data.hashType = 0x12 }
        try Self.expectRefused("no hash") { _, data in data.hashType = nil }
        try Self.expectRefused("another fan-out") { _, data in data.fanOut = 255 }
        try Self.expectRefused("a huge fan-out") { _, data in data.fanOut = 1 << 40 }
        try Self.expectRefused("a slot twice") { node, _ in node.links.insert(node.links[0], at: 0) }
        try Self.expectRefused("slots out of order") { node, _ in node.links.reverse() }
        try Self.expectRefused("a lower-case slot number") { node, _ in
            node.links[0].name = "a" + (node.links[0].name ?? "").dropFirst()
        }
        try Self.expectRefused("no slot number") { node, _ in node.links[0].name = "" }
        try Self.expectRefused("a file in place of a shard") { node, _ in
            node.links[0].name = String((node.links[0].name ?? "").prefix(2))
        }
    }

    @Test func `A folder above the limit is sharded, below it stays flat`() throws {
        let path = NSTemporaryDirectory() + "assay-hamt-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: path) }
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        // One link takes 36 bytes of identifier, its name and a few more: these names fill 262144 bytes between 1100 and 1200.
        let stem = String(repeating: "n", count: 180)
        var last: CID?
        for index in 0..<1200 {
            try Data().write(to: URL(fileURLWithPath: "\(path)/\(stem)-\(1000 + index)"))
            guard index == 999 || index == 1199 else { continue }
            let names = try FolderScan.folder(path)
            let links = (0...index).map {
                DagPBNode.Link(target: BlockIdentifier(.raw([])), name: "\(stem)-\(1000 + $0)", totalSize: 0)
            }
            let flat = DagPBNode(links: links, data: UnixFS.FileData(kind: .directory).bytes).bytes
            #expect((flat.count <= UnixFS.maxDirectoryBytes) == (index == 999))
            let expected =
                index == 999
                ? BlockIdentifier(codec: .dagPB, block: flat) : try #require(HAMT.directory(links)).id
            #expect(BlockIdentifier(names.cid) == expected)
            #expect(last != names.cid)
            last = names.cid
        }
    }
}
