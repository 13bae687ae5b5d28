// Jobs that ask for a Groth16 proof: with it and without a replay, with both, and with every binding broken once. The key is
// a toxic one, so that the tests can make a valid proof of whatever they like.
import Algebra
import Appraisal
import AssayTesting
import Codecs
import Commitments
import EngineAPI
import Glibc
import Proofs
import Receipts
import Replay
import Signatures
import Synchronization
import Testing
import Verdicts

@testable import Validator

/// A job's demand for a proof under a toxic key.
struct ProofDemand {
    static let halves = ["jobId", "inputRoot", "outputRoot", "nodeKey"].flatMap { ["\($0).high", "\($0).low"] }
    static let key = ToxicGroth16<BN254>(inputCount: 9, seed: 5)

    static var proof: JSONObject {
        [
            "kind": .string("proof"),
            "system": .string("groth16"),
            "curve": .string("bn254"),
            "format": .string("snarkjs"),
            "key": .object(["file": .string("evidence/key.json")]),
            "publicInputs": .array(halves.map { .string($0) } + [.object(["constant": .string("42")])]),
        ]
    }

    static let replay = JSONValue.object(["kind": .string("replay-exact"), "scope": .string("whole")])

    static func terms(withReplay: Bool = false, attempts: Int64 = 1) -> Terms {
        var terms = Terms()
        terms.attempts = attempts
        let value: JSONValue = withReplay ? .array([replay, .object(proof)]) : .object(proof)
        terms.evidence = (value, ["evidence/key.json": key.verificationKey])
        return terms
    }
}

/// Forges the proof of the task that it is asked for, or of one that `change` makes of it.
struct ToxicProver: EvidenceProducer {
    var change: @Sendable (inout BoundValues) -> Void = { _ in }
    var seed: UInt64 = 1
    var spoil: @Sendable ([UInt8]) -> [UInt8] = { $0 }

    func evidence(for task: EvidenceTask) async throws(RunFailure) -> [String: [UInt8]] {
        var values = task.values
        change(&values)
        var parts: [String: [UInt8]] = [:]
        for (index, proof) in task.job.spec.evidence.proofs {
            do {
                let inputs = proof.publicInputs.map { values.decimal($0) }
                parts["\(index)/proof"] = spoil(try ProofDemand.key.forgery(inputs, seed: seed))
            } catch {
                throw RunFailure(.input, "\(error)")
            }
        }
        return parts
    }
}

/// Counts its runs and passes them on.
final class CountingRunner: Runner {
    let runs = Mutex(0)
    let inner = TinyRunner()

    func run(_ spec: ReplaySpec, files: [String: [UInt8]]) async -> RunOutcome {
        runs.withLock { $0 += 1 }
        return await inner.run(spec, files: files)
    }
}

@Suite("Proofs as evidence") struct ProofEvidenceTests {
    /// A job, done and judged.
    private func done(
        _ world: Harness,
        _ terms: Terms = ProofDemand.terms(),
        _ runner: any Runner = TinyRunner(),
        _ prover: ToxicProver = ToxicProver(),
        validator: any Runner = TinyRunner()
    ) async throws -> (ordered: Ordered, report: AuditReport) {
        let ordered = try await world.offered(terms)
        #expect(try await world.provider(0, runner, producer: prover).step())
        let view = try await world.view(ordered)
        #expect(view.phase == "verifying", "\(view.reason)")
        #expect(try await world.validator(0, validator).step())
        return (ordered, try await world.audit(ordered))
    }

    private func failed(_ report: AuditReport) -> [String] {
        report.verdict.checks.filter { $0.result == .fail }.map { "\($0.id): \($0.expected) / \($0.actual)" }
    }

