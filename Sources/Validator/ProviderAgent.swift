// The provider's loop: ask for work, run it in the sandbox, bind to the result, hand it over.
internal import Codecs
internal import Commitments
internal import EngineAPI
public import Logging
public import Receipts
public import Replay
internal import Signatures

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

/// What a node says about itself in its statements.
public struct NodeIdentity: Sendable, Equatable {
    /// The program that it runs.
    public var software: Software?
    /// Its licence and operator.
    public var declared: NodeDeclaration?
    /// Folders of the node whose paths are left out of the logs of runs.
    public var hiddenPaths: [String]

    /// Makes an identity; without arguments one that says nothing.
    public init(software: Software? = nil, declared: NodeDeclaration? = nil, hiddenPaths: [String] = []) {
        self.software = software
        self.declared = declared
        self.hiddenPaths = hiddenPaths
    }
}

/// Runs jobs for money.
///
/// A signed execution is kept on disk before it is sent: a node that crashed sends the same statement again, never a
/// second one for the same attempt.
public struct ProviderAgent: Sendable {
    let session: EngineSession
    let runner: any Runner
    private let offer: NodeOffer
    private let results: ResultFolder
    private let artefacts: ArtefactStore
    private let producer: (any EvidenceProducer)?
    private let identity: NodeIdentity
    let log: Logger

    /// Makes an agent.
    /// - Parameters:
    ///   - session: the engine and this node's key.
    ///   - runner: what executes the jobs.
    ///   - producer: what makes evidence for jobs that ask the provider for some; without it such jobs are given back.
    ///   - results: where signed executions are kept until the engine has everything.
    ///   - artefacts: where inputs and outputs are kept.
    ///   - identity: what statements say about this node.
    public init(
        session: EngineSession,
        runner: any Runner,
        offer: NodeOffer,
        results: ResultFolder,
        artefacts: ArtefactStore,
        producer: (any EvidenceProducer)? = nil,
        identity: NodeIdentity = NodeIdentity(),
        log: Logger
    ) {
        self.session = session
        self.runner = runner
        self.producer = producer
        self.identity = identity
        self.offer = offer
        self.results = results
        self.artefacts = artefacts
        self.log = log
    }

    /// Works until the task is cancelled.
    public func run() async {
        var pace = Pace()
        var trouble = Trouble(role: "provider", log: log)
        var isRegistered = false
        while !Task.isCancelled {
            do throws(AgentError) {
                if !isRegistered {
                    try await register()
                    isRegistered = true
                }
                let didWork = try await step()
                trouble.end()
                await pace.pause(after: didWork ? .work : .idle)
            } catch {
                guard !Task.isCancelled else { return }
                trouble.note(error)
                // An engine that does not know this node any more is told again who is there.
                isRegistered = false
                await pace.pause(after: .failure)
            }
        }
    }

    /// Tells the engine what this node offers.
    public func register() async throws(AgentError) {
        _ = try await session.node(
            .register(
                deviceType: offer.deviceKind.rawValue,
                memoryBytes: offer.memoryBytes,
                askPerMegaUnit: offer.askPerMegaUnit
            )
        )
    }

    /// Asks once for work and does it.
    /// - Returns: whether there was work.
    public func step() async throws(AgentError) -> Bool {
        guard let work = try await session.node(.poll) else {
            try results.removeAll()
            return false
        }
        let job = try LeasedJob(work, engine: session.engineKey, node: session.key.verifyingKey)
        if let kept = try results.read(job: work.job, attempt: job.lease.predicate.attempt),
            isResult(kept, under: job.lease)
        {
            try await hand(kept, over: work.job)
            return true
        }
        if job.sealed.spec.evidence.hasParts, producer == nil {
            try await abandon(job, "this node makes no evidence of kind \(job.sealed.spec.evidence.kind)")
            return true
        }
        log.info("provider: running job \(work.job), attempt \(job.lease.predicate.attempt)")
        let files = try await session.files(of: job.sealed, job: work.job, keepingIn: artefacts)
        guard job.sealed.spec.terms.allowsPrefix else {
            switch await run(job.sealed, job, files, startedAt: session.clock.now) {
            case .success(let result): try await deliver(result, of: job)
            case .failure(let reason): try await giveUp(job, reason)
            }
            return true
        }
        try await runInStages(job, files)
        return true
    }

    /// Why there is no result.
    enum NoResult: Error {
        case refused(String)
        case failed(RunFailure)
        case unsigned(AgentError)
    }

    /// Runs the job, or the beginning of it, and signs what came out.
    func run(
        _ sealed: SealedJob,
        _ job: LeasedJob,
        _ files: [String: [UInt8]],
        startedAt: Int64
    ) async -> Result<NodeResult, NoResult> {
        switch await runner.run(sealed.spec.replay, files: files) {
        case .completed(let execution):
            log.info("provider: job \(job.id) ran in sandbox \(execution.sandbox.level.rawValue)")
            let evidence: [String: [UInt8]]
            do throws(RunFailure) {
                evidence = try await self.evidence(for: execution, of: job, files)
            } catch {
                guard error.reason != .cancelled else { return .failure(.failed(error)) }
                return .failure(.refused("no evidence: \(error.description)"))
            }
            do throws(AgentError) {
                return .success(
                    try sign(execution, evidence, of: sealed, under: job.lease, files, startedAt: startedAt)
                )
            } catch {
                return .failure(.unsigned(error))
            }
        case .refused(let faults):
            let rules = faults.map(\.description).joined(separator: "; ")
            return .failure(.refused("a kernel breaks a rule: " + rules))
        case .failed(let failure): return .failure(.failed(failure))
        }
    }

