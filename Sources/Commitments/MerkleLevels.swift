// A whole RFC 9162 tree in memory, level by level, so that a proof costs one look-up for each of its hashes.

/// All node hashes of an RFC 9162 tree.
///
/// Level 0 holds the leaf hashes. Node `i` of level `l` is the root over leaves i·2^l up to (i+1)·2^l or the end: the last
/// node of an odd level moves up unchanged, which is the same as RFC 9162's left-full split.
public struct MerkleLevels: Sendable {
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

    /// The node at `index` of `level`; `nil` when the tree has none.
    public func node(level: Int, index: UInt64) -> Digest? {
        guard levels.indices.contains(level), index < UInt64(levels[level].count) else { return nil }
        return levels[level][Int(index)]
    }

    /// The path from leaf `index` to the root, nearest sibling first (RFC 9162 §2.1.3.1); `nil` for an index out of range.
    public func inclusionProof(index: UInt64) -> [Digest]? {
        guard index < size else { return nil }
        return levels.indices.dropLast().compactMap { level in
            node(level: level, index: (index >> UInt64(level)) ^ 1)
        }
    }

    /// The proof that the first `oldSize` leaves are a prefix (RFC 9162 §2.1.4.1); `nil` when they are not all there.
    public func consistencyProof(oldSize: UInt64) -> [Digest]? {
        oldSize == 0 ? [] : subtreeConsistencyProof(start: 0, end: oldSize)
    }

    /// The path from leaf `index` to the root of the subtree over leaves `start` to `end`; `nil` for an invalid subtree.
    public func subtreeInclusionProof(index: UInt64, start: UInt64, end: UInt64) -> [Digest]? {
        guard MerkleTree.isSubtree(start: start, end: end), end <= size, start <= index, index < end else { return nil }
        var proof: [Digest] = []
        var (first, last) = (index - start, end - start - 1)
        var level: UInt64 = 0
        while last > 0 {
            let sibling = first ^ 1
            if sibling <= last {
                let from = start + sibling << level
                proof.append(root(from: from, to: min(from + 1 << level, end)))
            }
            first >>= 1
            last >>= 1
            level += 1
        }
        return proof
    }

    /// The proof that the subtree over leaves `start` to `end` is part of this tree; `nil` for an invalid subtree.
    ///
    /// Source: draft-ietf-plants-merkle-tree-certs, "Subtree consistency proofs".
    public func subtreeConsistencyProof(start: UInt64, end: UInt64) -> [Digest]? {
        guard start <= end, end <= size else { return nil }
        if start == end { return [] }
        guard MerkleTree.isSubtree(start: start, end: end) else { return nil }
        return subproof(start: start, end: end, from: 0, to: size, isWhole: true)
    }

    private func subproof(start: UInt64, end: UInt64, from: UInt64, to: UInt64, isWhole: Bool) -> [Digest] {
        if start == from, end == to { return isWhole ? [] : [root(from: from, to: to)] }
        let split = from + MerkleTree.splitPoint(to - from)
        if end <= split {
            return subproof(start: start, end: end, from: from, to: split, isWhole: isWhole) + [
                root(from: split, to: to)
            ]
        }
        if start >= split {
            return subproof(start: start, end: end, from: split, to: to, isWhole: isWhole) + [
                root(from: from, to: split)
            ]
        }
        return subproof(start: split, end: end, from: split, to: to, isWhole: false) + [root(from: from, to: split)]
    }

    /// The hashes beside leaves `range`, left ones first, each the largest perfect subtree that fits.
    ///
    /// Source: transparency-dev/merkle, docs/compact_ranges.md.
    public func rangeProof(_ range: Range<UInt64>) -> [Digest]? {
        guard !range.isEmpty, range.upperBound <= size else { return nil }
        let tiles = MerkleTree.tiles(0..<range.lowerBound) + MerkleTree.tiles(range.upperBound..<size)
        return tiles.compactMap { node(level: $0.level, index: $0.index) }
    }

    /// One proof for several leaves: the siblings that cannot be computed from the leaves, by level and then by index.
    /// - Returns: `nil` unless `indices` are strictly increasing, in range and not empty.
    public func multiProof(indices: [UInt64]) -> [Digest]? {
        guard let places = MerkleTree.multiProofPlaces(indices: indices, size: size) else { return nil }
        return places.compactMap { node(level: $0.level, index: $0.index) }
    }

    /// The root over leaves `from` to `to`, where `from` is a multiple of every perfect subtree within.
    private func root(from: UInt64, to: UInt64) -> Digest {
        let nodes = MerkleTree.tiles(from..<to).compactMap { node(level: $0.level, index: $0.index) }
        guard var result = nodes.last else { return MerkleTree.emptyRoot }
        for left in nodes.dropLast().reversed() { result = MerkleTree.nodeHash(left, result) }
        return result
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
    struct Place: Equatable {
        var level: Int
        var index: UInt64
    }

    /// The fewest perfect subtrees that cover `range`, left to right.
    static func tiles(_ range: Range<UInt64>) -> [Place] {
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
