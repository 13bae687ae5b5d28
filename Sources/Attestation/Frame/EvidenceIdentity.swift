// A name for a piece of evidence that nobody can change without the signer's key.

internal import Codecs
public import Commitments

/// The stable identity of evidence: what was signed, and by which key.
///
/// The hash of the evidence bytes is no identity: zeros can be appended, an ECDSA `s` can be replaced by `n − s`, and the
/// same report arrives in several wrappings. The signed span and the serial of the key that vouches for it stay.
public struct EvidenceIdentity: Sendable, Hashable {
    /// SHA-256 of exactly the bytes that are signed.
    public let signedSpan: Digest
    /// The identifier of the certified key, in hexadecimal: issuer-scoped serial, or key digest where there is none.
    public let key: String
    /// SHA-256("assay-evidence-1\0" ‖ kind ‖ 0 ‖ signedSpan ‖ key).
    public let digest: Digest

    /// Makes the identity of evidence of `kind` with this signed span, vouched for by the key named `key`.
    public init(kind: EvidenceKind, signedSpan: Digest, key: some Sequence<UInt8>) {
        self.signedSpan = signedSpan
        self.key = Hex.encode(key)
        var hash = SHA256()
        hash.update("assay-evidence-1\0")
        hash.update(kind.rawValue + "\0")
        hash.update(signedSpan)
        hash.update(self.key)
        digest = hash.finalized()
    }
}
