// Makes complete small bundles, truthful or with exactly one lie in them. A lie is told at its own stage and everything after
// it is signed over it, as a liar with that key would do; so each lie tests one check and not a broken hash.
internal import Appraisal
public import Codecs
internal import Commitments
public import Receipts
internal import Replay
public import Signatures
internal import Verdicts

/// Makes bundles of `TinyJob` with keys that follow from a seed.
public struct BundleFactory: Sendable {
    /// How the job ends.
    public enum Ending: String, Sendable, CaseIterable {
        /// The result is right.
        case accepted
        /// The provider flipped one bit of the output and signed a matching trace.
        case rejected
        /// The kernels are refused.
        case requesterFault
        /// The validator's run crashed.
        case inconclusive
        /// Nobody took the job.
        case unmatched
    }

    /// The job.
    public let tiny: TinyJob
    /// The keys of the four roles, and one that has no role.
    public let requester, engine, node, stranger: SigningKey
    /// The validators of the trust file.
    public let validators: [SigningKey]
    /// What the auditor believes.
    public let trust: TrustFile
    /// The order's nonce.
    public let nonce: [UInt8]
    /// The network that receipts name.
    public static let network = "test.example"
    /// When the engine settles.
    public static let settledAt: Int64 = 1_760_000_100

    /// Makes keys and job from `seed`.
    /// - Parameters:
    ///   - quorum: how many of the two validators must agree.
    ///   - terms: the job's `terms`.
    public init(seed: UInt64 = 1, quorum: Int = 1, terms: JSONValue? = nil) throws {
        var generator = SeededGenerator(seed: seed)
        tiny = try TinyJob(seed: generator.next(), terms: terms)
        nonce = generator.bytes(JobID.nonceBytes)
        requester = try SigningKey(seed: generator.bytes(32))
        engine = try SigningKey(seed: generator.bytes(32))
        node = try SigningKey(seed: generator.bytes(32))
        stranger = try SigningKey(seed: generator.bytes(32))
        validators = [try SigningKey(seed: generator.bytes(32)), try SigningKey(seed: generator.bytes(32))]
        trust = try TrustFile(
            engines: [engine.verifyingKey],
            validators: validators.map(\.verifyingKey),
            quorum: quorum
        )
    }

    /// The bytes of a bundle that ends as `ending`, with at most one lie.
    /// - Parameter edit: changes the receipt before the engine signs it.
    public func bundle(
        _ ending: Ending = .accepted,
        lie: BundleLie? = nil,
        edit: (inout Receipt) -> Void = { _ in }
    ) async throws -> [UInt8] {
        var draft = try Draft(factory: self, ending: ending, lie: lie)
        try draft.writeOrder()
        if ending != .unmatched {
            try draft.writeLease()
            try await draft.writeExecution()
            try await draft.writeVerdicts()
        }
        try draft.writeReceipt(edit)
        return try draft.seal()
    }
}

/// A bundle on its way through the roles.
struct Draft {
    let factory: BundleFactory
    let ending: BundleFactory.Ending
    let lie: BundleLie?
    let ruleset = Ruleset.default
    var job: SealedJob
    var members: [String: [UInt8]] = [:]
    var absent: [Bundle.Absent] = []
    var order: Signed<Order>?
    var lease: Signed<Lease>?
    var execution: Signed<ExecutionStatement>?
    var trace: Trace?
    var outputs: [String: [UInt8]] = [:]
    var verdicts: [Signed<VerdictStatement>] = []

    init(factory: BundleFactory, ending: BundleFactory.Ending, lie: BundleLie?) throws {
        self.factory = factory
        self.ending = ending
        self.lie = lie
        job = factory.tiny.job
    }

    /// The engine that plays this bundle's engine.
    var engine: SigningKey { lie == .untrustedEngine ? factory.stranger : factory.engine }

    func signed<Predicate>(_ document: Signed<Predicate>?) throws -> Signed<Predicate> {
        guard let document else {
            throw ParseError(field: Predicate.predicateType, expected: "a document", actual: "none yet")
        }
        return document
    }

    /// The envelope with the first bit of its signature flipped, when this is the lie.
    func forged(_ envelope: [UInt8], if forgery: BundleLie) throws -> [UInt8] {
        lie == forgery ? try Forgery.flippingSignature(envelope) : envelope
    }

    // MARK: The requester

