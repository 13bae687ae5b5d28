// The validators' verdicts: each for itself, then whether enough of those whom the auditor trusts agree.
internal import Codecs
internal import Commitments
internal import Receipts
internal import Replay
internal import Signatures
internal import Verdicts

extension Auditor {
    /// Every verdict and the quorum.
    mutating func checkVerdicts() {
        var validatorsByOutcome: [Outcome: Set<VerifyingKey>] = [:]
        for (index, document) in file.verdicts.enumerated() {
            let before = checks.count
            checkVerdict(index, document)
            let holds = !checks[before...].contains { $0.result == .fail }
            let statement = document.predicate
            guard trust.validators.contains(statement.validator) else {
                checks.append(
                    Check(
                        id: "verdict-\(index).validator",
                        result: .skip,
                        expected: "a validator of the trust file",
                        actual: "\(statement.validator) is not one and does not count"
                    )
                )
                continue
            }
            // Distinct keys count, not signatures, and only verdicts whose every reference holds.
            if holds { validatorsByOutcome[statement.verdict.outcome, default: []].insert(statement.validator) }
        }
        let agreeing = validatorsByOutcome[receipt.outcome]?.count ?? 0
        let losesBond = receipt.settlement.bond.map { $0.slashed > 0 } ?? false
        switch receipt.outcome {
        case .accepted, .rejected,
            .requesterFault where receipt.outcome != .requesterFault || losesBond:
            that(
                "verdict.quorum",
                agreeing >= trust.quorum,
                expected: "\(trust.quorum) trusted validators for \(receipt.outcome.rawValue)",
                actual: "\(agreeing)"
            )
        case .requesterFault, .inconclusive:
            checks.append(
                Check(
                    id: "verdict.quorum",
                    result: .skip,
                    actual: "\(receipt.outcome.rawValue) moves no money; \(agreeing) trusted validators say so"
                )
            )
        }
        let unpaid = isUnpaidWithGang
        let dissent = Outcome.allCases.first {
            $0 != receipt.outcome && !(unpaid && $0 == .accepted)
                && (validatorsByOutcome[$0]?.count ?? 0) >= trust.quorum
        }
        that(
            "verdict.dissent",
            dissent == nil,
            expected: "no quorum for another outcome than \(receipt.outcome.rawValue)",
            actual: dissent.map(\.rawValue) ?? "none"
        )
        checkFault()
    }

    /// The fault that the receipt names fits its outcome.
    private mutating func checkFault() {
        let allowed: [Fault]
        switch receipt.outcome {
        case .accepted: allowed = [.none]
        case .rejected: allowed = [.provider]
        case .requesterFault: allowed = [.requester]
        case .inconclusive: allowed = [.none, .environment, .validator, .provider, .engine]
        }
        that(
            "receipt.fault",
            allowed.contains(receipt.fault),
            expected: allowed.map(\.rawValue).joined(separator: " or ") + " for \(receipt.outcome.rawValue)",
            actual: receipt.fault.rawValue
        )
    }

    private mutating func checkVerdict(_ index: Int, _ document: UnverifiedDocument<VerdictStatement>) {
        let id = "verdict-\(index)"
        let statement = document.predicate
        let execution = file.execution?.digest ?? .zero
        signature(id, of: document)
        equal(id + ".digest", receipt.verdictDigests[index], document.digest)
        subject(id, "execution", execution, of: document.subjects)
        equal(id + ".job-id", receipt.jobID, statement.jobID)
        equal(id + ".attempt", receipt.attempt, statement.attempt)
        equal(id + ".execution", execution, statement.executionDigest)
        equal(id + ".verdict-subject", execution.text, statement.verdict.subject)
        equal(id + ".kind", file.job.spec.evidence.kind, statement.verdict.kind)
        let flaw = flaw(of: statement)
        that(
            id + ".consistency",
            flaw == nil,
            expected: "roots, divergence and checks that fit \(statement.verdict.outcome.rawValue)",
            actual: flaw ?? "they fit"
        )
        // A verdict that needed nothing but a whole replay is judged by `flaw` alone.
        let demand = file.job.spec.evidence
        guard demand.hasParts || demand.replay?.draw != nil, let claim else { return }
        let again = VerdictRecheck(statement, claim, execution, anchors)
        if again.isUndecided, trust.validators.contains(statement.validator) { isUndecided = true }
        // The lines are those of the first verdict's time; a later verdict at another time has to come to the same outcome.
        if index == 0 { checks += again.evidence.flatMap(\.checks).map(weighed) }
        checks += again.checks.map { check in
            var copy = check
            copy.id = id + check.id.dropFirst("verdict".count)
            return copy
        }
    }

    /// Why a verdict does not fit what it says it found; `nil` when it does.
    private func flaw(of statement: VerdictStatement) -> String? {
        let claim = file.execution?.predicate
        switch statement.verdict.outcome {
        case .accepted:
            if statement.divergence != nil { return "accepted with a divergence" }
            // Without a replay, or with a drawn one, `VerdictRecheck` computes what there must be.
            guard file.job.spec.evidence.replay?.scope == .whole else { return nil }
            guard let roots = statement.replayed else { return "accepted without a replay" }
            let replay = file.job.spec.replay
            if statement.verdict.soundness != Soundness(millibits: replay.errorMillibits) {
                return "accepted with an error of \(statement.verdict.soundness.text)"
            }
            // Where bounds are held the validator's own run has roots of its own.
            guard replay.replayClass.isBitExact else { return nil }
            if roots.outputRoot != claim?.outputRoot { return "another output root than the one accepted" }
            if roots.traceRoot != claim?.traceRoot { return "another trace root than the one accepted" }
        case .rejected:
            if statement.verdict.firstFailure == nil { return "rejected without a failed check" }
            if statement.verdict.fault != .provider { return "rejected, and not the provider's fault" }
        case .requesterFault:
            if statement.verdict.firstFailure == nil { return "a requester's fault without a failed check" }
        case .inconclusive:
            if statement.divergence != nil { return "inconclusive with a divergence" }
        }
        return nil
    }
}
