// The Merkle tree of RFC 9162 §2.1 (the same as RFC 6962's): left-full splits, leaves and nodes hashed under different
// prefixes, so that a node can never be taken for a leaf and no leaf is ever paired with itself.

/// The hashes of the RFC 9162 tree with SHA-256.
public enum MerkleTree {
    /// SHA-256(0x00 ‖ entry), RFC 9162 §2.1.1.
    public static func leafHash(_ entry: [UInt8]) -> Digest {
        var hash = SHA256()
        hash.update(0x00)
        hash.update(entry)
        return hash.finalized()
    }

    /// SHA-256(0x01 ‖ left ‖ right), RFC 9162 §2.1.1.
    public static func nodeHash(_ left: Digest, _ right: Digest) -> Digest {
        var hash = SHA256()
        withUnsafeTemporaryAllocation(byteCount: 65, alignment: 1) { message in
            message[0] = 0x01
            left.withUnsafeBytes { UnsafeMutableRawBufferPointer(rebasing: message[1..<33]).copyMemory(from: $0) }
            right.withUnsafeBytes { UnsafeMutableRawBufferPointer(rebasing: message[33..<65]).copyMemory(from: $0) }
            hash.update(UnsafeRawBufferPointer(message))
        }
        return hash.finalized()
    }

    /// The root of the tree without leaves: SHA-256 of nothing.
    public static let emptyRoot = SHA256().finalized()

    /// The root over `leaves`, which are leaf hashes.
    public static func root(ofLeafHashes leaves: [Digest]) -> Digest {
        var range = CompactRange()
        for leaf in leaves { range.append(leaf) }
        return range.root
    }

    /// The path from leaf `index` to the root, nearest sibling first (RFC 9162 §2.1.3.1); `nil` for an index out of range.
    public static func inclusionProof(index: Int, leafHashes leaves: [Digest]) -> [Digest]? {
        guard leaves.indices.contains(index) else { return nil }
        return path(index, leaves[...])
    }

    private static func path(_ index: Int, _ leaves: ArraySlice<Digest>) -> [Digest] {
        guard leaves.count > 1 else { return [] }
        let split = leaves.startIndex + splitPoint(leaves.count)
        let position = leaves.startIndex + index
        if position < split {
            return path(index, leaves[..<split]) + [root(ofLeafHashes: Array(leaves[split...]))]
        }
        return path(position - split, leaves[split...]) + [root(ofLeafHashes: Array(leaves[..<split]))]
    }

    /// The proof that the tree of the first `oldSize` leaves is a prefix of the whole (RFC 9162 §2.1.4.1); `nil` when there
    /// is no such prefix. Sizes that are equal, or zero, need no hashes.
    public static func consistencyProof(oldSize: Int, leafHashes leaves: [Digest]) -> [Digest]? {
        guard oldSize >= 0, oldSize <= leaves.count else { return nil }
        if oldSize == 0 || oldSize == leaves.count { return [] }
        return subproof(oldSize, leaves[...], isWhole: true)
    }

    private static func subproof(_ size: Int, _ leaves: ArraySlice<Digest>, isWhole: Bool) -> [Digest] {
        if size == leaves.count { return isWhole ? [] : [root(ofLeafHashes: Array(leaves))] }
        let split = splitPoint(leaves.count)
        let left = leaves[..<(leaves.startIndex + split)]
        let right = leaves[(leaves.startIndex + split)...]
        if size <= split {
            return subproof(size, left, isWhole: isWhole) + [root(ofLeafHashes: Array(right))]
        }
        return subproof(size - split, right, isWhole: false) + [root(ofLeafHashes: Array(left))]
    }

    /// The largest power of two below `count`.
    private static func splitPoint(_ count: Int) -> Int {
        1 << (Int.bitWidth - 1 - (count - 1).leadingZeroBitCount)
    }
}

/// The roots of the perfect subtrees that make up a tree: all that is needed to append (at most 64 hashes).
public struct CompactRange: Sendable, Equatable {
    /// The number of leaves.
    public private(set) var size: UInt64 = 0
    /// Roots of the perfect subtrees, largest (leftmost) first; one for each bit set in `size`.
    public private(set) var hashes: [Digest] = []

    /// The range of no leaves.
    public init() {}

    /// A range whose number of hashes the caller has checked.
    init(unchecked size: UInt64, hashes: [Digest]) {
        self.size = size
        self.hashes = hashes
    }

    /// Appends one leaf hash.
    public mutating func append(_ leaf: Digest) {
        var node = leaf
        var rest = size
        while rest & 1 == 1, let left = hashes.popLast() {
            node = MerkleTree.nodeHash(left, node)
            rest >>= 1
        }
        hashes.append(node)
        size += 1
    }

    /// The root of the tree.
    public var root: Digest {
        guard var node = hashes.last else { return MerkleTree.emptyRoot }
        for left in hashes.dropLast().reversed() { node = MerkleTree.nodeHash(left, node) }
        return node
    }
}
