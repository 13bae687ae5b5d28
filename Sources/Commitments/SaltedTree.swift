// Trees that hide their leaves: each leaf is hashed with a secret salt, so that a path shows nothing about its siblings, even
// when they can be guessed.

/// A commitment to private chunks, each hidden by its own salt.
///
/// Leaf i is SHA-256(0x00 ‖ salt_i ‖ chunk_i). The salts follow from one 32-byte secret; opening a chunk gives away its own
/// salt and nothing about the others.
public struct SaltedTree: Sendable {
    /// The digest that binds suite, chunk size, length and root under a tag of its own.
    public let commitment: Digest
    /// The length of the data in bytes.
    public let length: UInt64
    /// The length in bytes of every chunk but the last.
    public let chunkSize: UInt64
    private let levels: MerkleLevels
    private let secret: Digest

    /// What shows one chunk to somebody who knows the commitment.
    public struct Opening: Sendable, Equatable {
        /// The place of the chunk.
        public var index: UInt64
        /// The salt of its leaf.
        public var salt: Digest
        /// The RFC 9162 inclusion path.
        public var path: [Digest]

        /// An opening from its parts.
        public init(index: UInt64, salt: Digest, path: [Digest]) {
            self.index = index
            self.salt = salt
            self.path = path
        }
    }

    /// Commits to `bytes`.
    /// - Parameter secret: 32 bytes from a random generator, used for this data only and kept for as long as chunks are to be
    ///   opened.
    /// - Precondition: `chunkSize` is positive.
    public init(_ bytes: [UInt8], chunkSize: UInt64 = ArtefactTree.chunkSize, secret: Digest) {
        precondition(chunkSize > 0, "a chunk holds at least one byte")
        var leaves: [Digest] = []
        var offset = 0
        while offset < bytes.count {
            let end = offset + Int(min(UInt64(bytes.count - offset), chunkSize))
            leaves.append(Self.leafHash(salt: Self.salt(secret, UInt64(leaves.count)), chunk: bytes[offset..<end]))
            offset = end
        }
        self.secret = secret
        self.length = UInt64(bytes.count)
        self.chunkSize = chunkSize
        levels = MerkleLevels(leafHashes: leaves)
        commitment = Self.commitment(root: levels.root, length: length, chunkSize: chunkSize)
    }

    /// Opens one chunk; `nil` for an index out of range.
    public func open(_ index: UInt64) -> Opening? {
        levels.inclusionProof(index: index).map { Opening(index: index, salt: Self.salt(secret, index), path: $0) }
    }

    /// Whether `chunk` is the one that `opening` shows in the data that `commitment` names.
    public static func verify(
        chunk: [UInt8],
        opening: Opening,
        length: UInt64,
        chunkSize: UInt64,
        commitment expected: Digest
    ) -> Bool {
        guard let count = ArtefactTree.chunkCount(length: length, chunkSize: chunkSize), opening.index < count,
            UInt64(chunk.count) == min(chunkSize, length - opening.index * chunkSize)
        else { return false }
        let leaf = leafHash(salt: opening.salt, chunk: chunk[...])
        guard let root = MerkleTree.rootByInclusion(leaf: leaf, index: opening.index, size: count, proof: opening.path)
        else { return false }
        return commitment(root: root, length: length, chunkSize: chunkSize) == expected
    }

    /// SHA-256(0x00 ‖ salt ‖ chunk).
    static func leafHash(salt: Digest, chunk: ArraySlice<UInt8>) -> Digest {
        var hash = SHA256()
        hash.update(0x00)
        hash.update(salt)
        hash.update(chunk)
        return hash.finalized()
    }

    /// SHA-256("assay-salt-1\0" ‖ secret ‖ u64be(index)): a message of fixed length, so that no salt extends another.
    private static func salt(_ secret: Digest, _ index: UInt64) -> Digest {
        var hash = SHA256()
        hash.update("assay-salt-1\0")
        hash.update(secret)
        hash.update(bigEndian: index)
        return hash.finalized()
    }

    /// As in `assay-tree-1`, under another tag: a salted leaf can never pass for a plain one.
    private static func commitment(root: Digest, length: UInt64, chunkSize: UInt64) -> Digest {
        var hash = SHA256()
        hash.update("assay-salted-tree-1\0")
        hash.update(HashSuite.sha2_256.rawValue + "\0")
        hash.update(bigEndian: chunkSize)
        hash.update(bigEndian: length)
        hash.update(root)
        return hash.finalized()
    }
}