    mutating func writeOrder() throws {
        let plain = try Order.sign(
            job,
            nonce: factory.nonce,
            createdAt: 1_760_000_000,
            engine: lie == .orderForAnotherEngine ? factory.stranger.verifyingKey : engine.verifyingKey,
            with: factory.requester
        )
        var predicate = plain.predicate
        switch lie {
        case .otherNonce: predicate.nonce[0] ^= 1
        case .foreignAccount:
            predicate.account = AccountName(
                currency: job.spec.price.currency,
                purpose: .payer,
                owner: factory.stranger.verifyingKey
            )
        case .otherSpec: job = try SealedJob(parsing: job.spec.json.serialized(pretty: true))
        default: break
        }
        let signed = try Signed.sign(
            predicate,
            subjects: [Subject(name: "spec", digest: job.digest)],
            with: factory.requester
        )
        order = signed
        members[BundleMember.order] = try forged(signed.envelope, if: .forgedOrderSignature)
        members[BundleMember.spec] = job.bytes
        members[BundleMember.ruleset] = ruleset.bytes
        for (path, bytes) in factory.tiny.files { members[BundleMember.input(path)] = bytes }
    }

    // MARK: The engine grants

    mutating func writeLease() throws {
        let order = try signed(order)
        let hold = job.spec.holdAmount
        var predicate = Lease(
            jobID: order.predicate.jobID,
            attempt: 2,
            epoch: 41,
            engine: engine.verifyingKey,
            node: factory.node.verifyingKey,
            orderDigest: order.digest,
            pricePerMegaUnit: 37_500_001,
            stakeAmount: ruleset.stake(forHold: hold),
            grantedAt: 1_760_000_010,
            expiresAt: 1_760_000_070
        )
        var key = engine
        switch lie {
        case .leaseByAnotherEngine:
            predicate.engine = factory.stranger.verifyingKey
            key = factory.stranger
        case .leaseForAnotherOrder: predicate.orderDigest = .zero
        case .leaseAboveThePrice: predicate.pricePerMegaUnit = job.spec.price.maxPerMegaUnit + 1
        case .leaseWithLessStake: predicate.stakeAmount -= 1
        case .leaseOfAnotherAttempt: predicate.attempt = 3
        case .leaseAfterSettlement:
            predicate.grantedAt = BundleFactory.settledAt + 1
            predicate.expiresAt = BundleFactory.settledAt + 61
        default: break
        }
        let signed = try Lease.sign(predicate, with: key)
        lease = signed
        members[BundleMember.lease] = try forged(signed.envelope, if: .forgedLeaseSignature)
    }

    // MARK: The node computes

    mutating func writeExecution() async throws {
        let lease = try signed(lease)
        let isFalse = ending == .rejected || lie == .validatorsLieToo
        let runner = TinyRunner(isFalse ? .flippedOutputBit(element: 17) : .none)
        guard case .completed(var run) = await runner.run(job.spec.replay, files: factory.tiny.files) else {
            throw ParseError(field: "run", expected: "a completed run", actual: "another outcome")
        }
        switch lie {
        case .outputOutsideTrace: run.outputs["y"]?[0] ^= 1
        case .inflatedMeter: run.workUnits += 1
        case .smallerDevice: run.device.memoryBytes = 1
        case .droppedStep: run.trace = Trace(leaves: run.trace.leaves.dropLast())
        default: break
        }
        var predicate = try ExecutionStatement(
            reporting: run,
            of: job,
            under: lease,
            startedAt: 1_760_000_020,
            finishedAt: 1_760_000_021
        )
        var log = try declare(&predicate, run)
        var key = factory.node
        switch lie {
        case .partClaimed: predicate.exit = .part
        case .unprintableLog:
            log[0] = 0x07
            predicate.log?.file = ArtefactIdentity(of: log)
        case .executionByAnotherNode:
            predicate.node = factory.stranger.verifyingKey
            key = factory.stranger
        case .executionOfAnotherEpoch: predicate.epoch -= 1
        case .executionOfAnotherAttempt: predicate.attempt = 1
        case .executionUnderAnotherLease: predicate.leaseDigest = .zero
        case .otherInputRoot: predicate.inputRoot = .zero
        case .otherOutputRoot: predicate.outputRoot = .zero
        case .otherTraceRoot: predicate.traceRoot = .zero
        case .renamedOutput:
            predicate.outputs[0].slot = "z"
            run.outputs["z"] = run.outputs["y"]
        default: break
        }
        let signed = try ExecutionStatement.sign(predicate, outputs: run.outputs, with: key)
        execution = signed
        trace = run.trace
        outputs = run.outputs
        members[BundleMember.execution] = try forged(signed.envelope, if: .forgedExecutionSignature)
        members[BundleMember.trace] = run.trace.json.serialized()
        for output in predicate.outputs { members[BundleMember.output(output.slot)] = run.outputs[output.slot] }
        members[BundleMember.log] = log
        if lie == .otherLog { members[BundleMember.log]?[0] ^= 1 }
        if lie == .otherOutput { members[BundleMember.output("y")]?[0] ^= 1 }
    }

