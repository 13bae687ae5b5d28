// What a provider puts into report_data, so that evidence belongs to one job and to nothing else.

public import Commitments

/// The fields that bind evidence to a job.
public struct EvidenceBinding: Sendable, Equatable {
    /// The job's identifier.
    public var jobID: Digest
    /// The verifier's nonce.
    public var nonce: Digest
    /// The commitment to the inputs.
    public var inputRoot: Digest
    /// The commitment to the outputs.
    public var outputRoot: Digest
    /// The node's Ed25519 key.
    public var nodeKey: [UInt8]
    /// The digests of the GPU evidence in the fixed order of the GPUs; empty when the job used none.
    public var gpuEvidence: [Digest]

    /// Names the fields.
    public init(
        jobID: Digest,
        nonce: Digest,
        inputRoot: Digest,
        outputRoot: Digest,
        nodeKey: [UInt8],
        gpuEvidence: [Digest]
    ) {
        self.jobID = jobID
        self.nonce = nonce
        self.inputRoot = inputRoot
        self.outputRoot = outputRoot
        self.nodeKey = nodeKey
        self.gpuEvidence = gpuEvidence
    }

    /// SHA-512("assay-bind-1\0" ‖ job id ‖ nonce ‖ input root ‖ output root ‖ node key ‖ GPU evidence digest), the 64 bytes
    /// of `report_data`.
    ///
    /// The GPU evidence digest is SHA-256(u32be(count) ‖ digest₀ ‖ …): the number and the order of the GPUs are bound too.
    public var reportData: [UInt8] {
        var bytes = Array("assay-bind-1\0".utf8)
        for part in [jobID, nonce, inputRoot, outputRoot] { bytes.append(contentsOf: part.bytes) }
        // A fixed width keeps the concatenation unambiguous.
        precondition(nodeKey.count == 32, "a node key has 32 bytes")
        bytes.append(contentsOf: nodeKey)
        var list = SHA256()
        list.update(bigEndian: UInt32(gpuEvidence.count))
        for digest in gpuEvidence { list.update(digest) }
        bytes.append(contentsOf: list.finalized().bytes)
        return HashAlgorithm.sha512.digest(bytes)
    }
}
