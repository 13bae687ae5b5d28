// How device evidence is bound to a job: devices sign a nonce of 32 bytes and nothing else of their asker's.

internal import Codecs
public import Commitments

extension EvidenceBinding {
    /// The nonce that devices must have signed: SHA-256("assay-gpu-nonce-1\0" ‖ job id ‖ nonce ‖ node key).
    ///
    /// It does not cover the roots, so that devices can be asked before the outputs are there; the processor's report data
    /// names the devices' evidence and covers the roots.
    public var deviceNonce: Digest {
        var hash = SHA256()
        hash.update("assay-gpu-nonce-1\0")
        hash.update(jobID)
        hash.update(nonce)
        hash.update(nodeKey)
        return hash.finalized()
    }
}
