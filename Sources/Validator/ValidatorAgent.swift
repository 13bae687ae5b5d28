// The validator's loop: ask for an execution, judge every kind of evidence that its job asks for, sign a verdict with every
// check. A replay runs in the sandbox.
internal import Appraisal
public import Attestation
public import Codecs
public import Commitments
internal import EngineAPI
public import Logging
public import Receipts
public import Replay
internal import Signatures
internal import Verdicts

/// Where rounds of drand networks come from: the hash of the network and the number of the round in, what a node serves out.
public typealias BeaconSource = @Sendable (_ network: Digest, _ round: UInt64) async -> JSONValue?

/// Judges executions.
public struct ValidatorAgent: Sendable {
    private let session: EngineSession
    private let runner: any Runner
    private let artefacts: ArtefactStore
    private let anchors: TrustAnchors?
    private let beacon: BeaconSource?
    private let software: Software?
    private let log: Logger

    /// Makes an agent.
    /// - Parameters:
    ///   - session: the engine and this validator's key.
    ///   - runner: what executes the jobs again.
    ///   - artefacts: where inputs and outputs are kept.
    ///   - anchors: the roots by which attestation is judged; without them a job that asks for it stays undecided here.
    ///   - beacon: where rounds of drand networks come from; without it only local beacons can decide draws.
    ///   - software: the program that verdicts name.
    public init(
        session: EngineSession,
        runner: any Runner,
        artefacts: ArtefactStore,
        anchors: TrustAnchors? = nil,
        beacon: BeaconSource? = nil,
        software: Software? = nil,
        log: Logger
    ) {
        self.session = session
        self.runner = runner
        self.artefacts = artefacts
        self.anchors = anchors
        self.beacon = beacon
        self.software = software
        self.log = log
    }

    /// Works until the task is cancelled.
    public func run() async {
        var pace = Pace()
        var trouble = Trouble(role: "validator", log: log)
        while !Task.isCancelled {
            do throws(AgentError) {
                let didWork = try await step()
                trouble.end()
                await pace.pause(after: didWork ? .work : .idle)
            } catch {
                guard !Task.isCancelled else { return }
                trouble.note(error)
                await pace.pause(after: .failure)
            }
        }
    }

    /// Asks once for an execution and judges it.
    /// - Returns: whether there was one.
    public func step() async throws(AgentError) -> Bool {
        guard let work = try await session.verification() else { return false }
        let claim = try Claim(work, engine: session.engineKey)
        let draw = try claim.draw()
        let record: BeaconRecord?
        switch await beaconRecord(draw) {
        case .wait: return false
        case .found(let found): record = found
        }
        let files = try await session.files(of: claim.job.sealed, job: work.job, keepingIn: artefacts)
        var outputs: [String: [UInt8]] = [:]
        for output in claim.execution.predicate.outputs {
            outputs[output.slot] = try await session.bytes(output.identity, of: work.job, keepingIn: artefacts)
        }
        let statement = claim.execution.predicate
        let evidence = try await session.evidence(of: statement, job: work.job, keepingIn: artefacts)
        var outcome: RunOutcome?
        let isDrawn = draw.flatMap { draw in record.flatMap { draw.decide($0).isDrawn } }
        if claim.job.sealed.spec.evidence.replay?.scope == .whole || isDrawn == true {
            outcome = await runner.run(claim.work.spec.replay, files: files)
        }
        if case .failed(let failure) = outcome, failure.reason == .cancelled { throw .cancelled }
        if case .completed(let run) = outcome {
            log.info("validator: job \(work.job) was replayed in sandbox \(run.sandbox.level.rawValue)")
        }
        // The verdict says for which time it was found: the same that the statement carries.
        let now = session.clock.now
        let (verdict, divergence) = EvidenceAppraiser(anchors: anchors, time: now).appraise(
            claim.execution,
            ExecutionMaterial(
                job: claim.work,
                trace: claim.trace,
                outputs: outputs,
                files: files,
                evidence: evidence,
                commitment: claim.commitment?.predicate
            ),
            outcome: outcome,
            beacon: record
        )
        let signed = try sign(verdict, divergence, outcome, record, claim, at: now)
        log.info("validator: job \(work.job) is \(verdict.outcome.rawValue)")
        _ = try await session.call { engine throws(EngineError) in
            try await engine.judge(job: work.job, verdict: signed.envelope)
        }
        return true
    }