    /// Keeps a result on the disk, then hands it over.
    func deliver(_ result: NodeResult, of job: LeasedJob) async throws(AgentError) {
        try results.write(result, job: job.id, attempt: job.lease.predicate.attempt)
        try await hand(result, over: job.id)
    }

    /// Gives the lease back for want of a result.
    func giveUp(_ job: LeasedJob, _ reason: NoResult) async throws(AgentError) {
        switch reason {
        case .refused(let text): try await abandon(job, text)
        case .failed(let failure):
            guard failure.reason != .cancelled else { throw .cancelled }
            try await abandon(job, failure.description)
        case .unsigned(let error): throw error
        }
    }

    /// Whether a result that was kept is one under this very lease: an engine that lost a lease in a crash may have granted
    /// the attempt anew.
    private func isResult(_ kept: NodeResult, under lease: Signed<Lease>) -> Bool {
        let statement = try? Signed<ExecutionStatement>(verifying: kept.execution, key: session.key.verifyingKey)
        return statement?.predicate.leaseDigest == lease.digest
    }

    func abandon(_ job: LeasedJob, _ reason: String) async throws(AgentError) {
        log.warning("provider: giving job \(job.id) back: \(reason)")
        _ = try await session.node(
            .abandon(
                job: JobID(job.id),
                attempt: job.lease.predicate.attempt,
                // At most four bytes a scalar, and 512 in all.
                reason: String(String.UnicodeScalarView(reason.unicodeScalars.prefix(128)))
            )
        )
    }

    /// What the spec asks the provider to hand over beside the outputs of a run.
    private func evidence(
        for execution: Execution,
        of job: LeasedJob,
        _ files: [String: [UInt8]]
    ) async throws(RunFailure) -> [String: [UInt8]] {
        guard let producer, job.sealed.spec.evidence.hasParts else { return [:] }
        let statement: ExecutionStatement
        do throws(ParseError) {
            statement = try ExecutionStatement(
                reporting: execution,
                of: job.sealed,
                under: job.lease,
                startedAt: 0,
                finishedAt: 0
            )
        } catch {
            throw RunFailure(.protocolViolation, error.description)
        }
        let task = EvidenceTask(
            job: job.sealed,
            values: BoundValues(statement),
            files: files,
            outputs: execution.outputs
        )
        let parts = try await producer.evidence(for: task)
        log.info("provider: job \(job.id) has \(parts.count) parts of evidence")
        return parts
    }

    /// Signs what came out of a run and keeps outputs and evidence.
    private func sign(
        _ execution: Execution,
        _ evidence: [String: [UInt8]],
        of sealed: SealedJob,
        under lease: Signed<Lease>,
        _ files: [String: [UInt8]],
        startedAt: Int64
    ) throws(AgentError) -> NodeResult {
        let signed: Signed<ExecutionStatement>
        let runLog: RunLog
        do {
            var statement = try ExecutionStatement(
                reporting: execution,
                of: sealed,
                under: lease,
                startedAt: startedAt,
                finishedAt: session.clock.now
            )
            let task = EvidenceTask(
                job: sealed,
                values: BoundValues(statement),
                files: files,
                outputs: execution.outputs
            )
            statement.evidence = try EvidencePart.describing(evidence, of: task)
            statement.software = identity.software
            statement.declared = identity.declared
            runLog = RunLog(reporting: execution, as: statement, hiding: identity.hiddenPaths)
            statement.log = runLog.reference
            signed = try ExecutionStatement.sign(statement, outputs: execution.outputs, with: session.key)
        } catch {
            throw .documents("\(error)")
        }
        let parts = signed.predicate.evidence.map { ($0.file.cid, evidence[$0.path] ?? []) }
        let outputs = signed.predicate.outputs.map { ($0.identity.cid, execution.outputs[$0.slot] ?? []) }
        let results = outputs + parts + [(runLog.reference.file.cid, runLog.bytes)]
        for (cid, bytes) in results {
            try AgentError.wrap { () throws(StorageError) in try artefacts.put(bytes, cid: cid) }
        }
        return NodeResult(
            execution: signed.envelope,
            trace: execution.trace.json.serialized(),
            outputs: results.map(\.0),
            workUnits: execution.workUnits,
            wallMicroseconds: execution.wallMicroseconds
        )
    }

    /// Binds to a result and uploads what the engine still misses.
    private func hand(_ result: NodeResult, over job: Digest) async throws(AgentError) {
        let view = try await session.call { engine throws(EngineError) in
            try await engine.commit(job: job, execution: result.execution, trace: result.trace)
        }
        for cid in result.outputs where view.missing.contains(cid) {
            let bytes = try AgentError.wrap { () throws(StorageError) in try artefacts.get(cid) }
            guard let bytes else { throw .documents("output \(cid) is gone from the artefact folder") }
            _ = try await session.call { engine throws(EngineError) in
                try await engine.putOutput(job: job, cid: cid, bytes: bytes)
            }
        }
    }
}