    @Test func aProofAloneIsPaidWithoutAReplay() async throws {
        let world = try await Harness()
        let idle = CountingRunner()
        let (ordered, report) = try await done(world, validator: idle)
        #expect(failed(report).isEmpty, "\(failed(report))")
        #expect(report.conclusion == .accepted)
        #expect(idle.runs.withLock { $0 } == 0)
        #expect(report.verdict.soundness == .bits(100))
        let names = Set(report.verdict.assumptions.map(\.id))
        #expect(names.isSuperset(of: ["bn254-pairing", "groth16-trusted-setup", "validator-quorum"]))
        #expect(!names.contains("kernel-class-a") && !names.contains("kernel-integer"))
        for id in ["claim.evidence", "evidence-0.statement", "evidence-0.proof", "evidence-0.groth16.equation"] {
            #expect(report.verdict.checks.contains { $0.id == id && $0.result == .pass }, "\(id)")
        }
        let view = try await world.view(ordered)
        #expect(view.outcome == "accepted" && view.reason == "proof holds" && view.paid == 5_120_000)
        let bundle = try Bundle(parsing: try await world.scheduler.receipt(job: ordered.id))
        #expect(bundle.names.contains("input/evidence/key.json") && bundle.names.contains("evidence/0/proof"))
        let verdict = try UnverifiedDocument<VerdictStatement>(parsing: bundle.member(BundleMember.verdict(0)))
        #expect(verdict.predicate.replayed == nil && verdict.predicate.verdict.kind == "proof")
        #expect(verdict.predicate.verdict.cost.workUnits == 0)
        // A deep audit replays all the same.
        let deep = try await world.audit(ordered, deep: TinyRunner())
        #expect(deep.conclusion == .accepted, "\(failed(deep))")
        let lie = TinyRunner(.flippedOutputBit(element: 3))
        #expect(try await world.audit(ordered, deep: lie).conclusion == .refuted)
    }

    @Test func withAReplayBothMustHold() async throws {
        let world = try await Harness()
        let runner = CountingRunner()
        let (_, report) = try await done(world, ProofDemand.terms(withReplay: true), validator: runner)
        #expect(report.conclusion == .accepted, "\(failed(report))")
        #expect(report.verdict.soundness == .exact)
        #expect(runner.runs.withLock { $0 } == 1)

        let liar = try await Harness()
        let lie = TinyRunner(.flippedOutputBit(element: 7))
        let (wrong, wrongReport) = try await done(liar, ProofDemand.terms(withReplay: true), lie)
        #expect(wrongReport.isAuthentic && wrongReport.summary?.receipt.outcome == .rejected, "\(failed(wrongReport))")
        #expect(wrongReport.summary?.divergence != nil)
        #expect(try await liar.view(wrong).paid == 0)

        let forger = try await Harness()
        let prover = ToxicProver { $0.outputRoot = .zero }
        let (_, forged) = try await done(forger, ProofDemand.terms(withReplay: true), TinyRunner(), prover)
        #expect(forged.isAuthentic, "\(failed(forged))")
        #expect(forged.summary?.receipt.outcome == .rejected)
        #expect(forged.summary?.receipt.reason == "evidence-1.groth16.equation")
    }

    /// A valid proof about something else, and no valid proof.
    static let lies: [(name: String, prover: ToxicProver, reason: String)] = [
        ("another job", ToxicProver { $0.jobID = JobID(.zero) }, "evidence-0.groth16.equation"),
        ("another input", ToxicProver { $0.inputRoot = .zero }, "evidence-0.groth16.equation"),
        ("another output", ToxicProver { $0.outputRoot = .zero }, "evidence-0.groth16.equation"),
        ("another node", ToxicProver { $0.nodeKey[31] ^= 1 }, "evidence-0.groth16.equation"),
        ("not a proof", ToxicProver(spoil: { _ in Array("{}".utf8) }), "evidence-0.groth16.proof.encoding"),
    ]

    @Test(arguments: lies.indices) func aProofThatFailsIsTheProvidersFault(_ index: Int) async throws {
        let lie = Self.lies[index]
        let world = try await Harness()
        let (ordered, report) = try await done(world, ProofDemand.terms(), TinyRunner(), lie.prover)
        #expect(failed(report).isEmpty, "\(lie.name): \(failed(report))")
        let receipt = try #require(report.summary?.receipt)
        #expect(receipt.outcome == .rejected && receipt.fault == .provider, "\(lie.name)")
        #expect(receipt.reason == lie.reason, "\(lie.name)")
        #expect(receipt.settlement.stake?.slashed ?? 0 > 0 && receipt.settlement.gross == 0, "\(lie.name)")
        #expect(try await world.view(ordered).paid == 0)
    }

    @Test func theStatementIsTheIdentityAndNotTheProof() async throws {
        func statement(_ seed: UInt64) async throws -> (Digest?, Digest) {
            let world = try await Harness()
            let (ordered, report) = try await done(world, ProofDemand.terms(), TinyRunner(), ToxicProver(seed: seed))
            #expect(report.conclusion == .accepted, "\(failed(report))")
            let bundle = try Bundle(parsing: try await world.scheduler.receipt(job: ordered.id))
            let execution = try UnverifiedDocument<ExecutionStatement>(parsing: bundle.member(BundleMember.execution))
            let part = try #require(execution.predicate.evidence.first)
            return (part.identity, SHA256.hash(try bundle.member("evidence/0/proof")))
        }
        let (one, other) = (try await statement(1), try await statement(2))
        #expect(one.0 != nil && one.0 == other.0)
        #expect(one.1 != other.1)
    }