    /// What the node says beside its result; the programs are made up.
    private func declare(_ statement: inout ExecutionStatement, _ run: Execution) throws -> [UInt8] {
        statement.software = Self.software("made-up-node")
        statement.declared = try NodeDeclaration(licence: "licence-1", operatorReference: "operator-1")
        let text = "job \(statement.jobID)\nworker wrote nothing to standard error\n"
        let log = RunLog(Array(text.utf8))
        statement.log = log.reference
        return log.bytes
    }

    /// A program that does not exist.
    static func software(_ name: String) -> Software {
        Software(name: name, version: "1", digest: SHA256.hash(Array(name.utf8)))
    }

    // MARK: The validators appraise

    mutating func writeVerdicts() async throws {
        let count = lie == .repeatedValidator ? 2 : factory.trust.quorum
        for index in 0..<count {
            let key =
                switch lie {
                case .foreignValidator: factory.stranger
                case .repeatedValidator: factory.validators[0]
                default: factory.validators[index]
                }
            let signed = try await verdict(by: key, at: 1_760_000_050 + Int64(index))
            verdicts.append(signed)
            members[BundleMember.verdict(index)] = try forged(signed.envelope, if: .forgedVerdictSignature)
        }
    }

    private func verdict(by key: SigningKey, at time: Int64) async throws -> Signed<VerdictStatement> {
        let execution = try signed(execution)
        let honest: TinyRunner.Fault
        switch (ending, lie) {
        case (_, .validatorsLieToo): honest = .flippedOutputBit(element: 17)
        case (_, .acceptedAgainstVerdict): honest = .flippedIntermediateBit(element: 3)
        case (.requesterFault, _): honest = .refuses
        case (.inconclusive, _): honest = .crashes
        default: honest = .none
        }
        let outcome = await TinyRunner(honest).run(job.spec.replay, files: factory.tiny.files)
        let (found, divergence) = ReplayAppraiser.appraise(
            job: job,
            execution: execution,
            trace: trace ?? Trace(leaves: []),
            outputs: outputs,
            outcome: outcome
        )
        var statement = VerdictStatement(
            jobID: execution.predicate.jobID,
            attempt: execution.predicate.attempt,
            validator: key.verifyingKey,
            executionDigest: execution.digest,
            at: time,
            replayed: nil,
            divergence: divergence,
            device: nil,
            sandbox: nil,
            verdict: found,
            software: Self.software("made-up-validator")
        )
        if case .completed(let run) = outcome {
            statement.replayed = try VerdictStatement.Replayed(run, of: job.spec.replay)
            statement.device = run.device
            statement.sandbox = run.sandbox
        }
        if ending == .accepted && found.outcome != .accepted && lie != .acceptedAgainstVerdict {
            // A lie in the claim that the validator is part of: it signs what it did not find.
            statement.verdict.outcome = .accepted
            statement.verdict.fault = .none
            statement.verdict.soundness = .exact
            statement.verdict.checks = found.checks.filter { $0.result == .pass }
            statement.divergence = nil
            statement.replayed = VerdictStatement.Replayed(
                outputRoot: execution.predicate.outputRoot,
                traceRoot: execution.predicate.traceRoot
            )
        }
        switch lie {
        case .verdictOnAnotherExecution: statement.executionDigest = .zero
        case .verdictOfAnotherAttempt: statement.attempt = 1
        case .verdictOfAnotherJob: statement.jobID = JobID(.zero)
        case .verdictWithOtherRoots: statement.replayed?.outputRoot = .zero
        case .verdictOfAnotherKind: statement.verdict.kind = "replay-sampled"
        case .rejectionWithoutReason: statement.verdict.checks.removeAll { $0.result == .fail }
        default: break
        }
        return try VerdictStatement.sign(statement, with: key)
    }
}

/// Changes to signed documents that keep their form.
public enum Forgery {
    /// The envelope with the lowest bit of its first signature's first byte flipped.
    public static func flippingSignature(_ envelope: [UInt8]) throws -> [UInt8] {
        guard case .object(var object) = try JSONValue(parsing: envelope),
            case .array(var signatures)? = object["signatures"],
            case .object(var entry)? = signatures.first, case .string(let text)? = entry["sig"]
        else {
            throw ParseError(field: "signatures", expected: "an envelope", actual: "another document")
        }
        var bytes = try Base64.decode(text)
        bytes[0] ^= 1
        entry["sig"] = .string(Base64.encode(bytes))
        signatures[0] = .object(entry)
        object["signatures"] = .array(signatures)
        return JSONValue.object(object).serialized()
    }
}
