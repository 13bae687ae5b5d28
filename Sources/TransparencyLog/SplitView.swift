// Split views: a log that shows different trees to different people. Two of its own signed checkpoints are the evidence.
public import Commitments

/// What two checkpoints of one log say together.
public enum ViewComparison: Sendable, Equatable {
    /// They are about different logs, so they say nothing about each other.
    case unrelated
    /// The same tree.
    case same
    /// The smaller is proved to be a prefix of the larger.
    case consistent
    /// The sizes differ and no valid proof was given: nothing is known.
    case unproved
    /// The same size with different roots: the log signed two histories.
    case splitView(size: UInt64)

    /// Compares two checkpoints whose signatures have been checked.
    /// - Parameter proof: the consistency proof from the smaller to the larger, when there is one.
    public static func compare(_ a: Checkpoint, _ b: Checkpoint, proof: [Digest]? = nil) -> ViewComparison {
        guard a.origin == b.origin else { return .unrelated }
        if a.size == b.size { return a.root == b.root ? .same : .splitView(size: a.size) }
        let (old, new) = a.size < b.size ? (a, b) : (b, a)
        if old.size == 0 { return .consistent }
        guard let proof else { return .unproved }
        let isConsistent = MerkleTree.verifyConsistency(
            oldSize: old.size,
            newSize: new.size,
            proof: proof,
            oldRoot: old.root,
            newRoot: new.root
        )
        return isConsistent ? .consistent : .unproved
    }

    /// Compares two checkpoints by the tiles of the larger tree, which are checked against its root first.
    ///
    /// With the tiles a missing proof cannot hide anything: the old root either comes out of them or the log split.
    public static func compare(_ a: Checkpoint, _ b: Checkpoint, tiles: any TileSource) throws(TileError)
        -> ViewComparison
    {
        guard a.origin == b.origin, a.size != b.size else { return compare(a, b) }
        let (old, new) = a.size < b.size ? (a, b) : (b, a)
        let tree = TileTree(size: new.size, source: tiles)
        try tree.checkRoot(new.root)
        return try tree.root(from: 0, to: old.size) == old.root ? .consistent : .splitView(size: old.size)
    }
}
