// The engine's answers to nodes and validators: work, results, verdicts.
internal import Codecs
public import Commitments
public import EngineAPI
internal import Ledger
internal import Market
internal import Receipts
internal import Replay
internal import Signatures
internal import Verdicts

extension Scheduler: EngineAPI {
    public func node(request: [UInt8]) async throws(EngineError) -> LeasedWork? {
        try requireHealth()
        let signed = try verified(request)
        let node = signed.signer
        switch signed.predicate.action {
        case .register(let type, let memoryBytes, let askPerMegaUnit):
            guard let kind = DeviceDescription.Kind(rawValue: type) else {
                throw EngineError(
                    .refused,
                    ParseError(field: "deviceType", expected: "cpu or gpu", actual: type)
                )
            }
            let offer = Node(
                key: node,
                deviceKind: kind,
                memoryBytes: memoryBytes,
                askPerMegaUnit: askPerMegaUnit
            )
            try await perform(.register(offer))
            return nil
        case .poll:
            try await perform(.nodeSeen(node))
            guard let job = engine.lease(of: node), let file = try documents(of: job.id), let lease = file.lease
            else { return nil }
            return LeasedWork(
                job: job.id,
                lease: lease.envelope,
                order: file.order.envelope,
                spec: file.sealed.bytes,
                topUps: file.topUps.map(\.envelope),
                yields: job.yield != nil
            )
        case .abandon(let job, let attempt, let reason):
            try await perform(
                .abandon(job: job.digest, attempt: UInt32(attempt), node: node, reason: reason)
            )
            return nil
        case .open, .credit, .withdraw, .close, .refund:
            throw EngineError.wrongAction(signed.predicate.action, expected: "register, poll or abandon")
        }
    }

    public func nodes() async throws(EngineError) -> [NodeView] {
        if let stored { return try stored.nodes() }
        let now = clock.now
        return engine.nodes.values.map { ($0.key.text, $0) }.sorted { $0.0 < $1.0 }.map { _, node in
            NodeView(
                key: node.key,
                deviceType: node.deviceKind.rawValue,
                memoryBytes: node.memoryBytes,
                askPerMegaUnit: node.askPerMegaUnit,
                isOnline: engine.isOnline(node.key, at: now),
                job: engine.lease(of: node.key)?.id
            )
        }
    }

    public func commit(
        job: Digest,
        execution: [UInt8],
        trace: [UInt8]
    ) async throws(EngineError) -> JobView {
        try requireHealth()
        // A result that comes again after the job has ended is answered with how it ended.
        guard let file = try documents(of: job) else { return try await view(of: job) }
        guard let lease = file.lease else {
            throw EngineError(.staleLease(job: job, expected: "no lease", actual: "an execution"))
        }
        try await keepLate(execution, of: job, lease)
        let signed: Signed<ExecutionStatement>
        do throws(DocumentError) {
            signed = try Signed<ExecutionStatement>(verifying: execution, key: lease.predicate.node)
        } catch {
            throw EngineError(error, id: "execution")
        }
        try check(signed, trace, against: file, lease)
        let commitment = try commitment(to: signed, file)
        let claim = Job.Claim(
            executionDigest: signed.digest,
            outputRoot: signed.predicate.outputRoot,
            workUnits: signed.predicate.meter.workUnits
        )
        let attempt = UInt32(signed.predicate.attempt)
        try await perform(.commit(job: job, attempt: attempt, node: signed.signer, claim: claim)) { documents in
            // The same statement in another envelope changes nothing that is on the disk.
            guard documents[job]?.execution?.digest != signed.digest else { return }
            documents[job]?.execution = signed
            documents[job]?.trace = trace
            documents[job]?.commitment = commitment
        }
        try await verifyWhenComplete(job)
        return try await view(of: job)
    }

    /// Notes when a statement arrived and opens the seed that the lease is bound to, when the replay is drawn.
    private func commitment(
        to execution: Signed<ExecutionStatement>,
        _ file: JobDocuments
    ) throws(EngineError) -> Signed<CommitmentStatement>? {
        guard file.sealed.spec.evidence.replay?.draw != nil else { return nil }
        let statement = execution.predicate
        do {
            return try CommitmentStatement.sign(
                CommitmentStatement(
                    jobID: statement.jobID,
                    attempt: statement.attempt,
                    engine: key.verifyingKey,
                    executionDigest: execution.digest,
                    // Which round of a beacon decides follows from this, and rounds come by everybody's clock.
                    committedAt: max(clock.now, clock.wallNow),
                    seed: try seed(statement.jobID.digest, UInt32(statement.attempt))
                ),
                with: key
            )
        } catch {
            throw EngineError(.unavailable, "commitment", "\(error)")
        }
    }

    /// The seed of an attempt's local beacon.
    func seed(_ job: Digest, _ attempt: UInt32) throws(KeyError) -> [UInt8] {
        try CommitmentStatement.seed(job: JobID(job), attempt: Int64(attempt), with: key)
    }

    /// The kind of the row of a result that came after its lease was over.
    static let lateRecordKind = "late"

