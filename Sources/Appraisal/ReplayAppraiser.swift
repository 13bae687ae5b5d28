// Appraises an execution statement by a replay of the same job: the one place where a run's outcome becomes a verdict.
internal import Commitments
public import Receipts
public import Replay
public import Verdicts

/// The verdict on an execution statement, from the bytes that came with it and a run of the same spec.
public enum ReplayAppraiser {
    /// The kind of verdict that comes out.
    public static let kind = ReplayRequirement.kind
    /// The check that fails when the kernels break the rules.
    static let admission = "replay.admission"

    /// Appraises a claim.
    ///
    /// The outcome follows from public bytes and the run alone:
    /// - the kernels break the rules: `requesterFault`, whatever the provider says;
    /// - the claim contradicts itself or the run: `rejected`;
    /// - there is no run to compare with: `inconclusive`;
    /// - everything agrees, bit for bit: `accepted`, with no error for what was replayed, which is all of it.
    /// - Parameters:
    ///   - job: what was asked for.
    ///   - execution: the provider's verified statement.
    ///   - trace: the trace that came with it.
    ///   - outputs: the outputs that came with it, by slot name.
    ///   - outcome: how the appraiser's own run of `job.spec.replay` ended.
    /// - Returns: the verdict, and the first place where claim and run differ.
    public static func appraise(
        job: SealedJob,
        execution: Signed<ExecutionStatement>,
        trace: Trace,
        outputs: [String: [UInt8]],
        outcome: RunOutcome
    ) -> (verdict: Verdict, divergence: Divergence?) {
        appraise(
            ExecutionClaim(
                job: job,
                statement: execution.predicate,
                subjects: execution.subjects,
                trace: trace,
                outputs: outputs
            ),
            subject: execution.digest,
            outcome: outcome
        )
    }

    static func appraise(
        _ claim: ExecutionClaim,
        subject: Digest,
        outcome: RunOutcome
    ) -> (verdict: Verdict, divergence: Divergence?) {
        var verdict = Verdict(
            kind: kind,
            outcome: .inconclusive,
            fault: .environment,
            soundness: .none,
            assumptions: [assumption(claim.job.spec.replay)],
            checks: claim.checks(),
            subject: subject.text
        )
        var divergence: Divergence?
        switch outcome {
        case .refused(let faults):
            let text = faults.first.map(\.description) ?? "no rule named"
            verdict.checks.append(
                Check(id: admission, result: .fail, expected: "kernels within the rules", actual: text)
            )
            verdict.outcome = .requesterFault
            verdict.fault = .requester
            return (verdict, nil)
        case .failed(let failure):
            verdict.checks.append(
                Check(id: "replay.run", result: .skip, expected: "a completed run", actual: failure.description)
            )
        case .completed(let replayed):
            let admitted = replayed.admission
            verdict.checks.append(
                Check(
                    id: admission,
                    result: .pass,
                    expected: "kernels within the rules, and the stages stated",
                    actual: admitted.summary
                )
            )
            if !admitted.isComplete { verdict.assumptions.append(weakAdmission(admitted)) }
            verdict.cost = Cost(wallMicroseconds: replayed.wallMicroseconds, workUnits: replayed.workUnits)
            divergence = compare(claim, replayed, &verdict.checks)
            verdict.checks.append(
                Check(
                    id: "replay.sandbox",
                    result: .pass,
                    expected: "the level stated",
                    actual: replayed.sandbox.level.rawValue
                )
            )
        }
        if verdict.firstFailure != nil {
            verdict.outcome = .rejected
            verdict.fault = .provider
        } else if case .completed = outcome {
            verdict.outcome = .accepted
            verdict.fault = .none
            verdict.soundness = Soundness(millibits: claim.job.spec.replay.errorMillibits)
        }
        return (verdict, divergence)
    }

    private static func compare(
        _ claim: ExecutionClaim,
        _ replayed: Execution,
        _ checks: inout [Check]
    ) -> Divergence? {
        let spec = claim.job.spec.replay
        if spec.replayClass.isBitExact {
            checks.append(.equal("replay.trace-root", expected: replayed.trace.root, actual: claim.statement.traceRoot))
        } else {
            checks += agreements(claim, replayed)
        }
        let comparison = Comparison.compare(
            claimedTrace: claim.trace,
            claimedOutputs: claim.outputs,
            replayed: replayed,
            spec: spec
        )
        let id = spec.replayClass.isBitExact ? "replay.bits" : "replay.bounds"
        let expected = spec.replayClass.isBitExact ? "every step and output" : "every output within its bound"
        switch comparison {
        case .match:
            let actual = spec.replayClass.isBitExact ? "the same bits" : "every one is"
            checks.append(Check(id: id, result: .pass, expected: expected, actual: actual))
            return nil
        case .mismatch(let divergence):
            checks.append(Check(id: id, result: .fail, expected: expected, actual: divergence.description))
            return divergence
        }
    }

    /// One check for each output of a class with bounds: how much of its bound the claim uses.
    private static func agreements(_ claim: ExecutionClaim, _ replayed: Execution) -> [Check] {
        let spec = claim.job.spec.replay
        let results = OutputAgreement.all(claimedOutputs: claim.outputs, replayed: replayed, spec: spec)
        return zip(spec.agreements, results).map { agreement, result in
            .that(
                "replay.agreement",
                result.isWithin,
                expected: "\(spec.slots[agreement.slot].name): \(agreement.rule.text(slots: spec.slots))",
                actual: "the largest difference is \(result.text) of the bound, \(result.outliers) beyond it"
            )
        }
    }

    /// What rests on the kernels alone when a stage of admission was left out.
    private static func weakAdmission(_ admitted: KernelAdmission) -> Assumption {
        Assumption(
            id: "kernel-admission",
            text: "no kernel does what only the stages of admission that were left out would see: \(admitted.summary)"
        )
    }

    static func assumption(_ spec: ReplaySpec) -> Assumption {
        switch spec.replayClass {
        case .exact: .kernelClassA
        case .integer:
            Assumption(
                id: "kernel-integer",
                text: "the kernels compute with integers only, so every conforming device computes the same bits"
            )
        case .tolerance, .lsh:
            Assumption(
                id: "kernel-calibrated",
                text: "the bounds part honest from altered results: " + (spec.calibration?.statement ?? "no trials")
            )
        }
    }
}