    private enum Beacon {
        /// It is not due, or not there yet.
        case wait
        /// This one decides; `nil` when nothing is drawn, or nothing can decide.
        case found(BeaconRecord?)
    }

    /// The beacon that decides a draw: the network's round when it can be had and holds, the local seed when the spec allows
    /// it and the round does not come in time.
    private func beaconRecord(_ draw: BeaconDraw?) async -> Beacon {
        guard let draw else { return .found(nil) }
        let local: BeaconRecord? = draw.rule.allowsLocal ? .local : nil
        guard let network = draw.network, let round = draw.round, let dueAt = draw.dueAt else { return .found(local) }
        let now = session.clock.now
        guard now >= dueAt else { return .wait }
        if let value = await beacon?(network, round), draw.decide(.drand(value)).isDrawn != nil {
            return .found(.drand(value))
        }
        guard session.clock.now >= dueAt + BeaconDraw.graceSeconds else { return .wait }
        log.warning("validator: round \(round) of \(network) cannot be had")
        return .found(local)
    }

    private func sign(
        _ verdict: Verdict,
        _ divergence: Divergence?,
        _ outcome: RunOutcome?,
        _ beacon: BeaconRecord?,
        _ claim: Claim,
        at time: Int64
    ) throws(AgentError) -> Signed<VerdictStatement> {
        var run: Execution?
        if case .completed(let execution) = outcome { run = execution }
        do {
            let statement = VerdictStatement(
                jobID: claim.execution.predicate.jobID,
                attempt: claim.execution.predicate.attempt,
                validator: session.key.verifyingKey,
                executionDigest: claim.execution.digest,
                at: time,
                replayed: try run.map { try VerdictStatement.Replayed($0, of: claim.work.spec.replay) },
                divergence: divergence,
                device: run?.device,
                sandbox: run?.sandbox,
                beacon: beacon,
                verdict: verdict,
                software: software
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
    let commitment: Signed<CommitmentStatement>?

    init(_ work: VerificationWork, engine: VerifyingKey) throws(AgentError) {
        job = try LeasedJob(
            LeasedWork(job: work.job, lease: work.lease, order: work.order, spec: work.spec),
            engine: engine,
            node: nil
        )
        do {
            execution = try Signed<ExecutionStatement>(verifying: work.execution, key: job.lease.predicate.node)
            let limits = JSONLimits(bytes: 16 << 20, values: 2_000_000)
            commitment = try work.commitment.map { try Signed(verifying: $0, key: engine) }
            trace = try Trace(try JSONValue(parsing: work.trace, limits: limits), "trace")
        } catch {
            throw .documents("\(error)")
        }
        // A statement about fewer steps than the terms allow is judged against the whole job, and fails there.
        self.work = (try? job.sealed.prefix(steps: execution.predicate.steps)) ?? job.sealed
        guard execution.predicate.jobID.digest == work.job, execution.predicate.leaseDigest == job.lease.digest else {
            throw .documents("execution: expected one under lease \(job.lease.digest), found another")
        }
        guard commitment?.predicate.executionDigest == nil || commitment?.predicate.executionDigest == execution.digest
        else { throw .documents("commitment: expected one to \(execution.digest), found another") }
    }

    /// The draw that decides whether the job is replayed; `nil` when nothing is drawn.
    func draw() throws(AgentError) -> BeaconDraw? {
        guard let rule = job.sealed.spec.evidence.replay?.draw else { return nil }
        guard let commitment else {
            throw .documents("commitment: expected one, because the replay is drawn, found none")
        }
        do throws(ParseError) {
            return try BeaconDraw(rule, commitment: commitment.predicate)
        } catch {
            throw .documents(error.description)
        }
    }
}
