// Filecoin piece commitments (CommP): FR32 padding, a binary tree of SHA-256 with two bits cleared, and the piece CID.
// Sources: Filecoin specification, "Piece Commitment"; FIP-0069 for the identifier.

/// What Filecoin calls a piece: the root over the padded data and its padded size.
public struct PieceCommitment: Sendable, Equatable {
    /// The root of the piece's tree.
    public let root: Digest
    /// The size of the piece after FR32 padding, a power of two.
    public let paddedSize: UInt64

    /// The piece CID: CIDv1, codec `fil-commitment-unsealed`, multihash `sha2-256-trunc254-padded`.
    public var id: BlockIdentifier {
        BlockIdentifier(version: 1, codec: 0xf101, hash: 0x1012, digest: root.bytes)
    }

    /// The piece CID as text, `baga6ea4seaq…`.
    public var text: String { id.text }
}

/// Computes a piece commitment over data that arrives in pieces.
///
/// The data is padded bit by bit: 254 bits of data, two zero bits. 127 bytes become 128, which is a perfect subtree of four
/// leaves ("quad" here). Data shorter than 65 bytes has no piece commitment.
public struct PieceHasher: Sendable {
    /// Quads hashed in one go, level by level and four messages at a time.
    private static let batch = 64
    private static let batchLevel = 8
    private static let quadLevel = 2

    private var pending: [UInt8] = []
    private var length: UInt64 = 0
    private var quads: UInt64 = 0
    private var stack: [(level: Int, hash: Digest)] = []

    /// Starts an empty piece.
    public init() {}

    /// Appends bytes.
    public mutating func update(_ bytes: UnsafeRawBufferPointer) {
        length += UInt64(bytes.count)
        let wanted = 127 * Self.batch
        var rest = bytes[...]
        if !pending.isEmpty {
            let part = rest.prefix(wanted - pending.count)
            pending += part
            rest = rest.dropFirst(part.count)
            guard pending.count == wanted else { return }
            let full = pending
            pending.removeAll(keepingCapacity: true)
            full.withUnsafeBytes { push(Self.subtree($0), level: Self.batchLevel) }
        }
        while rest.count >= wanted {
            push(Self.subtree(UnsafeRawBufferPointer(rebasing: rest.prefix(wanted))), level: Self.batchLevel)
            rest = rest.dropFirst(wanted)
        }
        pending += rest
    }

    /// Appends bytes.
    public mutating func update(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { update($0) }
    }

    /// The commitment to everything appended so far; `nil` below 65 bytes.
    public func finalized() -> PieceCommitment? {
        guard length >= 65 else { return nil }
        var copy = self
        var tail = copy.pending
        if !tail.count.isMultiple(of: 127) {
            tail += [UInt8](repeating: 0, count: 127 - tail.count % 127)
        }
        tail.withUnsafeBytes { tail in
            for start in stride(from: 0, to: tail.count, by: 127) {
                let quad = UnsafeRawBufferPointer(rebasing: tail[start..<start + 127])
                copy.push(Self.subtree(quad), level: Self.quadLevel)
            }
        }
        // The rest of the piece is zeros, whose subtrees are known level by level.
        guard var (level, node) = copy.stack.popLast() else { return nil }
        while let left = copy.stack.popLast() {
            while level < left.level {
                node = Self.parent(node, Self.zeros(level))
                level += 1
            }
            node = Self.parent(left.hash, node)
            level += 1
        }
        return PieceCommitment(root: node, paddedSize: 32 << UInt64(level))
    }

    private mutating func push(_ hash: Digest, level: Int) {
        var node = (level: level, hash: hash)
        while let top = stack.last, top.level == node.level {
            stack.removeLast()
            node = (top.level + 1, Self.parent(top.hash, node.hash))
        }
        stack.append(node)
    }

    /// The root over whole quads, a power of two of them.
    private static func subtree(_ data: UnsafeRawBufferPointer) -> Digest {
        withUnsafeTemporaryAllocation(byteCount: data.count / 127 * 128, alignment: 16) { nodes in
            for quad in 0..<data.count / 127 {
                pad(
                    UnsafeRawBufferPointer(rebasing: data[127 * quad..<127 * quad + 127]),
                    into: UnsafeMutableRawBufferPointer(rebasing: nodes[128 * quad..<128 * quad + 128])
                )
            }
            var count = nodes.count / 32
            while count > 1 {
                // Each level is written over the one below: message i is read before digest i is stored.
                count /= 2
                SHA256.hashMany(UnsafeRawBufferPointer(nodes), stride: 64, length: 64, count: count, into: nodes)
                for node in 0..<count { nodes[32 * node + 31] &= 0x3f }
            }
            return Digest { $0.copyMemory(from: UnsafeRawBufferPointer(rebasing: nodes[0..<32])) }
        }
    }

    /// FR32: four times 254 bits, each followed by two zero bits, least significant bit first.
    private static func pad(_ quad: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) {
        for part in 0..<4 {
            let first = part == 0 ? 0 : 32 * part - 1
            let shift = UInt8((8 - 2 * part) % 8)
            for byte in 0..<32 {
                let low = quad[first + byte]
                let high = first + byte + 1 < 127 ? quad[first + byte + 1] : 0
                output[32 * part + byte] = shift == 0 ? low : low >> shift | high << (8 - shift)
            }
            output[32 * part + 31] &= 0x3f
        }
    }

    private static func parent(_ left: Digest, _ right: Digest) -> Digest {
        var hash = SHA256()
        hash.update(left)
        hash.update(right)
        let digest = hash.finalized()
        return Digest { output in
            digest.withUnsafeBytes { output.copyMemory(from: $0) }
            output[31] &= 0x3f
        }
    }

    /// The root over 2^level zero leaves.
    private static func zeros(_ level: Int) -> Digest { zeroRoots[level] }
    private static let zeroRoots: [Digest] = (0..<64).reduce(into: [.zero]) { roots, _ in
        roots.append(parent(roots[roots.count - 1], roots[roots.count - 1]))
    }
}