    /// Keeps the result of an earlier attempt's node, once, and refuses it: the work is on record, and not paid.
    private func keepLate(
        _ execution: [UInt8],
        of job: Digest,
        _ lease: Signed<Lease>
    ) async throws(EngineError) {
        guard let open = engine.jobs[job], let late = try? Signed<ExecutionStatement>(verifying: execution),
            late.predicate.jobID.digest == job, late.predicate.epoch < lease.predicate.epoch,
            open.history.contains(where: { $0.attempt == late.predicate.attempt && $0.node == late.signer })
        else { return }
        let id = job.bytes + [UInt8(truncatingIfNeeded: late.predicate.attempt)]
        try await keep(Record(kind: Self.lateRecordKind, id: id, body: execution))
        throw EngineError(
            .staleLease(
                job: job,
                expected: "epoch \(lease.predicate.epoch)",
                actual: "epoch \(late.predicate.epoch); the result is kept and not paid"
            )
        )
    }

    /// Compares a statement with its lease and its spec: whatever can be seen without running anything.
    private func check(
        _ signed: Signed<ExecutionStatement>,
        _ trace: [UInt8],
        against file: JobDocuments,
        _ lease: Signed<Lease>
    ) throws(EngineError) {
        let statement = signed.predicate
        let spec: ReplaySpec
        do throws(ParseError) {
            spec = try file.sealed.spec.prefix(steps: statement.steps).replay
        } catch {
            throw EngineError(.refused, error.within("execution"))
        }
        func demand(_ field: String, _ expected: String, _ actual: String) throws(EngineError) {
            try Self.demand(field, expected, actual)
        }
        try demand("execution.jobId", lease.predicate.jobID.text, statement.jobID.text)
        try demand("execution.attempt", "\(lease.predicate.attempt)", "\(statement.attempt)")
        try demand("execution.epoch", "\(lease.predicate.epoch)", "\(statement.epoch)")
        try demand("execution.leaseDigest", lease.digest.hex, statement.leaseDigest.hex)
        try demand("execution.inputRoot", file.sealed.inputRoot.hex, statement.inputRoot.hex)
        try demand("execution.meter.workUnits", "\(spec.workUnits)", "\(statement.meter.workUnits)")
        let slots = spec.outputSlots.map { spec.slots[$0] }
        try demand(
            "execution.outputs",
            slots.map { "\($0.name) of \($0.byteCount) bytes" }.joined(separator: ", "),
            statement.outputs.isEmpty
                ? "none"
                : statement.outputs.map { "\($0.slot) of \($0.identity.byteCount) bytes" }.joined(separator: ", ")
        )
        if let flaw = file.sealed.spec.evidence.flaw(in: statement.evidence) {
            throw EngineError(.refused, flaw.within("execution"))
        }
        let root = ArtefactIdentity.root(of: statement.outputs.map(\.identity))
        try demand("execution.outputRoot", root.hex, statement.outputRoot.hex)
        do throws(ParseError) {
            let limits = JSONLimits(bytes: 16 << 20, values: 2_000_000)
            let document = try Trace(try JSONValue(parsing: trace, limits: limits), "trace")
            try demandParse("trace.root", document.root.hex, statement.traceRoot.hex)
            try demandParse("trace.steps", "\(spec.launchCount)", "\(document.leaves.count)")
            try demandParse("execution.steps", "\(document.leaves.count)", "\(statement.steps)")
        } catch {
            throw EngineError(error, id: "trace.malformed")
        }
    }

    private func demandParse(_ field: String, _ expected: String, _ actual: String) throws(ParseError) {
        guard expected == actual else { throw ParseError(field: field, expected: expected, actual: actual) }
    }

    public nonisolated func putOutput(
        job: Digest,
        cid: CID,
        bytes: [UInt8]
    ) async throws(EngineError) -> JobView {
        guard let expected = try await output(job, cid) else { return try await self.job(id: job) }
        try keep(bytes, as: expected)
        return try await noteOutput(job)
    }

    /// The identity of an output or a part of the evidence of an open job; `nil` when the job has ended and needs none any more.
    private func output(_ job: Digest, _ cid: CID) async throws(EngineError) -> ArtefactIdentity? {
        try requireHealth()
        guard let file = try documents(of: job) else {
            _ = try await view(of: job)
            return nil
        }
        guard let output = file.results.first(where: { $0.cid == cid }) else {
            throw .unknownFile(cid, "an output of job \(job)")
        }
        return output
    }

    private func noteOutput(_ job: Digest) async throws(EngineError) -> JobView {
        try await verifyWhenComplete(job)
        return try await view(of: job)
    }

    /// Queues a committed job for verification when all of its outputs are there.
    func verifyWhenComplete(_ job: Digest) async throws(EngineError) {
        try await documentsAreDurable(of: job)
        guard let open = engine.jobs[job], open.phase == .committed, let file = try documents(of: job) else { return }
        guard try missingOutputs(file).isEmpty else { return }
        try await perform(.outputsPresent(job: job, attempt: open.attempt))
    }

    public func validator(request: [UInt8]) async throws(EngineError) -> VerificationWork? {
        try requireHealth()
        let signed = try verified(request)
        guard case .poll = signed.predicate.action else {
            throw EngineError.wrongAction(signed.predicate.action, expected: "poll")
        }
        try await perform(.validatorSeen(signed.signer))
        guard let job = engine.verification(of: signed.signer), let file = try documents(of: job.id),
            let lease = file.lease, let execution = file.execution, let trace = file.trace
        else { return nil }
        return VerificationWork(
            job: job.id,
            lease: lease.envelope,
            order: file.order.envelope,
            spec: file.sealed.bytes,
            execution: execution.envelope,
            trace: trace,
            commitment: file.commitment?.envelope
        )
    }
}
