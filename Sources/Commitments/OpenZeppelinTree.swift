// Merkle trees as EVM contracts verify them (OpenZeppelin merkle-tree): Keccak-256, pairs sorted before hashing, leaves hashed
// twice. For settlement on chain only; it proves membership, never a place.

/// Trees and proofs of OpenZeppelin's contracts.
public enum OpenZeppelinTree {
    /// Keccak-256 of Keccak-256 of the ABI-encoded value: no node hash, being over 64 bytes hashed once, can pass for a leaf.
    public static func standardLeaf(abiEncoded value: [UInt8]) -> Digest {
        Keccak.hash(Keccak.hash(value, .keccak256).bytes, .keccak256)
    }

    /// Keccak-256 of the two hashes, the smaller one first.
    public static func nodeHash(_ a: Digest, _ b: Digest) -> Digest {
        Keccak.hash(a < b ? a.bytes + b.bytes : b.bytes + a.bytes, .keccak256)
    }

    /// The tree as an array: the root first, children of node i at 2i + 1 and 2i + 2, leaves last in reverse order.
    /// - Returns: no nodes when there are no leaves.
    public static func tree(leaves: [Digest]) -> [Digest] {
        guard !leaves.isEmpty else { return [] }
        var nodes = [Digest](repeating: .zero, count: leaves.count - 1) + leaves.reversed()
        for index in stride(from: leaves.count - 2, through: 0, by: -1) {
            nodes[index] = nodeHash(nodes[2 * index + 1], nodes[2 * index + 2])
        }
        return nodes
    }

    /// The siblings from node `index` of the array up to the root.
    public static func proof(index: Int, tree: [Digest]) -> [Digest]? {
        guard tree.indices.contains(index), index >= tree.count / 2 else { return nil }
        var proof: [Digest] = []
        var index = index
        while index > 0 {
            proof.append(tree[index.isMultiple(of: 2) ? index - 1 : index + 1])
            index = (index - 1) / 2
        }
        return proof
    }

    /// Whether `leaf` is in the tree with this `root`. Proofs longer than 64 hashes are refused.
    public static func verify(leaf: Digest, proof: [Digest], root: Digest) -> Bool {
        proof.count <= 64 && proof.reduce(leaf, nodeHash) == root
    }
}
