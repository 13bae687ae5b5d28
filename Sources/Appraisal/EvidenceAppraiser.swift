// From everything that came with an execution to one verdict: each kind of evidence that the spec asks for is judged for
// itself, and `Verdict.combining` puts them together.
public import Attestation
public import Codecs
public import Commitments
public import Receipts
public import Replay
public import Verdicts

/// Everything that an execution statement refers to and an appraiser has at hand.
public struct ExecutionMaterial: Sendable {
    /// What was asked for.
    public var job: SealedJob
    /// The trace that came with the statement.
    public var trace: Trace
    /// The outputs by slot name.
    public var outputs: [String: [UInt8]]
    /// The files of the job folder by path.
    public var files: [String: [UInt8]]
    /// The parts of the evidence by their path.
    public var evidence: [String: [UInt8]]

    /// Gathers what there is.
    public init(
        job: SealedJob,
        trace: Trace,
        outputs: [String: [UInt8]],
        files: [String: [UInt8]] = [:],
        evidence: [String: [UInt8]] = [:]
    ) {
        self.job = job
        self.trace = trace
        self.outputs = outputs
        self.files = files
        self.evidence = evidence
    }
}

/// Judges executions by every kind of evidence that their jobs ask for.
public struct EvidenceAppraiser: Sendable {
    private let trust: AttestationTrust

    /// An appraiser.
    /// - Parameters:
    ///   - anchors: the roots by which attestation is judged; without them it decides nothing about attestation.
    ///   - time: when the evidence is judged, in seconds since 1970.
    public init(anchors: TrustAnchors?, time: Int64) {
        trust = AttestationTrust(anchors: anchors, time: time)
    }

    /// Whether the job has to be executed again for its verdict.
    public static func needsReplay(_ job: SealedJob) -> Bool { job.spec.evidence.replay != nil }

    /// What is wrong with the evidence that a spec asks for, before anything was executed; `nil` when nothing is. It is
    /// the requester's fault.
    /// - Parameter files: the files of the job folder by path.
    public static func fault(in spec: JobSpec, files: [String: [UInt8]]) -> ParseError? {
        for (index, proof) in spec.evidence.proofs {
            if let fault = ProofStatement.fault(in: proof, key: files[proof.key.path]) {
                return fault.within("evidence[\(index)]")
            }
        }
        for (index, attestation) in spec.evidence.attestations {
            if let fault = AttestationAppraiser.fault(in: attestation, policy: files[attestation.policy.path]) {
                return fault.within("evidence[\(index)]")
            }
        }
        return nil
    }

    /// The stable identity of a part of evidence, as a statement has to give it; `nil` for a part that has none.
    /// - Throws: `ParseError` when the part or what it belongs to is malformed.
    public static func identity(
        of bytes: [UInt8],
        part: String,
        _ requirement: EvidenceRequirement,
        files: [String: [UInt8]],
        values: BoundValues
    ) throws(ParseError) -> Digest? {
        switch requirement {
        case .replay: return nil
        case .proof(let proof):
            guard let key = files[proof.key.path] else {
                throw ParseError(field: proof.key.path, expected: "a file", actual: "none")
            }
            return try ProofStatement(proof, key: key, values: values).digest
        case .attestation(let attestation):
            guard let policy = files[attestation.policy.path] else {
                throw ParseError(field: attestation.policy.path, expected: "a file", actual: "none")
            }
            return try AttestationAppraiser.identity(of: bytes, part: part, attestation, policy: policy)
        }
    }

    /// Appraises a claim.
    /// - Parameters:
    ///   - execution: the provider's verified statement.
    ///   - material: what came with it.
    ///   - outcome: how the appraiser's own run of the job ended; `nil` when `needsReplay` asks for none.
    /// - Returns: the verdict, and the first place where claim and run differ.
    public func appraise(
        _ execution: Signed<ExecutionStatement>,
        _ material: ExecutionMaterial,
        outcome: RunOutcome?
    ) -> (verdict: Verdict, divergence: Divergence?) {
        let claim = ExecutionClaim(
            job: material.job,
            statement: execution.predicate,
            subjects: execution.subjects,
            trace: material.trace,
            outputs: material.outputs,
            files: material.files,
            evidence: material.evidence
        )
        let demand = material.job.spec.evidence
        var parts: [Verdict] = []
        var divergence: Divergence?
        if demand.replay != nil {
            let run = outcome ?? .failed(RunFailure(.cancelled, "no run was made"))
            let (verdict, difference) = ReplayAppraiser.appraise(claim, subject: execution.digest, outcome: run)
            parts.append(verdict)
            divergence = difference
        } else {
            parts.append(Self.claimVerdict(claim, execution.digest))
        }
        parts += evidenceVerdicts(claim, execution.digest)
        return (.combining(parts, kind: demand.kind, subject: execution.digest.text), divergence)
    }

    /// The verdicts on what the provider handed over, in the order of the spec.
    func evidenceVerdicts(_ claim: ExecutionClaim, _ subject: Digest) -> [Verdict] {
        claim.job.spec.evidence.requirements.enumerated().compactMap { index, requirement in
            switch requirement {
            case .replay: return nil
            case .proof(let proof):
                return ProofAppraiser.appraise(proof, at: index, of: claim, subject: subject)
            case .attestation(let attestation):
                var appraiser = AttestationAppraiser(attestation, at: index, of: claim, trust, subject: subject)
                return appraiser.verdict()
            }
        }
    }

    /// The verdict on a claim's agreement with itself. It establishes nothing alone: its bound is 1.
    static func claimVerdict(_ claim: ExecutionClaim, _ subject: Digest) -> Verdict {
        .judged(kind: "claim", by: claim.checks(), soundness: .none, assumptions: [], subject: subject.text)
    }
}