    @Test func aKeyThatCannotJudgeIsTheRequestersFault() async throws {
        func outcome(_ change: (inout JSONObject, inout [String: [UInt8]]) -> Void) async throws -> JobView {
            var terms = ProofDemand.terms()
            var proof = ProofDemand.proof
            var files = ["evidence/key.json": ProofDemand.key.verificationKey]
            change(&proof, &files)
            terms.evidence = (.object(proof), files)
            let world = try await Harness()
            return try await world.view(try await world.offered(terms))
        }
        let wrongKey = try await outcome { _, files in files["evidence/key.json"] = Array("{}".utf8) }
        #expect(wrongKey.outcome == "requesterFault" && wrongKey.reason.contains("evidence[0]"), "\(wrongKey.reason)")
        let otherDigest = try await outcome { proof, _ in
            proof["key"] = .object([
                "file": .string("evidence/key.json"), "digest": .string(String(repeating: "0", count: 64)),
            ])
        }
        #expect(otherDigest.outcome == "requesterFault" && otherDigest.reason.contains("key.digest"))
        let otherCurve = try await outcome { proof, _ in proof["curve"] = .string("bls12-381") }
        #expect(otherCurve.outcome == "requesterFault" && otherCurve.reason.contains("key.curve"))
        let fewer = try await outcome { proof, _ in
            proof["publicInputs"] = .array(ProofDemand.halves.map { .string($0) })
        }
        #expect(fewer.outcome == "requesterFault" && fewer.reason.contains("publicInputs"))
        let beyond = try await outcome { proof, _ in
            let constant = JSONValue.object(["constant": .string("1" + String(repeating: "0", count: 77))])
            proof["publicInputs"] = .array(ProofDemand.halves.map { .string($0) } + [constant])
        }
        #expect(beyond.outcome == "requesterFault" && beyond.reason.contains("publicInputs"), "\(beyond.reason)")
    }

    @Test func aKeyThatNeverArrivesIsTheRequestersFault() async throws {
        let world = try await Harness()
        try await world.fund()
        let ordered = try world.order(ProofDemand.terms())
        try await world.submit(ordered)
        for (path, bytes) in ordered.files where path != "evidence/key.json" {
            _ = try await world.scheduler.putFile(job: ordered.id, cid: ArtefactIdentity(of: bytes).cid, bytes: bytes)
        }
        #expect(try await world.view(ordered).missing.count == 1)
        try await world.expire(ordered)
        #expect(try await world.view(ordered).outcome == "requesterFault")
        #expect(try await world.audit(ordered).isAuthentic)
    }

    @Test func aNodeWithoutAProverGivesTheJobBack() async throws {
        let world = try await Harness()
        let ordered = try await world.offered(ProofDemand.terms())
        #expect(try await world.provider(0).step())
        let view = try await world.view(ordered)
        #expect(view.outcome == "inconclusive" && view.reason.contains("makes no evidence"), "\(view.reason)")
    }

