// What a validator's verdict comes to when everything in it that needs no execution is judged again. The engine asks before
// it pays, the auditor afterwards.
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
    public init(
        _ statement: VerdictStatement,
        of execution: Signed<ExecutionStatement>,
        _ material: ExecutionMaterial
    ) {
        self.init(
            statement,
            ExecutionClaim(
                job: material.job,
                statement: execution.predicate,
                subjects: execution.subjects,
                trace: material.trace,
                outputs: material.outputs,
                files: material.files,
                evidence: material.evidence
            ),
            execution.digest
        )
    }

    init(_ statement: VerdictStatement, _ claim: ExecutionClaim, _ subject: Digest) {
        let demand = claim.job.spec.evidence
        evidence = EvidenceAppraiser().evidenceVerdicts(claim, subject)
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
        if demand.replay == nil {
            checks.append(
                .that(
                    "verdict.replayed",
                    statement.replayed == nil && statement.divergence == nil,
                    expected: "nothing of a replay, which the spec does not ask for",
                    actual: statement.replayed == nil && statement.divergence == nil ? "nothing" : "a replay's results"
                )
            )
        }
        self.checks = checks
    }

    /// What the statement itself says about the claim and its replay, which only another run could judge again.
    private static func claimed(_ statement: VerdictStatement, _ claim: ExecutionClaim) -> Verdict {
        let failed = statement.verdict.checks.filter { $0.result == .fail && !$0.id.hasPrefix("evidence-") }
        let roots = statement.replayed
        let replay = claim.job.spec.replay
        // Where bounds are held the validator's own run has roots of its own.
        let hasSameRoots =
            roots?.outputRoot == claim.statement.outputRoot && roots?.traceRoot == claim.statement.traceRoot
        let agrees = statement.divergence == nil && roots != nil && (hasSameRoots || !replay.replayClass.isBitExact)
        let needsReplay = claim.job.spec.evidence.replay != nil
        let outcome: Outcome
        if failed.contains(where: { $0.id == ReplayAppraiser.admission }) {
            outcome = .requesterFault
        } else if !failed.isEmpty {
            outcome = .rejected
        } else {
            outcome = agrees || !needsReplay ? .accepted : .inconclusive
        }
        return Verdict(
            kind: ReplayAppraiser.kind,
            outcome: outcome,
            fault: .none,
            soundness: outcome == .accepted && needsReplay
                ? Soundness(millibits: replay.errorMillibits) : .none,
            assumptions: needsReplay ? [ReplayAppraiser.assumption(replay)] : [],
            checks: [],
            subject: statement.verdict.subject
        )
    }
}
