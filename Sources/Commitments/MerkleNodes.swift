// Proofs over any tree whose perfect subtrees can be looked up: in memory, in tiles of a log, behind a network.

/// A source of the node hashes of one RFC 9162 tree.
public protocol MerkleNodes<Failure> {
    /// What a look-up can fail with.
    associatedtype Failure: Error
    /// The number of leaves.
    var size: UInt64 { get }
    /// The root of leaves index · 2^level up to (index + 1) · 2^level. It is asked only for subtrees within the tree.
    func perfectNode(level: Int, index: UInt64) throws(Failure) -> Digest
}

extension MerkleNodes {
    /// The root over leaves `from` to `to`, where `from` is a multiple of the power of two at or above their number.
    public func root(from: UInt64, to: UInt64) throws(Failure) -> Digest {
        var nodes: [Digest] = []
        for place in MerkleTree.perfectSubtrees(from..<to) {
            nodes.append(try perfectNode(level: place.level, index: place.index))
        }
        guard var result = nodes.last else { return MerkleTree.emptyRoot }
        for left in nodes.dropLast().reversed() { result = MerkleTree.nodeHash(left, result) }
        return result
    }

    /// The path from leaf `index` to the root, nearest sibling first (RFC 9162 §2.1.3.1); `nil` for an index out of range.
    public func inclusionProof(index: UInt64) throws(Failure) -> [Digest]? {
        size == 0 ? nil : try subtreeInclusionProof(index: index, start: 0, end: size)
    }

    /// The proof that the first `oldSize` leaves are a prefix (RFC 9162 §2.1.4.1); `nil` when they are not all there.
    public func consistencyProof(oldSize: UInt64) throws(Failure) -> [Digest]? {
        oldSize == 0 ? [] : try subtreeConsistencyProof(start: 0, end: oldSize)
    }

    /// The path from leaf `index` to the root of the subtree over leaves `start` to `end`; `nil` for an invalid subtree.
    public func subtreeInclusionProof(index: UInt64, start: UInt64, end: UInt64) throws(Failure) -> [Digest]? {
        guard MerkleTree.isSubtree(start: start, end: end), end <= size, start <= index, index < end else { return nil }
        var proof: [Digest] = []
        var (first, last) = (index - start, end - start - 1)
        var level: UInt64 = 0
        while last > 0 {
            let sibling = first ^ 1
            if sibling <= last {
                let from = start + sibling << level
                proof.append(try root(from: from, to: min(from + 1 << level, end)))
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
    public func subtreeConsistencyProof(start: UInt64, end: UInt64) throws(Failure) -> [Digest]? {
        guard start <= end, end <= size else { return nil }
        if start == end { return [] }
        guard MerkleTree.isSubtree(start: start, end: end) else { return nil }
        return try subproof(start: start, end: end, from: 0, to: size, isWhole: true)
    }

    private func subproof(
        start: UInt64,
        end: UInt64,
        from: UInt64,
        to: UInt64,
        isWhole: Bool
    ) throws(Failure) -> [Digest] {
        if start == from, end == to { return isWhole ? [] : [try root(from: from, to: to)] }
        let split = from + MerkleTree.splitPoint(to - from)
        if end <= split {
            let proof = try subproof(start: start, end: end, from: from, to: split, isWhole: isWhole)
            return proof + [try root(from: split, to: to)]
        }
        let isWithin = start >= split
        let proof = try subproof(
            start: isWithin ? start : split,
            end: end,
            from: split,
            to: to,
            isWhole: isWithin && isWhole
        )
        return proof + [try root(from: from, to: split)]
    }

    /// The hashes beside leaves `range`, left ones first, each the largest perfect subtree that fits; `nil` for an empty range
    /// and one that reaches beyond the tree.
    ///
    /// Source: transparency-dev/merkle, docs/compact_ranges.md.
    public func rangeProof(_ range: Range<UInt64>) throws(Failure) -> [Digest]? {
        guard !range.isEmpty, range.upperBound <= size else { return nil }
        var proof: [Digest] = []
        for part in [0..<range.lowerBound, range.upperBound..<size] {
            for place in MerkleTree.perfectSubtrees(part) {
                proof.append(try perfectNode(level: place.level, index: place.index))
            }
        }
        return proof
    }
}
