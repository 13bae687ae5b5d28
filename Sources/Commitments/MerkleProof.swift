// Verification of RFC 9162 proofs. Sizes, indices and the exact number of proof hashes are checked before anything is hashed.

extension MerkleTree {
    /// Whether `proof` shows that leaf hash `leaf` stands at `index` in the tree of `size` leaves with this `root`
    /// (RFC 9162 §2.1.3.2).
    public static func verifyInclusion(
        leaf: Digest,
        index: UInt64,
        size: UInt64,
        proof: [Digest],
        root: Digest
    ) -> Bool {
        rootByInclusion(leaf: leaf, index: index, size: size, proof: proof) == root
    }

    /// The root that `proof` leads to from `leaf`; `nil` when the index is out of range or the number of hashes is wrong.
    public static func rootByInclusion(leaf: Digest, index: UInt64, size: UInt64, proof: [Digest]) -> Digest? {
        guard index < size else { return nil }
        // Levels at which the leaf's path has a sibling: below the point where it joins the right border all of them,
        // above it only those where the border node is a right child.
        let inner = UInt64.bitWidth - (index ^ (size - 1)).leadingZeroBitCount
        let border = inner == UInt64.bitWidth ? 0 : (index >> UInt64(inner)).nonzeroBitCount
        guard proof.count == inner + border else { return nil }
        var node = leaf
        for (level, sibling) in proof.prefix(inner).enumerated() {
            node = index >> UInt64(level) & 1 == 0 ? nodeHash(node, sibling) : nodeHash(sibling, node)
        }
        for sibling in proof.dropFirst(inner) { node = nodeHash(sibling, node) }
        return node
    }

    /// Whether `proof` shows that the tree of `oldSize` leaves with `oldRoot` is a prefix of the tree of `newSize` leaves with
    /// `newRoot` (RFC 9162 §2.1.4.2).
    ///
    /// Equal sizes need an empty proof and equal roots. From size zero nothing can be shown, so it is refused unless both
    /// sizes are zero and both roots are the empty tree's.
    public static func verifyConsistency(
        oldSize: UInt64,
        newSize: UInt64,
        proof: [Digest],
        oldRoot: Digest,
        newRoot: Digest
    ) -> Bool {
        guard oldSize <= newSize else { return false }
        if oldSize == newSize {
            return proof.isEmpty && oldRoot == newRoot && (oldSize > 0 || oldRoot == emptyRoot)
        }
        guard oldSize > 0 else { return false }
        // The old tree's last perfect subtree is where both paths start; when it is the whole old tree, its root is known.
        let shift = oldSize.trailingZeroBitCount
        let index = (oldSize - 1) >> UInt64(shift)
        let last = (newSize - 1) >> UInt64(shift)
        let inner = UInt64.bitWidth - (index ^ last).leadingZeroBitCount
        let border = inner == UInt64.bitWidth ? 0 : (index >> UInt64(inner)).nonzeroBitCount
        let startsAtOldRoot = index == 0
        guard proof.count == inner + border + (startsAtOldRoot ? 0 : 1) else { return false }
        guard let seed = startsAtOldRoot ? oldRoot : proof.first else { return false }
        let rest = startsAtOldRoot ? proof[...] : proof.dropFirst()
        var old = seed
        var new = seed
        for (level, sibling) in rest.prefix(inner).enumerated() {
            if index >> UInt64(level) & 1 == 0 {
                new = nodeHash(new, sibling)
            } else {
                old = nodeHash(sibling, old)
                new = nodeHash(sibling, new)
            }
        }
        for sibling in rest.dropFirst(inner) {
            old = nodeHash(sibling, old)
            new = nodeHash(sibling, new)
        }
        return old == oldRoot && new == newRoot
    }
}
