// A whole RFC 9162 tree in memory, level by level, so that a proof costs one look-up for each of its hashes.

/// All node hashes of an RFC 9162 tree.
///
/// Level 0 holds the leaf hashes. Node `i` of level `l` is the root over leaves i·2^l up to (i+1)·2^l or the end: the last
/// node of an odd level moves up unchanged, which is the same as RFC 9162's left-full split.
public struct MerkleLevels: MerkleNodes, Sendable {
    private let levels: [[Digest]]

    /// Builds the tree over leaf hashes; about one node hash for each leaf, four at a time.
    public init(leafHashes: [Digest]) {
        var levels = [leafHashes]
        while let below = levels.last, below.count > 1 {
            var level = MerkleTree.nodeHashes(pairs: below)
            if !below.count.isMultiple(of: 2), let last = below.last { level.append(last) }
            levels.append(level)
        }
        self.levels = levels
    }

    /// The number of leaves.
    public var size: UInt64 { UInt64(levels[0].count) }
    /// The root; SHA-256 of nothing for a tree without leaves.
    public var root: Digest { levels[levels.count - 1].first ?? MerkleTree.emptyRoot }

    /// The root of leaves index · 2^level up to (index + 1) · 2^level.
    /// - Precondition: the tree has all of them.
    public func perfectNode(level: Int, index: UInt64) throws(Never) -> Digest {
        levels[level][Int(index)]
    }

    /// The node at `index` of `level`; `nil` when the tree has none.
    public func node(level: Int, index: UInt64) -> Digest? {
        guard levels.indices.contains(level), index < UInt64(levels[level].count) else { return nil }
        return levels[level][Int(index)]
    }

    /// One proof for several leaves: the siblings that cannot be computed from the leaves, by level and then by index.
    /// - Returns: `nil` unless `indices` are strictly increasing, in range and not empty.
    public func multiProof(indices: [UInt64]) -> [Digest]? {
        guard let places = MerkleTree.multiProofPlaces(indices: indices, size: size) else { return nil }
        return places.compactMap { node(level: $0.level, index: $0.index) }
    }
}

extension MerkleTree {
    /// The parents of nodes 0 and 1, 2 and 3, …; a last odd node has none.
    static func nodeHashes(pairs nodes: [Digest]) -> [Digest] {
        let batch = 512
        var result: [Digest] = []
        result.reserveCapacity(nodes.count / 2)
        var messages = [UInt8](repeating: 0, count: 65 * min(batch, nodes.count / 2))
        for start in stride(from: 0, to: nodes.count / 2, by: batch) {
            let count = min(batch, nodes.count / 2 - start)
            messages.withUnsafeMutableBytes { messages in
                for pair in 0..<count {
                    messages[65 * pair] = 0x01
                    for side in 0..<2 {
                        nodes[2 * (start + pair) + side].withUnsafeBytes {
                            UnsafeMutableRawBufferPointer(rebasing: messages[(65 * pair + 1 + 32 * side)...])
                                .copyMemory(from: $0)
                        }
                    }
                }
                result += SHA256.hashMany(UnsafeRawBufferPointer(messages), stride: 65, length: 65, count: count)
            }
        }
        return result
    }

    /// The largest power of two below `count`.
    static func splitPoint(_ count: UInt64) -> UInt64 {
        1 << UInt64(UInt64.bitWidth - 1 - (count - 1).leadingZeroBitCount)
    }

    /// Whether leaves `start` to `end` are a subtree: not empty, and `start` a multiple of the next power of two of the size.
    static func isSubtree(start: UInt64, end: UInt64) -> Bool {
        guard start < end else { return false }
        let size = end - start
        let bits = UInt64(UInt64.bitWidth - (size - 1).leadingZeroBitCount)
        return bits < 64 ? start & (1 << bits - 1) == 0 : start == 0
    }

    /// A perfect subtree: 2^level leaves from index · 2^level on.
    public struct Place: Hashable, Sendable {
        /// The height: 0 for a leaf.
        public var level: Int
        /// The number of such subtrees to its left.
        public var index: UInt64
    }

    /// The fewest perfect subtrees that cover leaves `range`, left to right.
    public static func perfectSubtrees(_ range: Range<UInt64>) -> [Place] {
        var result: [Place] = []
        var position = range.lowerBound
        while position < range.upperBound {
            let fitting = UInt64.bitWidth - 1 - (range.upperBound - position).leadingZeroBitCount
            let level = min(fitting, position == 0 ? 63 : position.trailingZeroBitCount)
            result.append(Place(level: level, index: position >> UInt64(level)))
            position += 1 << UInt64(level)
        }
        return result
    }

    /// The nodes of a multiproof; `nil` unless `indices` are strictly increasing, in range and not empty.
    static func multiProofPlaces(indices: [UInt64], size: UInt64) -> [Place]? {
        guard let last = indices.last, last < size, zip(indices, indices.dropFirst()).allSatisfy(<) else { return nil }
        var places: [Place] = []
        var known = indices
        var width = size
        var level = 0
        while width > 1 {
            var parents: [UInt64] = []
            var position = 0
            while position < known.count {
                let index = known[position]
                let sibling = index ^ 1
                if position + 1 < known.count, known[position + 1] == sibling {
                    position += 1
                } else if sibling < width {
                    places.append(Place(level: level, index: sibling))
                }
                parents.append(index >> 1)
                position += 1
            }
            known = parents
            width = width / 2 + width % 2
            level += 1
        }
        return places
    }
}
