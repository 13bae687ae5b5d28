// What a validator's verdict comes to when everything in it that needs no execution is judged again. The engine asks before
// it pays, the auditor afterwards.
public import Attestation
internal import Codecs
internal import Commitments
public import Receipts
internal import Replay
public import Verdicts

/// A verdict statement against the bytes that it is about.
public struct VerdictRecheck: Sendable {
    /// The verdicts on the evidence that the provider handed over, judged again, in the order of the spec.
    public let evidence: [Verdict]
    /// What the statement must say, each as a check with an id below `verdict.`.
    public let checks: [Check]
    /// Whether something that judging again needs is not at hand here; then the outcome is a skipped check.
    public let isUndecided: Bool

    /// Judges again.
    /// - Parameters:
    ///   - statement: what the validator says.
    ///   - execution: the statement that it is about.
    ///   - material: what came with that; what is missing leaves its part open.
    ///   - anchors: the roots by which attestation is judged, at the time that the statement gives.
    public init(
        _ statement: VerdictStatement,
        of execution: Signed<ExecutionStatement>,
        _ material: ExecutionMaterial,
        anchors: TrustAnchors?
    ) {
        self.init(statement, material.claim(execution), execution.digest, anchors)
    }

    init(_ statement: VerdictStatement, _ claim: ExecutionClaim, _ subject: Digest, _ anchors: TrustAnchors?) {
        let demand = claim.job.spec.evidence
        evidence = EvidenceAppraiser(anchors: anchors, time: statement.at).evidenceVerdicts(claim, subject)
        let parts = [Self.claimed(statement, claim)] + evidence
        let combined = Verdict.combining(parts, kind: demand.kind, subject: subject.text)
        let stated = statement.verdict
        let lacking = evidence.first { $0.outcome == .inconclusive && $0.fault == .validator }
        isUndecided = lacking != nil && stated.outcome != .inconclusive
        var checks: [Check] = [.equal("verdict.kind", expected: demand.kind, actual: stated.kind)]
        if isUndecided, let open = lacking?.checks.last(where: { $0.result == .skip }) {
            checks.append(
                Check(
                    id: "verdict.outcome",
                    result: .skip,
                    expected: open.expected,
                    actual: "\(open.id): \(open.actual)"
                )
            )
        } else {
            checks.append(
                .equal("verdict.outcome", expected: combined.outcome.rawValue, actual: stated.outcome.rawValue)
            )
        }
        if combined.outcome == .accepted {
            checks.append(
                .equal("verdict.soundness", expected: combined.soundness.text, actual: stated.soundness.text)
            )
        }
        let isReplayed = Self.needsReplay(statement, claim)
        if isReplayed == false {
            checks.append(
                .that(
                    "verdict.replayed",
                    statement.replayed == nil && statement.divergence == nil,
                    expected: "nothing of a replay, which nobody asked for",
                    actual: statement.replayed == nil && statement.divergence == nil ? "nothing" : "a replay's results"
                )
            )
        }
        self.checks = checks
    }

    /// Whether the job had to be replayed; `nil` when the beacon that would decide does not hold.
    private static func needsReplay(_ statement: VerdictStatement, _ claim: ExecutionClaim) -> Bool? {
        switch claim.job.spec.evidence.replay?.scope {
        case nil: false
        case .whole: true
        case .drawn: decision(statement, claim)?.decision.isDrawn
        }
    }

    private static func decision(
        _ statement: VerdictStatement,
        _ claim: ExecutionClaim
    ) -> (draw: BeaconDraw, decision: BeaconDraw.Decision)? {
        guard let rule = claim.job.spec.evidence.replay?.draw, let commitment = claim.commitment,
            let record = statement.beacon, let draw = try? BeaconDraw(rule, commitment: commitment)
        else { return nil }
        return (draw, draw.decide(record))
    }

    /// What the statement itself says about the claim and its replay, which only another run could judge again.
    private static func claimed(_ statement: VerdictStatement, _ claim: ExecutionClaim) -> Verdict {
        let failed = statement.verdict.checks.filter { check in
            check.result == .fail && !check.id.hasPrefix("evidence-") && !check.id.hasPrefix("beacon.")
        }
        let roots = statement.replayed
        let spec = claim.job.spec.replay
        let agrees =
            statement.divergence == nil && roots != nil
            && (!spec.replayClass.isBitExact
                || (roots?.outputRoot == claim.statement.outputRoot && roots?.traceRoot == claim.statement.traceRoot))
        var soundness = Soundness.none
        var assumptions: [Assumption] = []
        let outcome: Outcome
        if failed.contains(where: { $0.id == ReplayAppraiser.admission }) {
            outcome = .requesterFault
        } else if !failed.isEmpty {
            outcome = .rejected
        } else {
            switch needsReplay(statement, claim) {
            case true?:
                outcome = agrees ? .accepted : .inconclusive
                soundness = Soundness(millibits: spec.errorMillibits)
                assumptions = [ReplayAppraiser.assumption(spec)]
            case false?:
                outcome = .accepted
                if let (draw, decision) = decision(statement, claim) {
                    soundness = BeaconDraw.soundness(perMillion: draw.rule.perMillion)
                    assumptions = decision.assumptions
                }
            case nil: outcome = .inconclusive
            }
        }
        return Verdict(
            kind: ReplayAppraiser.kind,
            outcome: outcome,
            fault: .none,
            soundness: outcome == .accepted ? soundness : .none,
            assumptions: assumptions,
            checks: [],
            subject: statement.verdict.subject
        )
    }
}
