// Verification of proofs about several leaves at once: ranges, scattered leaves, and subtrees of a growing tree. The number
// of hashes that a statement needs follows from its sizes alone and is compared before anything is hashed.
public import Codecs

extension MerkleTree {
    /// Whether leaf `index` stands in the subtree over leaves `start` to `end` with this `root`.
    ///
    /// Source: draft-ietf-plants-merkle-tree-certs, "Subtree inclusion proofs".
    public static func verifySubtreeInclusion(
        leaf: Digest,
        index: UInt64,
        start: UInt64,
        end: UInt64,
        proof: [Digest],
        root: Digest
    ) -> Bool {
        guard isSubtree(start: start, end: end), index >= start, index < end else { return false }
        return verifyInclusion(leaf: leaf, index: index - start, size: end - start, proof: proof, root: root)
    }

    /// Whether the subtree over leaves `start` to `end` with `subtreeRoot` is part of the tree of `size` leaves with `root`.
    ///
    /// An empty subtree is part of every tree that reaches its place: it needs an empty proof and the root of no leaves.
    /// Source: draft-ietf-plants-merkle-tree-certs, "Subtree consistency proofs".
    public static func verifySubtreeConsistency(
        start: UInt64,
        end: UInt64,
        size: UInt64,
        proof: [Digest],
        subtreeRoot: Digest,
        root: Digest
    ) -> Bool {
        guard start <= end, end <= size else { return false }
        if start == end { return proof.isEmpty && subtreeRoot == emptyRoot }
        guard isSubtree(start: start, end: end) else { return false }
        var first = start
        var last = end - 1
        var border = size - 1
        if last == border {
            while first != last { (first, last, border) = (first >> 1, last >> 1, border >> 1) }
        } else {
            while first != last, last & 1 == 1 { (first, last, border) = (first >> 1, last >> 1, border >> 1) }
        }
        guard proof.count == consistencyCount(first: first, last: last, border: border) else { return false }
        var rest = proof[...]
        var old: Digest
        if first == last {
            old = subtreeRoot
        } else {
            guard let seed = rest.popFirst() else { return false }
            old = seed
        }
        var new = old
        for sibling in rest {
            guard border != 0 else { return false }
            if last & 1 == 1 || last == border {
                if first < last { old = nodeHash(sibling, old) }
                new = nodeHash(sibling, new)
                while last & 1 == 0 { (first, last, border) = (first >> 1, last >> 1, border >> 1) }
            } else {
                new = nodeHash(new, sibling)
            }
            (first, last, border) = (first >> 1, last >> 1, border >> 1)
        }
        return border == 0 && old == subtreeRoot && new == root
    }

    /// How many hashes the loop above takes from its starting point on.
    private static func consistencyCount(first: UInt64, last: UInt64, border: UInt64) -> Int {
        var count = first == last ? 0 : 1
        var (last, border) = (last, border)
        while border != 0 {
            if last & 1 == 1 || last == border {
                let shift = UInt64(last.trailingZeroBitCount)
                (last, border) = (last >> shift, border >> shift)
            }
            count += 1
            (last, border) = (last >> 1, border >> 1)
        }
        return count
    }

    /// Whether `leaves` are the leaf hashes from `start` on in the tree of `size` leaves with this `root`.
    ///
    /// An empty range is refused: it states nothing.
    public static func verifyRange(
        leaves: [Digest],
        start: UInt64,
        size: UInt64,
        proof: [Digest],
        root: Digest
    ) -> Bool {
        rootByRange(leaves: leaves, start: start, size: size, proof: proof) == root
    }

    /// The root that `proof` leads to from a range; `nil` when the range or the number of hashes is wrong.
    static func rootByRange(leaves: [Digest], start: UInt64, size: UInt64, proof: [Digest]) -> Digest? {
        let (end, overflow) = start.addingReportingOverflow(UInt64(leaves.count))
        guard !leaves.isEmpty, !overflow, end <= size else { return nil }
        let left = perfectSubtrees(0..<start)
        let right = perfectSubtrees(end..<size)
        guard proof.count == left.count + right.count else { return nil }
        var stack: [(place: Place, hash: Digest)] = []
        func push(_ place: Place, _ hash: Digest) {
            var node = (place: place, hash: hash)
            while let top = stack.last, top.place.level == node.place.level, node.place.index & 1 == 1 {
                stack.removeLast()
                node.hash = nodeHash(top.hash, node.hash)
                node.place = Place(level: node.place.level + 1, index: node.place.index >> 1)
            }
            stack.append(node)
        }
        for (place, hash) in zip(left, proof) { push(place, hash) }
        for (offset, leaf) in leaves.enumerated() { push(Place(level: 0, index: start + UInt64(offset)), leaf) }
        for (place, hash) in zip(right, proof.dropFirst(left.count)) { push(place, hash) }
        guard var node = stack.popLast()?.hash else { return nil }
        while let left = stack.popLast() { node = nodeHash(left.hash, node) }
        return node
    }

    /// Whether each of `leaves` stands at its index in the tree of `size` leaves with this `root`.
    ///
    /// Refused: no leaves, indices that are not strictly increasing or out of range, and any other number of hashes than the
    /// indices ask for. There is no flag in the proof that says which hash to take next: the indices decide.
    public static func verifyMultiProof(
        leaves: [(index: UInt64, hash: Digest)],
        size: UInt64,
        proof: [Digest],
        root: Digest
    ) -> Bool {
        guard let places = multiProofPlaces(indices: leaves.map(\.index), size: size), places.count == proof.count
        else {
            return false
        }
        var known = leaves
        var rest = proof[...]
        var width = size
        while width > 1 {
            var parents: [(index: UInt64, hash: Digest)] = []
            var position = 0
            while position < known.count {
                let node = known[position]
                var hash = node.hash
                if position + 1 < known.count, known[position + 1].index == node.index ^ 1 {
                    position += 1
                    hash = nodeHash(node.hash, known[position].hash)
                } else if node.index ^ 1 < width {
                    guard let sibling = rest.popFirst() else { return false }
                    hash = node.index & 1 == 0 ? nodeHash(node.hash, sibling) : nodeHash(sibling, node.hash)
                }
                parents.append((node.index >> 1, hash))
                position += 1
            }
            known = parents
            width = width / 2 + width % 2
        }
        return rest.isEmpty && known.count == 1 && known[0].hash == root
    }
}

extension CompactRange {
    /// Takes up a range that was stored or sent.
    /// - Throws: `ParseError` unless there is one hash for each bit set in `size`.
    public init(size: UInt64, hashes: [Digest], field: String = "compactRange") throws(ParseError) {
        guard hashes.count == size.nonzeroBitCount else {
            throw ParseError(
                field: field,
                expected: "\(size.nonzeroBitCount) hashes for \(size) leaves",
                actual: "\(hashes.count)"
            )
        }
        self.init(unchecked: size, hashes: hashes)
    }

    /// Whether this range is the tree with `oldRoot`, and appending `leaves` to it gives `newRoot`.
    ///
    /// This is the proof of an append: at most 64 hashes and the new leaves, without any of the old ones.
    public func verifyAppend(of leaves: [Digest], oldRoot: Digest, newRoot: Digest) -> Bool {
        guard root == oldRoot, size.addingReportingOverflow(UInt64(leaves.count)).overflow == false else {
            return false
        }
        var copy = self
        for leaf in leaves { copy.append(leaf) }
        return copy.root == newRoot
    }
}
