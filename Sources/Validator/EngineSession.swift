// One agent's line to its engine: signs its requests, fetches files, and checks every file against its name.
internal import Codecs
internal import Commitments
public import EngineAPI
internal import Receipts
internal import Replay
public import Signatures

/// An engine as one key holder uses it.
public struct EngineSession: Sendable {
    let engine: any EngineAPI
    /// The engine's key, as the caller knows it; documents by another key are refused.
    let engineKey: VerifyingKey
    let key: SigningKey
    let clock: any EngineClock

    /// A session of the holder of `key` with the engine that owns `engineKey`.
    public init(engine: any EngineAPI, engineKey: VerifyingKey, key: SigningKey, clock: any EngineClock) {
        self.engine = engine
        self.engineKey = engineKey
        self.key = key
        self.clock = clock
    }

    /// Signs a request with a fresh id.
    func request(_ action: EngineRequest.Action) throws(AgentError) -> [UInt8] {
        do throws(DocumentError) {
            return try EngineRequest.sign(action, engine: engineKey, at: clock.now, with: key).envelope
        } catch {
            throw .documents(error.description)
        }
    }

    /// Sends a node's request.
    func node(_ action: EngineRequest.Action) async throws(AgentError) -> LeasedWork? {
        let request = try request(action)
        return try await call { engine throws(EngineError) in try await engine.node(request: request) }
    }

    /// Asks for an execution to verify.
    func verification() async throws(AgentError) -> VerificationWork? {
        let request = try request(.poll)
        return try await call { engine throws(EngineError) in try await engine.validator(request: request) }
    }

    /// Calls the engine.
    func call<Result: Sendable>(
        _ body: (any EngineAPI) async throws(EngineError) -> Result
    ) async throws(AgentError) -> Result {
        do throws(EngineError) {
            return try await body(engine)
        } catch {
            throw .engine(error)
        }
    }

    /// Every file that a job needs, by path: from the folder when it is there, else from the engine.
    func files(
        of sealed: SealedJob,
        job: Digest,
        keepingIn artefacts: ArtefactStore
    ) async throws(AgentError) -> [String: [UInt8]] {
        var files: [String: [UInt8]] = [:]
        for file in sealed.files where files[file.path] == nil {
            files[file.path] = try await bytes(file.identity, of: job, keepingIn: artefacts)
        }
        return files
    }

    /// The parts of the evidence that a statement names, by their path.
    func evidence(
        of statement: ExecutionStatement,
        job: Digest,
        keepingIn artefacts: ArtefactStore
    ) async throws(AgentError) -> [String: [UInt8]] {
        var parts: [String: [UInt8]] = [:]
        for part in statement.evidence {
            parts[part.path] = try await bytes(part.file, of: job, keepingIn: artefacts)
        }
        return parts
    }

    /// The bytes of one artefact, checked against its identity.
    func bytes(
        _ identity: ArtefactIdentity,
        of job: Digest,
        keepingIn artefacts: ArtefactStore
    ) async throws(AgentError) -> [UInt8] {
        let kept = try AgentError.wrap { () throws(StorageError) in try artefacts.get(identity.cid) }
        if let kept, UInt64(kept.count) == identity.byteCount { return kept }
        let bytes = try await call { engine throws(EngineError) in try await engine.file(job: job, cid: identity.cid) }
        let actual = ArtefactIdentity(of: bytes)
        guard actual == identity else {
            throw .documents("file: expected \(identity.cid) of \(identity.byteCount) bytes, found \(actual.cid)")
        }
        try AgentError.wrap { () throws(StorageError) in try artefacts.put(bytes, cid: identity.cid) }
        return bytes
    }
}

/// A lease whose documents fit together: signed by the engine, for this node, on an order for exactly this spec.
struct LeasedJob {
    let id: Digest
    let sealed: SealedJob
    let order: Signed<Order>
    let lease: Signed<Lease>
    /// Minor units held for the job: by the order, and by the top-ups that came with the lease.
    let held: UInt64
    /// Whether the node is to hand over what it has.
    let yields: Bool

    /// The work units that the hold covers at the lease's price, at most all.
    var coveredUnits: UInt64 {
        min(
            sealed.spec.replay.workUnits,
            Charge.units(coveredBy: held, pricePerMegaUnit: lease.predicate.pricePerMegaUnit)
        )
    }

    init(_ work: LeasedWork, engine: VerifyingKey, node: VerifyingKey?) throws(AgentError) {
        do {
            sealed = try SealedJob(parsing: work.spec)
            order = try Signed<Order>(verifying: work.order)
            lease = try Signed<Lease>(verifying: work.lease, key: engine)
            var held = sealed.spec.holdAmount
            for (index, bytes) in work.topUps.enumerated() {
                let topUp = try Signed<TopUp>(verifying: bytes, key: order.signer).predicate
                guard topUp.jobID == order.predicate.jobID, topUp.number == Int64(index) + 1 else {
                    throw AgentError.documents("top-up: expected number \(index + 1) of job \(work.job), found another")
                }
                held = held.addingReportingOverflow(topUp.amount).partialValue
            }
            self.held = held
            yields = work.yields
            id = try JobID(requester: order.signer, nonce: order.predicate.nonce, spec: work.spec).digest
        } catch {
            throw .documents("\(error)")
        }
        guard id == work.job, order.predicate.jobID.digest == id, lease.predicate.jobID.digest == id else {
            throw .documents("job: expected \(work.job) in order and lease, found another id")
        }
        guard order.predicate.engine == engine, lease.predicate.orderDigest == order.digest else {
            throw .documents("lease: expected one on order \(order.digest) to this engine, found another")
        }
        if let node, lease.predicate.node != node {
            throw .documents("lease: expected one for \(node), found \(lease.predicate.node)")
        }
    }
}
