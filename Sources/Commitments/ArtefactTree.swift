// `assay-tree-1`: the commitment to a file or a buffer. One pass over the data gives the chunk digests; they are at once the
// IPFS raw-leaf digests and the input of the tree's leaves, so that no byte is hashed twice.
public import Codecs

/// What `assay-tree-1` says about one byte string.
public struct ArtefactCommitment: Sendable, Equatable {
    /// SHA-256 of each chunk; empty for an empty artefact.
    public let chunkDigests: [Digest]
    /// The length of the artefact in bytes.
    public let length: UInt64
    /// The length in bytes of every chunk but the last.
    public let chunkSize: UInt64
    /// The RFC 9162 root over the chunks.
    public let treeRoot: Digest
    /// The digest that stands for the artefact: it binds suite, chunk size, length and root.
    public let commitment: Digest

    /// Rebuilds the commitment from chunk digests.
    /// - Throws: `ParseError` when the number of digests is not the one that `length` and `chunkSize` ask for.
    public init(chunkDigests: [Digest], length: UInt64, chunkSize: UInt64) throws(ParseError) {
        guard chunkSize <= 1 << 30, let count = ArtefactTree.chunkCount(length: length, chunkSize: chunkSize) else {
            throw ParseError(field: "chunkSize", expected: "1 to 2^30 bytes", actual: "\(chunkSize)")
        }
        guard UInt64(chunkDigests.count) == count else {
            throw ParseError(field: "chunks", expected: "\(count) digests", actual: "\(chunkDigests.count)")
        }
        self.init(trusted: chunkDigests, length: length, chunkSize: chunkSize)
    }

    /// A commitment whose number of digests the caller has made sure of.
    init(trusted chunkDigests: [Digest], length: UInt64, chunkSize: UInt64) {
        self.chunkDigests = chunkDigests
        self.length = length
        self.chunkSize = chunkSize
        var range = CompactRange()
        for index in chunkDigests.indices {
            let leafLength = min(chunkSize, length - UInt64(index) * chunkSize)
            range.append(ArtefactTree.leafHash(chunkDigests[index], length: leafLength))
        }
        treeRoot = range.root
        commitment = ArtefactTree.commitment(root: treeRoot, length: length, chunkSize: chunkSize)
    }

    /// The leaf hashes of the tree, for proofs.
    public var leafHashes: [Digest] {
        chunkDigests.enumerated().map { index, digest in
            ArtefactTree.leafHash(digest, length: chunkLength(index))
        }
    }

    /// The length of chunk `index` in bytes.
    public func chunkLength(_ index: Int) -> UInt64 {
        min(chunkSize, length - UInt64(index) * chunkSize)
    }

    /// The chunks that hold `bytes`; `nil` for an empty range or one that reaches beyond the end.
    public func chunks(holding bytes: Range<UInt64>) -> Range<UInt64>? {
        guard !bytes.isEmpty, bytes.upperBound <= length else { return nil }
        return bytes.lowerBound / chunkSize..<(bytes.upperBound - 1) / chunkSize + 1
    }

    /// The hashes that show a range of chunks: see `ArtefactTree.verifyRange`.
    public func rangeProof(_ chunks: Range<UInt64>) -> [Digest]? {
        MerkleLevels(leafHashes: leafHashes).rangeProof(chunks)
    }

    /// The IPFS identifier of the artefact under profile `unixfs-v1-2025`; `nil` when the chunks are not of 1 MiB.
    public var cid: CID? {
        chunkSize == ArtefactTree.chunkSize ? UnixFS.fileCID(chunkDigests: chunkDigests, length: length) : nil
    }
}

/// The tree `assay-tree-1` over chunks of a byte string.
public enum ArtefactTree {
    /// The chunk size of artefacts: 1 MiB, which is also the chunk size of the IPFS profile `unixfs-v1-2025`.
    public static let chunkSize: UInt64 = 1 << 20

    /// How many chunks `length` bytes make; `nil` for a chunk size of zero.
    static func chunkCount(length: UInt64, chunkSize: UInt64) -> UInt64? {
        chunkSize > 0 ? length / chunkSize + (length % chunkSize == 0 ? 0 : 1) : nil
    }

    /// SHA-256(0x00 ‖ d ‖ u64be(length)) for a chunk with digest d.
    public static func leafHash(_ chunkDigest: Digest, length: UInt64) -> Digest {
        var hash = SHA256()
        hash.update(0x00)
        hash.update(chunkDigest)
        hash.update(bigEndian: length)
        return hash.finalized()
    }

    /// SHA-256("assay-tree-1\0" ‖ suite ‖ 0 ‖ u64be(chunk size) ‖ u64be(total) ‖ root).
    public static func commitment(root: Digest, length: UInt64, chunkSize: UInt64) -> Digest {
        var hash = SHA256()
        hash.update("assay-tree-1\0")
        hash.update(HashSuite.sha2_256.rawValue + "\0")
        hash.update(bigEndian: chunkSize)
        hash.update(bigEndian: length)
        hash.update(root)
        return hash.finalized()
    }

