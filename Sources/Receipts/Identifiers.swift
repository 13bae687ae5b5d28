// The names that follow from what they name: a job's from its requester, nonce and spec, an account's from its owner, an
// artefact's from its bytes.
public import Codecs
public import Commitments
public import Signatures

/// Names a job: SHA-256("assay-job-1\0" ‖ requester key ‖ nonce ‖ spec bytes).
///
/// Keys of the two algorithms differ in length by one byte. No two orders meet for that: the spec of one would have to be the
/// other's without its first byte, and a spec begins with a brace and not with a quotation mark.
public struct JobID: Hashable, Sendable, CustomStringConvertible {
    /// The 32 bytes.
    public let digest: Digest

    /// The number of bytes of a nonce.
    public static let nonceBytes = 32

    /// Takes a digest that is known to be a job's name.
    public init(_ digest: Digest) {
        self.digest = digest
    }

    /// The name of the job that `requester` orders with `nonce` and a sealed spec of these bytes.
    /// - Throws: `ParseError` unless `nonce` has 32 bytes.
    public init(requester: VerifyingKey, nonce: [UInt8], spec: [UInt8]) throws(ParseError) {
        guard nonce.count == Self.nonceBytes else {
            throw ParseError(field: "nonce", expected: "\(Self.nonceBytes) bytes", actual: "\(nonce.count) bytes")
        }
        var hash = SHA256()
        hash.update("assay-job-1\0")
        hash.update(requester.bytes)
        hash.update(nonce)
        hash.update(spec)
        digest = hash.finalized()
    }

    /// Reads 64 lower-case hexadecimal digits.
    public init(text: some StringProtocol, field: @autoclosure () -> String = "jobId") throws(ParseError) {
        digest = try Digest(hex: text, field: field())
    }

    /// The bytes in hexadecimal.
    public var text: String { digest.hex }
    public var description: String { text }
}

/// Names a ledger account in a document, without the ledger: 16 bytes as 32 hexadecimal digits.
public struct AccountName: Hashable, Sendable, CustomStringConvertible {
    /// 32 lower-case hexadecimal digits.
    public let text: String
    public var description: String { text }

    /// Reads 32 lower-case hexadecimal digits.
    public init(text: String, field: @autoclosure () -> String = "account") throws(ParseError) {
        _ = try Hex.decode(text, count: 16, field: field())
        self.text = text
    }

    /// The first 16 bytes of SHA-256("assay-account-1\0" ‖ currency ‖ 0 ‖ purpose ‖ 0 ‖ owner): the ledger's own rule, so
    /// that an auditor without the ledger sees that money went to the account of the key that the receipt names.
    public init(currency: String, purpose: Purpose, owner: VerifyingKey) {
        var hash = SHA256()
        hash.update("assay-account-1\0")
        hash.update(currency + "\0")
        hash.update(purpose.rawValue + "\0")
        hash.update(owner.bytes)
        text = Hex.encode(hash.finalized().bytes.prefix(16))
    }

    /// What an account is for.
    public enum Purpose: String, Sendable, CaseIterable {
        /// A requester's prepaid money.
        case payer
        /// A provider's earnings.
        case provider
        /// A validator's earnings.
        case validator
        /// The engine's fees.
        case fee
        /// The engine's own money.
        case treasury
    }
}

/// The name and length of a byte string: what documents say about an input or output.
public struct ArtefactIdentity: Sendable, Hashable {
    /// The IPFS identifier under profile `unixfs-v1-2025`.
    public var cid: CID
    /// The length in bytes.
    public var byteCount: UInt64

    /// Takes an identity that somebody states.
    public init(cid: CID, byteCount: UInt64) {
        self.cid = cid
        self.byteCount = byteCount
    }

    /// The identity of `bytes`.
    public init(of bytes: [UInt8]) {
        var builder = ArtefactBuilder()
        builder.update(bytes[...])
        let commitment = builder.finalized()
        cid = UnixFS.fileCID(chunkDigests: commitment.chunkDigests, length: commitment.length)
        byteCount = commitment.length
    }

    /// The RFC 9162 root over leaf entries `cid.bytes ‖ u64be(byteCount)`.
    public static func root(of artefacts: [ArtefactIdentity]) -> Digest {
        MerkleTree.root(
            ofLeafHashes: artefacts.map { artefact in
                var entry = artefact.cid.bytes
                entry.appendBigEndian(artefact.byteCount)
                return MerkleTree.leafHash(entry)
            }
        )
    }
}
