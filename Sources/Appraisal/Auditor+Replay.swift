// The deep audit: the auditor replays the job itself and holds its own verdict against the receipt's.
internal import Codecs
internal import Commitments
internal import Receipts
internal import Replay
internal import Signatures
internal import Verdicts

extension Auditor {
    /// Whether a replay said anything.
    enum ReplayResult {
        case decided
        /// It could not be made: files left out, no device, a crash.
        case undecided
    }

    /// Replays the job and appends checks on outcome and place of the first difference.
    mutating func replay(with runner: any Runner) async -> ReplayResult {
        guard let claim, let execution = file.execution else {
            skip("nothing was executed")
            return .decided
        }
        var files: [String: [UInt8]] = [:]
        for artefact in file.job.spec.replay.artefacts {
            guard let bytes = bundle.members[BundleMember.input(artefact.file)] else {
                skip("\(artefact.file) is not in the bundle")
                return .undecided
            }
            files[artefact.file] = bytes
        }
        let outcome = await runner.run(claim.job.spec.replay, files: files)
        let (replayed, divergence) = ReplayAppraiser.appraise(claim, subject: execution.digest, outcome: outcome)
        // Evidence is judged at the time of the verdict, as it was then; with none, when the job was settled.
        let time = file.verdicts.first?.predicate.at ?? receipt.settledAt
        let appraiser = EvidenceAppraiser(anchors: anchors, time: time)
        let verdict = Verdict.combining(
            [replayed] + appraiser.evidenceVerdicts(claim, execution.digest),
            kind: file.job.spec.evidence.kind,
            subject: execution.digest.text
        )
        guard verdict.outcome != .inconclusive else {
            skip(verdict.checks.last.map(\.actual) ?? "inconclusive")
            return .undecided
        }
        guard receipt.outcome != .inconclusive else {
            skip("the receipt decides nothing; the replay says \(verdict.outcome.rawValue)")
            return .decided
        }
        equal("deep.outcome", receipt.outcome.rawValue, verdict.outcome.rawValue)
        for (index, document) in file.verdicts.enumerated() {
            let statement = document.predicate
            guard trust.validators.contains(statement.validator), statement.verdict.outcome == receipt.outcome else {
                continue
            }
            equal(
                "deep.divergence-\(index)",
                divergence.map(\.description) ?? "none",
                statement.divergence.map(\.description) ?? "none"
            )
        }
        return .decided
    }

    private mutating func skip(_ reason: String) {
        checks.append(Check(id: "deep.outcome", result: .skip, expected: "a replay of the job", actual: reason))
    }
}