    /// Commits to `bytes`.
    /// - Precondition: `chunkSize` is positive.
    public static func commit(_ bytes: [UInt8], chunkSize: UInt64 = chunkSize) -> ArtefactCommitment {
        var builder = ArtefactBuilder(chunkSize: chunkSize)
        builder.update(bytes[...])
        return builder.finalized()
    }

    /// Whether `bytes` are the chunks from `firstChunk` on of the artefact that `commitment` names.
    ///
    /// A range read takes whole chunks: the reader cuts what it wanted out of them once they are verified.
    /// - Parameter proof: what `ArtefactCommitment.rangeProof(_:)` gives for the same chunks.
    public static func verifyRange(
        _ bytes: [UInt8],
        firstChunk: UInt64,
        length: UInt64,
        chunkSize: UInt64,
        proof: [Digest],
        commitment expected: Digest
    ) -> Bool {
        guard chunkSize <= 1 << 30, let count = chunkCount(length: length, chunkSize: chunkSize), firstChunk < count,
            !bytes.isEmpty
        else { return false }
        let start = firstChunk * chunkSize
        let (end, overflow) = start.addingReportingOverflow(UInt64(bytes.count))
        guard !overflow, end == length || (end < length && end % chunkSize == 0) else { return false }
        let part = commit(bytes, chunkSize: chunkSize)
        guard
            let root = MerkleTree.rootByRange(
                leaves: part.leafHashes,
                start: firstChunk,
                size: count,
                proof: proof
            )
        else { return false }
        return commitment(root: root, length: length, chunkSize: chunkSize) == expected
    }

    /// Whether `chunk` stands at `index` in the artefact that `commitment` names, by an RFC 9162 inclusion path.
    public static func verify(
        chunk: [UInt8],
        index: UInt64,
        length: UInt64,
        chunkSize: UInt64,
        path: [Digest],
        commitment expected: Digest
    ) -> Bool {
        guard let count = chunkCount(length: length, chunkSize: chunkSize), index < count else { return false }
        guard UInt64(chunk.count) == min(chunkSize, length - index * chunkSize) else { return false }
        let leaf = leafHash(SHA256.hash(chunk), length: UInt64(chunk.count))
        guard let root = MerkleTree.rootByInclusion(leaf: leaf, index: index, size: count, proof: path) else {
            return false
        }
        return commitment(root: root, length: length, chunkSize: chunkSize) == expected
    }
}

/// Commits to a byte string that arrives in pieces; holds one hash state and the chunk digests.
public struct ArtefactBuilder: Sendable {
    private let chunkSize: UInt64
    private var digests: [Digest] = []
    private var chunk = SHA256()
    private var chunkLength: UInt64 = 0
    private var length: UInt64 = 0

    /// Starts an empty artefact.
    /// - Precondition: `chunkSize` is positive.
    public init(chunkSize: UInt64 = ArtefactTree.chunkSize) {
        precondition(chunkSize > 0, "a chunk holds at least one byte")
        self.chunkSize = chunkSize
    }

    /// Appends bytes.
    public mutating func update(_ bytes: ArraySlice<UInt8>) {
        bytes.withUnsafeBytes { update($0) }
    }

    /// Appends bytes.
    public mutating func update(_ bytes: UnsafeRawBufferPointer) {
        var rest = bytes[...]
        while !rest.isEmpty {
            if chunkLength == 0, UInt64(rest.count) >= chunkSize {
                // Whole chunks side by side: several streams share the processor's pipeline.
                let whole = Int(min(UInt64(rest.count) / chunkSize, 64))
                let part = UnsafeRawBufferPointer(rebasing: rest.prefix(whole * Int(chunkSize)))
                digests += SHA256.hashMany(part, stride: Int(chunkSize), length: Int(chunkSize), count: whole)
                length += UInt64(part.count)
                rest = rest.dropFirst(part.count)
                continue
            }
            let part = rest.prefix(Int(min(UInt64(rest.count), chunkSize - chunkLength)))
            chunk.update(UnsafeRawBufferPointer(rebasing: part))
            chunkLength += UInt64(part.count)
            length += UInt64(part.count)
            rest = rest.dropFirst(part.count)
            if chunkLength == chunkSize { closeChunk() }
        }
    }

    private mutating func closeChunk() {
        digests.append(chunk.finalized())
        chunk = SHA256()
        chunkLength = 0
    }

    /// The commitment to everything appended so far.
    public func finalized() -> ArtefactCommitment {
        var copy = self
        if copy.chunkLength > 0 { copy.closeChunk() }
        return ArtefactCommitment(trusted: copy.digests, length: copy.length, chunkSize: chunkSize)
    }
}
