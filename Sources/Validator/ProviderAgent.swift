internal import Codecs
internal import Commitments
// The provider's loop: ask for work, run it in the sandbox, bind to the result, hand it over.
public import EngineAPI
public import Logging
internal import Market
public import Receipts
public import Replay
public import Signatures

/// What a node offers.
public struct NodeOffer: Sendable, Equatable {
    public var deviceKind: DeviceDescription.Kind
    /// The device's memory in bytes.
    public var memoryBytes: UInt64
    /// The price in minor units per million work units.
    public var askPerMegaUnit: UInt64

    /// Makes an offer.
    public init(deviceKind: DeviceDescription.Kind, memoryBytes: UInt64, askPerMegaUnit: UInt64) {
        self.deviceKind = deviceKind
        self.memoryBytes = memoryBytes
        self.askPerMegaUnit = askPerMegaUnit
    }
}

/// Runs jobs for money.
///
/// A signed execution is kept on disk before it is sent: a node that crashed sends the same statement again, never a
/// second one for the same attempt.
public struct ProviderAgent: Sendable {
    private let session: EngineSession
    private let runner: any Runner
    private let offer: NodeOffer
    private let results: ResultFolder
    private let artefacts: ArtefactStore
    private let log: Logger

    /// Makes an agent.
    /// - Parameters:
    ///   - session: the engine and this node's key.
    ///   - runner: what executes the jobs.
    ///   - results: where signed executions are kept until the engine has everything.
    ///   - artefacts: where inputs and outputs are kept.
    public init(
        session: EngineSession,
        runner: any Runner,
        offer: NodeOffer,
        results: ResultFolder,
        artefacts: ArtefactStore,
        log: Logger
    ) {
        self.session = session
        self.runner = runner
        self.offer = offer
        self.results = results
        self.artefacts = artefacts
        self.log = log
    }

    /// Works until the task is cancelled.
    public func run() async {
        var pace = Pace()
        var isRegistered = false
        while !Task.isCancelled {
            do throws(AgentError) {
                if !isRegistered {
                    try await register()
                    isRegistered = true
                }
                let worked = try await step()
                await pace.pause(after: worked ? .work : .idle)
            } catch {
                log.warning("provider: \(error)")
                // An engine that lost its memory of this node is told again who is there.
                isRegistered = false
                await pace.pause(after: .failure)
            }
        }
    }

    /// Tells the engine what this node offers.
    func register() async throws(AgentError) {
        _ = try await session.node(
            .register(
                deviceType: offer.deviceKind,
                memoryBytes: offer.memoryBytes,
                askPerMegaUnit: offer.askPerMegaUnit
            )
        )
    }

    /// Asks once for work and does it.
    /// - Returns: whether there was work.
    func step() async throws(AgentError) -> Bool {
        guard let work = try await session.node(.poll) else {
            results.removeAll()
            return false
        }
        let job = try LeasedJob(work, engine: session.engineKey, node: session.key.verifyingKey)
        if let kept = try results.read(job: work.job, attempt: job.lease.predicate.attempt) {
            try await hand(kept, over: work.job)
            return true
        }
        log.info("provider: running job \(work.job) attempt \(job.lease.predicate.attempt)")
        let files = try await session.files(of: job.sealed, job: work.job, keepingIn: artefacts)
        let startedAt = session.clock.now
        switch await runner.run(job.sealed.spec.replay, files: files) {
        case .completed(let execution):
            let result = try sign(execution, of: job, startedAt: startedAt)
            try results.write(result, job: work.job, attempt: job.lease.predicate.attempt)
            try await hand(result, over: work.job)
        case .refused(let faults):
            try await abandon(job, "the kernels break a rule: \(faults.map(\.description).joined(separator: "; "))")
        case .failed(let failure):
            try await abandon(job, failure.description)
        }
        return true
    }

    private func abandon(_ job: LeasedJob, _ reason: String) async throws(AgentError) {
        log.warning("provider: giving job \(job.id) back: \(reason)")
        _ = try await session.node(
            .abandon(job: job.id, attempt: job.lease.predicate.attempt, reason: String(reason.prefix(1000)))
        )
    }

    /// Signs what came out of a run.
    private func sign(
        _ execution: Execution,
        of job: LeasedJob,
        startedAt: Int64
    ) throws(AgentError) -> NodeResult {
        let spec = job.sealed.spec.replay
        var outputs: [ExecutionStatement.Output] = []
        var subjects: [[UInt8]] = []
        var bytesByCID: [(cid: CID, bytes: [UInt8])] = []
        for index in spec.outputSlots {
            let slot = spec.slots[index].name
            guard let bytes = execution.outputs[slot] else {
                throw .documents("the runner gave no bytes for output '\(slot)'")
            }
            let identity = ArtefactIdentity(of: bytes)
            outputs.append(ExecutionStatement.Output(slot: slot, identity: identity))
            subjects.append(bytes)
            bytesByCID.append((identity.cid, bytes))
        }
        let lease = job.lease
        let statement = ExecutionStatement(
            jobID: lease.predicate.jobID,
            attempt: lease.predicate.attempt,
            epoch: lease.predicate.epoch,
            leaseDigest: lease.digest,
            node: session.key.verifyingKey,
            inputRoot: job.sealed.inputRoot,
            outputRoot: ArtefactIdentity.root(of: outputs.map(\.identity)),
            traceRoot: execution.trace.root,
            steps: Int64(execution.trace.leaves.count),
            meter: ExecutionStatement.Meter(
                workUnits: execution.workUnits,
                wallMicroseconds: execution.wallMicroseconds
            ),
            device: execution.device,
            sandbox: execution.sandbox,
            outputs: outputs,
            startedAt: startedAt,
            finishedAt: session.clock.now
        )
        do throws(DocumentError) {
            let digests = Dictionary(
                zip(outputs.map(\.slot), subjects.map { SHA256.hash($0) })
            ) { first, _ in first }
            let signed = try Signed<ExecutionStatement>.sign(
                statement,
                subjects: outputs.map { Subject(name: $0.slot, digest: digests[$0.slot] ?? .zero) },
                with: session.key
            )
            for (cid, bytes) in bytesByCID { try keep(bytes, cid) }
            return NodeResult(
                execution: signed.envelope,
                trace: execution.trace.json.serialized(),
                outputs: outputs.map(\.identity.cid)
            )
        } catch {
            throw .documents(error.description)
        }
    }

    private func keep(_ bytes: [UInt8], _ cid: CID) throws(DocumentError) {
        do throws(ArtefactStoreError) {
            try artefacts.put(bytes, cid: cid)
        } catch {
            throw .malformed(
                ParseError(field: "outputs", expected: "a folder that takes the output", actual: "\(error)")
            )
        }
    }

    /// Binds to a result and uploads what the engine still misses.
    private func hand(_ result: NodeResult, over job: Digest) async throws(AgentError) {
        var view = try await session.call { engine throws(EngineError) in
            try await engine.commit(job: job, execution: result.execution, trace: result.trace)
        }
        for cid in result.outputs where view.missing.contains(cid) {
            guard let bytes = try session.read(cid, from: artefacts) else {
                throw .documents("the output \(cid) is gone from the artefact folder")
            }
            view = try await session.call { engine throws(EngineError) in
                try await engine.putOutput(job: job, cid: cid, bytes: bytes)
            }
        }
    }
}