    @Test func aStatementWithoutItsEvidenceIsRefused() async throws {
        let world = try await Harness()
        _ = try await world.offered(ProofDemand.terms())
        _ = try await world.provider(0)
        let work = try await world.result(0)
        let execution = try work.execution()
        await #expect(throws: EngineError.self) {
            _ = try await world.scheduler.commit(job: work.job, execution: execution, trace: work.trace)
        }
        // And a job that asks for none takes none.
        let plain = try await Harness()
        _ = try await plain.offered()
        _ = try await plain.provider(0)
        var other = try await plain.result(0)
        let file = ArtefactIdentity(of: [1])
        other.statement.evidence = [EvidencePart(requirement: 0, name: "proof", file: file, identity: nil)]
        let unwanted = try other.execution()
        await #expect(throws: EngineError.self) {
            _ = try await plain.scheduler.commit(job: other.job, execution: unwanted, trace: other.trace)
        }
    }

    /// A validator that says that a false proof holds, and the engine that would have paid.
    @Test func aLyingValidatorIsRefusedAndFoundOut() async throws {
        let world = try await Harness()
        let ordered = try await world.offered(ProofDemand.terms())
        #expect(try await world.provider(0, producer: ToxicProver { $0.jobID = JobID(.zero) }).step())
        let key = world.keys.validators[0]
        let request = try world.request(.poll, key)
        let work = try #require(try await world.scheduler.validator(request: request))
        let execution = try Signed<ExecutionStatement>(verifying: work.execution)
        func verdict(_ soundness: Soundness) throws -> [UInt8] {
            try VerdictStatement.sign(
                VerdictStatement(
                    jobID: JobID(ordered.id),
                    attempt: 1,
                    validator: key.verifyingKey,
                    executionDigest: execution.digest,
                    at: world.clock.now,
                    replayed: nil,
                    divergence: nil,
                    device: nil,
                    sandbox: nil,
                    verdict: Verdict(
                        kind: "proof",
                        outcome: .accepted,
                        soundness: soundness,
                        assumptions: [],
                        checks: [Check(id: "evidence-0.groth16.equation", result: .pass)],
                        subject: execution.digest.text
                    )
                ),
                with: key
            ).envelope
        }
        let lie = try verdict(.bits(100))
        await #expect(throws: EngineError.self) { _ = try await world.scheduler.judge(job: ordered.id, verdict: lie) }
        #expect(try await world.view(ordered).phase == "verifying")

        // The same verdict in the bundle of an engine that pays for it.
        let honest = try await Harness()
        let (paid, _) = try await done(honest)
        let bundle = try Bundle(parsing: try await honest.scheduler.receipt(job: paid.id))
        for name in ["evidence/0/proof", "input/evidence/key.json"] {
            var members = bundle.members
            members[name] =
                name.hasSuffix("proof")
                ? try ProofDemand.key.forgery([String](repeating: "1", count: 9))
                : ToxicGroth16<BN254>(inputCount: 9, seed: 6).verificationKey
            let forged = try Bundle.seal(jobID: bundle.jobID, members: members, with: honest.keys.engine)
            let trust = try TrustFile(
                engines: [honest.keys.engine.verifyingKey],
                validators: honest.keys.validators.map(\.verifyingKey),
                quorum: 1
            )
            #expect(try await Audit.run(bundle: forged, trust: trust).conclusion == .refuted, "\(name)")
        }
        // A bound that the proof does not give.
        var members = bundle.members
        let stated = try Signed<VerdictStatement>(verifying: try bundle.member(BundleMember.verdict(0)))
        var inflated = stated.predicate
        inflated.verdict.soundness = .exact
        let resigned = try VerdictStatement.sign(inflated, with: honest.keys.validators[0])
        let receipt = try Signed<Receipt>(verifying: try bundle.member(BundleMember.receipt))
        var changed = receipt.predicate
        changed.verdictDigests = [resigned.digest]
        members[BundleMember.verdict(0)] = resigned.envelope
        members[BundleMember.receipt] = try Receipt.sign(changed, with: honest.keys.engine).envelope
        let sealed = try Bundle.seal(jobID: bundle.jobID, members: members, with: honest.keys.engine)
        let trust = try TrustFile(
            engines: [honest.keys.engine.verifyingKey],
            validators: honest.keys.validators.map(\.verifyingKey),
            quorum: 1
        )
        let report = try await Audit.run(bundle: sealed, trust: trust)
        #expect(report.conclusion == .refuted && failed(report).contains { $0.hasPrefix("verdict-0.soundness") })
    }

    @Test func aProgramMakesTheEvidence() async throws {
        let folder = try TemporaryFolder()
        let program = folder.path + "/prover"
        let script = """
            #!/bin/sh
            grep -q '"publicInputs"' "$1/task.json" && test -s "$1/output/y" && test -s "$1/input/evidence/key.json" || exit 3
            mkdir -p "$1/evidence/0" && printf proof > "$1/evidence/0/proof"
            """
        try DurableFile.write(Array(script.utf8), to: program, in: folder.path)
        chmod(program, 0o700)
        let (job, files) = try ProofDemand.terms().job()
        let task = EvidenceTask(job: job, values: .zero, files: files, outputs: ["y": [1, 2, 3]])
        let parts = try await EvidenceCommand(program: program, workFolder: folder.path).evidence(for: task)
        #expect(parts == ["0/proof": Array("proof".utf8)])
        let bare = EvidenceTask(job: job, values: .zero, files: files, outputs: [:])
        await #expect(throws: RunFailure.self) {
            _ = try await EvidenceCommand(program: program, workFolder: folder.path).evidence(for: bare)
        }
        await #expect(throws: RunFailure.self) {
            _ = try await EvidenceCommand(program: "/nowhere", workFolder: folder.path).evidence(for: task)
        }
    }
}
