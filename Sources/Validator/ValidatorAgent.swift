// The validator's loop: ask for an execution, judge every kind of evidence that its job asks for, sign a verdict with every
// check. A replay runs in the sandbox.
internal import Appraisal
internal import Codecs
internal import Commitments
internal import EngineAPI
public import Logging
internal import Receipts
public import Replay
internal import Signatures
internal import Verdicts

/// Judges executions.
public struct ValidatorAgent: Sendable {
    private let session: EngineSession
    private let runner: any Runner
    private let artefacts: ArtefactStore
    private let log: Logger

    /// Makes an agent.
    /// - Parameters:
    ///   - session: the engine and this validator's key.
    ///   - runner: what executes the jobs again.
    ///   - artefacts: where inputs and outputs are kept.
    public init(session: EngineSession, runner: any Runner, artefacts: ArtefactStore, log: Logger) {
        self.session = session
        self.runner = runner
        self.artefacts = artefacts
        self.log = log
    }

    /// Works until the task is cancelled.
    public func run() async {
        var pace = Pace()
        while !Task.isCancelled {
            do throws(AgentError) {
                await pace.pause(after: try await step() ? .work : .idle)
            } catch {
                guard !Task.isCancelled else { return }
                log.warning("validator: \(error)")
                await pace.pause(after: .failure)
            }
        }
    }

    /// Asks once for an execution and judges it.
    /// - Returns: whether there was one.
    public func step() async throws(AgentError) -> Bool {
        guard let work = try await session.verification() else { return false }
        let claim = try Claim(work, engine: session.engineKey)
        let files = try await session.files(of: claim.job.sealed, job: work.job, keepingIn: artefacts)
        var outputs: [String: [UInt8]] = [:]
        for output in claim.execution.predicate.outputs {
            outputs[output.slot] = try await session.bytes(output.identity, of: work.job, keepingIn: artefacts)
        }
        let statement = claim.execution.predicate
        let evidence = try await session.evidence(of: statement, job: work.job, keepingIn: artefacts)
        var outcome: RunOutcome?
        if EvidenceAppraiser.needsReplay(claim.job.sealed) {
            outcome = await runner.run(claim.work.spec.replay, files: files)
        }
        if case .failed(let failure) = outcome, failure.reason == .cancelled { throw .cancelled }
        if case .completed(let run) = outcome {
            log.info("validator: job \(work.job) was replayed in sandbox \(run.sandbox.level.rawValue)")
        }
        let (verdict, divergence) = EvidenceAppraiser().appraise(
            claim.execution,
            ExecutionMaterial(
                job: claim.work,
                trace: claim.trace,
                outputs: outputs,
                files: files,
                evidence: evidence
            ),
            outcome: outcome
        )
        let signed = try sign(verdict, divergence, outcome, claim)
        log.info("validator: job \(work.job) is \(verdict.outcome.rawValue)")
        _ = try await session.call { engine throws(EngineError) in
            try await engine.judge(job: work.job, verdict: signed.envelope)
        }
        return true
    }

    private func sign(
        _ verdict: Verdict,
        _ divergence: Divergence?,
        _ outcome: RunOutcome?,
        _ claim: Claim
    ) throws(AgentError) -> Signed<VerdictStatement> {
        var run: Execution?
        if case .completed(let execution) = outcome { run = execution }
        do {
            let statement = VerdictStatement(
                jobID: claim.execution.predicate.jobID,
                attempt: claim.execution.predicate.attempt,
                validator: session.key.verifyingKey,
                executionDigest: claim.execution.digest,
                at: session.clock.now,
                replayed: try run.map { try VerdictStatement.Replayed($0, of: claim.work.spec.replay) },
                divergence: divergence,
                device: run?.device,
                sandbox: run?.sandbox,
                verdict: verdict
            )
            return try VerdictStatement.sign(statement, with: session.key)
        } catch {
            throw .documents("\(error)")
        }
    }
}

/// An execution whose documents fit together: a lease by the engine, a statement by the lease's node, the trace it names.
private struct Claim {
    let job: LeasedJob
    /// What the statement says was done: the whole job, or its first steps.
    let work: SealedJob
    let execution: Signed<ExecutionStatement>
    let trace: Trace

    init(_ work: VerificationWork, engine: VerifyingKey) throws(AgentError) {
        job = try LeasedJob(
            LeasedWork(job: work.job, lease: work.lease, order: work.order, spec: work.spec),
            engine: engine,
            node: nil
        )
        do {
            execution = try Signed<ExecutionStatement>(verifying: work.execution, key: job.lease.predicate.node)
            let limits = JSONLimits(bytes: 16 << 20, values: 2_000_000)
            trace = try Trace(try JSONValue(parsing: work.trace, limits: limits), "trace")
        } catch {
            throw .documents("\(error)")
        }
        // A statement about fewer steps than the terms allow is judged against the whole job, and fails there.
        self.work = (try? job.sealed.prefix(steps: execution.predicate.steps)) ?? job.sealed
        guard execution.predicate.jobID.digest == work.job, execution.predicate.leaseDigest == job.lease.digest else {
            throw .documents("execution: expected one under lease \(job.lease.digest), found another")
        }
    }
}
