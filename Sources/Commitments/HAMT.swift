// Sharded UnixFS directories (specs.ipfs.tech/unixfs, "HAMT directory"): a tree of dag-pb nodes of 256 slots, each entry at
// the place that the hash of its name gives. Profile `unixfs-v1-2025` wants this form above 262144 bytes of a flat block.
internal import Codecs

/// The shape of a sharded directory.
enum HAMT {
    /// The slots of a node that Assay writes.
    static let fanOut = 256
    /// The multicodec of the hash: murmur3-x64-64, the only one that is in use.
    static let hashCode: UInt64 = 0x22

    /// The hash of a name, most significant bits first.
    static func hash(_ name: String) -> UInt64 { Murmur3.x64(Array(name.utf8)) }

    /// The bits of a hash that one level consumes.
    static func bits(fanOut: Int) -> Int { fanOut.trailingZeroBitCount }

    /// The slot of a hash at a level; `nil` below the last level that the 64 bits reach.
    static func slot(_ hash: UInt64, level: Int, fanOut: Int = fanOut) -> Int? {
        let bits = bits(fanOut: fanOut)
        let end = (level + 1) * bits
        guard end <= 64 else { return nil }
        return Int(hash >> UInt64(64 - end) & UInt64(fanOut - 1))
    }

    /// The digits with which the name of a link in a slot begins: as many as the last slot needs, in upper case.
    static func prefix(_ slot: Int, fanOut: Int = fanOut) -> String {
        let width = String(fanOut - 1, radix: 16).count
        let digits = String(slot, radix: 16, uppercase: true)
        return String(repeating: "0", count: width - digits.count) + digits
    }

    /// The bits of the occupied slots as the node's data has them: big-endian, without leading zero bytes.
    static func bitField(_ slots: some Sequence<Int>, fanOut: Int = fanOut) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: max(1, fanOut / 8))
        for slot in slots { bytes[bytes.count - 1 - slot / 8] |= 1 << UInt8(slot % 8) }
        return Array(bytes.drop { $0 == 0 })
    }

    /// The sharded directory of `links`, whose names are distinct.
    /// - Parameter emit: is told every node, children before parents.
    /// - Returns: `nil` when names share all 64 bits of their hash, which no tree of this form can hold.
    static func directory(
        _ links: [DagPBNode.Link],
        emit: (BlockIdentifier, [UInt8]) -> Void = { _, _ in }
    ) -> UnixFS.Node? {
        node(links.map { (hash($0.name ?? ""), $0) }, level: 0, emit: emit)
    }

    private static func node(
        _ entries: [(hash: UInt64, link: DagPBNode.Link)],
        level: Int,
        emit: (BlockIdentifier, [UInt8]) -> Void
    ) -> UnixFS.Node? {
        var slots: [Int: [(hash: UInt64, link: DagPBNode.Link)]] = [:]
        for entry in entries {
            guard let slot = slot(entry.hash, level: level) else { return nil }
            slots[slot, default: []].append(entry)
        }
        var links: [DagPBNode.Link] = []
        for slot in slots.keys.sorted() {
            let inside = slots[slot] ?? []
            if inside.count == 1 {
                var link = inside[0].link
                link.name = prefix(slot) + (link.name ?? "")
                links.append(link)
            } else {
                guard let child = node(inside, level: level + 1, emit: emit) else { return nil }
                links.append(DagPBNode.Link(target: child.id, name: prefix(slot), totalSize: child.blockBytes))
            }
        }
        let data = UnixFS.FileData(
            kind: .hamtShard,
            content: bitField(slots.keys),
            hashType: hashCode,
            fanOut: UInt64(fanOut)
        )
        let block = DagPBNode(links: links, data: data.bytes).bytes
        let id = BlockIdentifier(codec: .dagPB, block: block)
        emit(id, block)
        let bytes = links.reduce(UInt64(block.count)) { $0 + ($1.totalSize ?? 0) }
        return UnixFS.Node(id: id, fileBytes: 0, blockBytes: bytes)
    }
}

/// MurmurHash3, the 128-bit variant for 64-bit machines with seed 0, of which HAMT directories use the first half.
///
/// It is no cryptographic hash: it spreads names over slots, and a chosen set of names can be made to collide.
enum Murmur3 {
    /// The first 64 bits.
    static func x64(_ bytes: [UInt8]) -> UInt64 {
        let (c1, c2): (UInt64, UInt64) = (0x87c3_7b91_1142_53d5, 0x4cf5_ad43_2745_937f)
        var (h1, h2): (UInt64, UInt64) = (0, 0)
        func word(_ start: Int, _ count: Int) -> UInt64 {
            bytes[start..<start + count].reversed().reduce(0) { $0 << 8 | UInt64($1) }
        }
        let whole = bytes.count / 16 * 16
        for start in stride(from: 0, to: whole, by: 16) {
            h1 ^= rotated(word(start, 8) &* c1, 31) &* c2
            h1 = (rotated(h1, 27) &+ h2) &* 5 &+ 0x52dc_e729
            h2 ^= rotated(word(start + 8, 8) &* c2, 33) &* c1
            h2 = (rotated(h2, 31) &+ h1) &* 5 &+ 0x3849_5ab5
        }
        let tail = bytes.count - whole
        if tail > 8 { h2 ^= rotated(word(whole + 8, tail - 8) &* c2, 33) &* c1 }
        if tail > 0 { h1 ^= rotated(word(whole, min(tail, 8)) &* c1, 31) &* c2 }
        h1 ^= UInt64(bytes.count)
        h2 ^= UInt64(bytes.count)
        h1 &+= h2
        h2 &+= h1
        return mixed(h1) &+ mixed(h2)
    }

    private static func rotated(_ value: UInt64, _ count: UInt64) -> UInt64 { value << count | value >> (64 - count) }

    private static func mixed(_ value: UInt64) -> UInt64 {
        var value = value
        value ^= value >> 33
        value &*= 0xff51_afd7_ed55_8ccd
        value ^= value >> 33
        value &*= 0xc4ce_b9fe_1a85_ec53
        return value ^ value >> 33
    }
}
