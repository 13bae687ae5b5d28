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
    /// The engine's commitment statement; `nil` when nothing is drawn.
    public var commitment: CommitmentStatement?

    /// Gathers what there is.
    public init(
        job: SealedJob,
        trace: Trace,
        outputs: [String: [UInt8]],
        files: [String: [UInt8]] = [:],
        evidence: [String: [UInt8]] = [:],
        commitment: CommitmentStatement? = nil
    ) {
        self.job = job
        self.trace = trace
        self.outputs = outputs
        self.files = files
        self.evidence = evidence
        self.commitment = commitment
    }

    /// The claim that `execution` makes about all this.
    func claim(_ execution: Signed<ExecutionStatement>) -> ExecutionClaim {
        ExecutionClaim(
            job: job,
            statement: execution.predicate,
            subjects: execution.subjects,
            trace: trace,
            outputs: outputs,
            files: files,
            evidence: evidence,
            commitment: commitment
        )
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

    /// What is wrong with the evidence that a spec asks for, before anything was executed; `nil` when nothing is. It is
    /// the requester's fault.
    /// - Parameter files: the files of the job folder by path.
    public static func fault(in spec: JobSpec, files: [String: [UInt8]]) -> ParseError? {
        for (index, proof) in spec.evidence.proofs {
            if let fault = ProofStatement.fault(in: proof, key: files[proof.key.path]) {
                return fault.within("evidence[\(index)]")
            }
        }
        if let rule = spec.evidence.replay?.draw {
            do throws(ParseError) {
                _ = try BeaconDraw.chain(rule)
            } catch {
                return error.within("evidence")
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
    ///   - outcome: how the appraiser's own run of the job ended; `nil` when none was asked for.
    ///   - beacon: what decides whether the job had to be replayed, when that is drawn; `nil` when none could be had.
    /// - Returns: the verdict, and the first place where claim and run differ.
    public func appraise(
        _ execution: Signed<ExecutionStatement>,
        _ material: ExecutionMaterial,
        outcome: RunOutcome?,
        beacon: BeaconRecord? = nil
    ) -> (verdict: Verdict, divergence: Divergence?) {
        let claim = material.claim(execution)
        let demand = material.job.spec.evidence
        var parts: [Verdict] = []
        var divergence: Divergence?
        let run = outcome ?? .failed(RunFailure(.cancelled, "no run was made"))
        switch demand.replay?.scope {
        case nil: parts.append(Self.claimVerdict(claim, execution.digest))
        case .whole:
            let (verdict, difference) = ReplayAppraiser.appraise(claim, subject: execution.digest, outcome: run)
            parts.append(verdict)
            divergence = difference
        case .drawn(let rule):
            let (verdict, difference) = Self.drawn(rule, claim, execution.digest, run, beacon)
            parts.append(verdict)
            divergence = difference
        }
        parts += evidenceVerdicts(claim, execution.digest)
        return (.combining(parts, kind: demand.kind, subject: execution.digest.text), divergence)
    }

    /// The verdict on a job whose replay is drawn.
    private static func drawn(
        _ rule: DrawRule,
        _ claim: ExecutionClaim,
        _ subject: Digest,
        _ run: RunOutcome,
        _ beacon: BeaconRecord?
    ) -> (Verdict, Divergence?) {
        guard let commitment = claim.commitment, let beacon,
            let draw = try? BeaconDraw(rule, commitment: commitment)
        else {
            let check = Check(id: "beacon.source", result: .skip, expected: "a beacon", actual: "none could be had")
            return (undecided([check], subject), nil)
        }
        let decision = draw.decide(beacon)
        guard let isDrawn = decision.isDrawn else { return (undecided(decision.checks, subject), nil) }
        guard isDrawn else { return (draw.undrawn(decision, claim, subject: subject), nil) }
        var (verdict, divergence) = ReplayAppraiser.appraise(claim, subject: subject, outcome: run)
        verdict.checks = decision.checks + verdict.checks
        return (verdict, divergence)
    }

    /// Without a beacon nobody knows whether the job had to be replayed.
    private static func undecided(_ checks: [Check], _ subject: Digest) -> Verdict {
        Verdict(
            kind: ReplayRequirement.kind,
            outcome: .inconclusive,
            fault: .environment,
            soundness: .none,
            assumptions: [],
            checks: checks,
            subject: subject.text
        )
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
