// Reading sharded directories: every entry has to stand where the hash of its name puts it, so that no reader finds another
// entry under a name than this one, and none is hidden.
internal import Codecs

extension UnixFSReader {
    /// The entries of a sharded directory in the order of its tree, with their names.
    func shardEntries(
        _ node: DagPBNode,
        _ data: UnixFS.FileData,
        path: String,
        maxEntries: Int
    ) throws(ParseError) -> [(name: String, target: BlockIdentifier)] {
        guard data.hashType == HAMT.hashCode else {
            throw ParseError(field: path, expected: "names hashed by murmur3-x64-64", actual: "\(data.hashType ?? 0)")
        }
        guard let stated = data.fanOut, let fanOut = Int(exactly: stated), (8...1024).contains(fanOut),
            fanOut.nonzeroBitCount == 1
        else {
            throw ParseError(field: path, expected: "a fan-out from 8 to 1024", actual: "\(data.fanOut ?? 0)")
        }
        var entries: [(name: String, target: BlockIdentifier)] = []
        let shape = ShardShape(fanOut: fanOut, path: path, maxEntries: maxEntries)
        try collect(node, data, shape, above: [], into: &entries)
        return entries
    }

    private struct ShardShape {
        let fanOut: Int
        let path: String
        let maxEntries: Int
    }

    private func collect(
        _ node: DagPBNode,
        _ data: UnixFS.FileData,
        _ shape: ShardShape,
        above: [Int],
        into entries: inout [(name: String, target: BlockIdentifier)]
    ) throws(ParseError) {
        let path = shape.path
        guard data.fanOut == UInt64(shape.fanOut), data.hashType == HAMT.hashCode else {
            throw ParseError(field: path, expected: "shards of one fan-out and hash", actual: "another")
        }
        let width = HAMT.prefix(0, fanOut: shape.fanOut).utf8.count
        var slots: [Int] = []
        for link in node.links {
            let text = link.name ?? ""
            let digits = String(decoding: text.utf8.prefix(width), as: UTF8.self)
            guard let slot = Int(digits, radix: 16), slot < shape.fanOut,
                HAMT.prefix(slot, fanOut: shape.fanOut) == digits
            else {
                throw ParseError(field: path, expected: "a slot number before the name", actual: text)
            }
            guard slots.last.map({ $0 < slot }) ?? true else {
                throw ParseError(field: path, expected: "each slot once, in order", actual: digits)
            }
            slots.append(slot)
            let name = String(decoding: text.utf8.dropFirst(width), as: UTF8.self)
            if name.isEmpty {
                let (child, childData) = try self.node(link.target, path)
                guard childData.kind == .hamtShard else {
                    throw ParseError(field: path, expected: "a shard", actual: "\(childData.kind)")
                }
                guard !child.links.isEmpty, HAMT.slot(0, level: above.count + 1, fanOut: shape.fanOut) != nil else {
                    throw ParseError(field: path, expected: "a shard with entries", actual: "an empty or too deep one")
                }
                try collect(child, childData, shape, above: above + [slot], into: &entries)
                continue
            }
            let hash = HAMT.hash(name)
            let isAtPlace = (above + [slot]).enumerated().allSatisfy {
                HAMT.slot(hash, level: $0, fanOut: shape.fanOut) == $1
            }
            guard isAtPlace else {
                throw ParseError(field: path, expected: "\(name) where its hash puts it", actual: "slot \(digits)")
            }
            guard entries.count < shape.maxEntries else {
                throw ParseError(field: path, expected: "at most \(shape.maxEntries) entries", actual: "more")
            }
            entries.append((name, link.target))
        }
        // Leading zero bytes of the field may stand or not.
        guard Array((data.content ?? []).drop { $0 == 0 }) == HAMT.bitField(slots, fanOut: shape.fanOut) else {
            throw ParseError(field: path, expected: "the bits of the occupied slots", actual: "others")
        }
    }
}
