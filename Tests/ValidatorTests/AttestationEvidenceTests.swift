// Jobs that ask for an attestation, on a fake node under fake roots: bound as it must be, and with every binding broken once.
import Appraisal
import AssayTesting
import Attestation
import Codecs
import Commitments
import EngineAPI
import Foundation
import Receipts
import Replay
import Signatures
import Synchronization
import Testing
import Verdicts

@testable import Validator

/// Makes the attestations of a task on a fake node.
struct AttestingProducer: EvidenceProducer {
    let node: FakeConfidentialNode
    var lie: FakeConfidentialNode.Lie?
    /// What it hands over, in place of what it would make.
    var recorded: [String: [UInt8]]?
    var spoil: @Sendable (inout [String: [UInt8]]) -> Void = { _ in }
    /// What it made.
    let made = Recorder()

    final class Recorder: Sendable {
        let parts = Mutex<[String: [UInt8]]>([:])
    }

    func evidence(for task: EvidenceTask) async throws(RunFailure) -> [String: [UInt8]] {
        if let recorded { return recorded }
        var parts: [String: [UInt8]] = [:]
        for (index, requirement) in task.job.spec.evidence.attestations {
            do throws(ParseError) {
                parts.merge(try node.evidence(for: requirement, at: index, task.values, lie: lie)) { _, new in new }
            } catch {
                throw RunFailure(.input, error.description)
            }
        }
        spoil(&parts)
        let result = parts
        made.parts.withLock { $0 = result }
        return parts
    }
}

@Suite("Attestation as evidence") struct AttestationEvidenceTests {
    static let node = FakeConfidentialNode()

    static func requirement(gpu: Bool, cpu: [String] = ["tdx"]) -> JSONValue {
        .object([
            "kind": .string("attestation"),
            "cpu": .array(cpu.map { .string($0) }),
            "gpu": .string(gpu ? "nvidia" : "none"),
            "policy": .object(["file": .string("evidence/policy.toml")]),
        ])
    }

    static func terms(gpu: Bool = false, attempts: Int64 = 1, policy: [UInt8] = FakeConfidentialNode.policy) -> Terms {
        var terms = Terms()
        terms.attempts = attempts
        terms.evidence = (requirement(gpu: gpu), ["evidence/policy.toml": policy])
        return terms
    }

    static func world() async throws -> Harness {
        let world = try await Harness()
        world.clock.advance(FakeConfidentialNode.time - world.clock.now)
        return world
    }

    /// A job, done by a node and judged by a validator with these roots.
    private func done(
        _ world: Harness,
        _ terms: Terms = terms(),
        _ producer: AttestingProducer = AttestingProducer(node: node),
        roots: TrustAnchors? = node.anchors,
        nonce: UInt8 = 1
    ) async throws -> Ordered {
        try await world.fund()
        let ordered = try world.order(terms, nonce: nonce)
        try await world.submit(ordered)
        try await world.upload(ordered)
        #expect(try await world.provider(0, producer: producer).step())
        let view = try await world.view(ordered)
        #expect(view.phase == "verifying", "\(view.reason)")
        // A runner that fails shows that nothing was replayed.
        #expect(try await world.validator(0, TinyRunner(.crashes), anchors: roots).step())
        return ordered
    }

    private func audit(_ world: Harness, _ ordered: Ordered, roots: JSONValue? = node.roots) async throws -> AuditReport
    {
        let trust = try TrustFile(
            engines: [world.keys.engine.verifyingKey],
            validators: world.keys.validators.map(\.verifyingKey),
            quorum: 1,
            attestation: roots
        )
        #expect(try TrustFile(parsing: trust.bytes) == trust)
        // Years later, when the collateral is long out of date.
        return try await Audit.run(
            bundle: try await world.scheduler.receipt(job: ordered.id),
            trust: trust,
            time: world.clock.now + 100_000_000
        )
    }

    private func failed(_ report: AuditReport) -> [String] {
        report.verdict.checks.filter { $0.result == .fail }.map { "\($0.id): \($0.expected) / \($0.actual)" }
    }

    @Test(arguments: [false, true]) func boundEvidenceIsPaidAndJudgedAgainAtItsTime(_ gpu: Bool) async throws {
        let world = try await Self.world()
        let ordered = try await done(world, Self.terms(gpu: gpu))
        let view = try await world.view(ordered)
        #expect(view.outcome == "accepted" && view.reason == "attestation holds", "\(view.reason)")
        let report = try await audit(world, ordered)
        #expect(report.conclusion == .accepted, "\(failed(report))")
        #expect(report.verdict.soundness == .bits(128))
        #expect(report.verdict.assumptions.contains { $0.id == "vendor-root:nvidia" } == gpu)
        let passed = Set(report.verdict.checks.filter { $0.result == .pass }.map(\.id))
        #expect(passed.contains("evidence-0.cpu.policy.report-data") && passed.contains("evidence-0.cpu.identity"))
        #expect(passed.contains("evidence-0.gpu.nvidia[0].nonce") == gpu)
        #expect(passed.contains("evidence-0.cpu.valid-until"))
        // Without roots in the trust file nothing is decided; with others the file is refuted.
        #expect(try await audit(world, ordered, roots: nil).conclusion == .undecided)
        #expect(try await audit(world, ordered, roots: FakeConfidentialNode().roots).conclusion == .refuted)
    }

    static let lies: [(lie: FakeConfidentialNode.Lie, gpu: Bool, reason: String)] = [
        (.otherJob, false, "evidence-0.cpu.policy.report-data"),
        (.otherLease, false, "evidence-0.cpu.policy.report-data"),
        (.otherOutputs, false, "evidence-0.cpu.policy.report-data"),
        (.otherNode, false, "evidence-0.cpu.policy.report-data"),
        (.debug, false, "evidence-0.cpu.policy.debug"),
        (.swappedDevice, true, "evidence-0.cpu.policy.report-data"),
        (.otherDeviceNonce, true, "evidence-0.gpu.nvidia-0-.nonce"),
        (.enclave, false, "evidence-0.cpu.kind"),
    ]

    @Test(arguments: lies.indices) func evidenceOfSomethingElseIsTheProvidersFault(_ index: Int) async throws {
        let (lie, gpu, reason) = Self.lies[index]
        let world = try await Self.world()
        let ordered = try await done(world, Self.terms(gpu: gpu), AttestingProducer(node: Self.node, lie: lie))
        let report = try await audit(world, ordered)
        #expect(report.isAuthentic, "\(lie): \(failed(report))")
        let receipt = try #require(report.summary?.receipt)
        #expect(receipt.outcome == .rejected && receipt.fault == .provider, "\(lie)")
        #expect(receipt.reason == reason, "\(lie)")
        #expect(receipt.settlement.gross == 0 && receipt.settlement.stake?.slashed ?? 0 > 0, "\(lie)")
    }

    @Test func evidenceOfAnotherJobDoesNotServeAgain() async throws {
        let first = try await Self.world()
        let producer = AttestingProducer(node: Self.node)
        let paid = try await done(first, Self.terms(), producer)
        #expect(try await first.view(paid).outcome == "accepted")
        // The same spec, inputs, outputs and node; another order.
        let second = try await Self.world()
        let replayed = AttestingProducer(node: Self.node, recorded: producer.made.parts.withLock { $0 })
        let ordered = try await done(second, Self.terms(), replayed, nonce: 2)
        let receipt = try #require(try await audit(second, ordered).summary?.receipt)
        #expect(receipt.outcome == .rejected && receipt.reason == "evidence-0.cpu.policy.report-data")
    }

    @Test func whatIsMissingBlamesNobody() async throws {
        let world = try await Self.world()
        let ordered = try await done(world, Self.terms(), AttestingProducer(node: Self.node, lie: .noCollateral))
        let receipt = try #require(try await audit(world, ordered).summary?.receipt)
        #expect(receipt.outcome == .inconclusive && receipt.reason == "evidence-0.conclusion")
        #expect(receipt.settlement.stake?.slashed == 0)
        #expect(try await audit(world, ordered).isAuthentic)
        // A validator without roots can tell nothing.
        let blind = try await Self.world()
        let unjudged = try await done(blind, roots: nil)
        let open = try #require(try await audit(blind, unjudged).summary?.receipt)
        #expect(open.outcome == .inconclusive && open.reason == "evidence-0.roots")
        #expect(open.settlement.stake?.slashed == 0)
    }

    @Test func theSignedSpanIsTheIdentity() async throws {
        let world = try await Self.world()
        let padded = AttestingProducer(node: Self.node, spoil: { $0["0/cpu"]? += [0, 0, 0, 0] })
        let ordered = try await done(world, Self.terms(), padded)
        let report = try await audit(world, ordered)
        #expect(report.conclusion == .accepted, "\(failed(report))")
        let bundle = try Bundle(parsing: try await world.scheduler.receipt(job: ordered.id))
        let execution = try UnverifiedDocument<ExecutionStatement>(parsing: bundle.member(BundleMember.execution))
        let stated = execution.predicate.evidence.first { $0.name == "cpu" }?.identity
        let padding = try bundle.member("evidence/0/cpu")
        func identity(_ bytes: [UInt8]) throws -> Digest {
            let setting = AppraisalSetting(
                anchors: TrustAnchors(),
                collateral: CollateralBundle(),
                policy: try AttestationPolicy(parsing: FakeConfidentialNode.policy),
                time: Timestamp(seconds: 0)
            )
            return try AttestationVerifier(setting).verify(bytes, expecting: .unbound).identity.digest
        }
        #expect(try stated == identity(padding))
        #expect(try stated == identity(Array(padding.dropLast(4))))
    }

    @Test func malformedEvidenceIsNotEvenSigned() async throws {
        let world = try await Self.world()
        try await world.fund()
        let ordered = try world.order(Self.terms())
        try await world.submit(ordered)
        try await world.upload(ordered)
        let provider = try await world.provider(0, producer: AttestingProducer(node: Self.node, lie: .malformed))
        await #expect(throws: AgentError.self) { _ = try await provider.step() }
        #expect(try await world.view(ordered).phase == "assigned")
    }

    @Test func aPolicyThatCanAcceptNothingIsTheRequestersFault() async throws {
        func outcome(_ policy: String) async throws -> JobView {
            let world = try await Self.world()
            return try await world.view(try await world.offered(Self.terms(gpu: true, policy: Array(policy.utf8))))
        }
        let text = String(decoding: FakeConfidentialNode.policy, as: UTF8.self)
        let malformed = try await outcome(text.replacingOccurrences(of: "debug = false", with: "debug = maybe"))
        #expect(malformed.outcome == "requesterFault", "\(malformed.reason)")
        let cut = try await outcome(String(text.prefix(upTo: try #require(text.range(of: "[nvidia-gpu]")).lowerBound)))
        #expect(cut.outcome == "requesterFault" && cut.reason.contains("nvidia-gpu"), "\(cut.reason)")
    }

    /// An engine that has the roots does not pay on a validator's word.
    @Test func theEngineJudgesAgain() async throws {
        let world = try await Self.world()
        let ordered = try await done(world, Self.terms(), AttestingProducer(node: Self.node, lie: .otherJob))
        let bundle = try Bundle(parsing: try await world.scheduler.receipt(job: ordered.id))
        let verdict = try Signed<VerdictStatement>(verifying: bundle.member(BundleMember.verdict(0)))
        let execution = try Signed<ExecutionStatement>(verifying: bundle.member(BundleMember.execution))
        var lie = verdict.predicate
        lie.verdict.outcome = .accepted
        lie.verdict.fault = .none
        lie.verdict.soundness = .bits(128)
        lie.verdict.checks.removeAll { $0.result == .fail }
        var parts: [String: [UInt8]] = [:]
        for part in execution.predicate.evidence { parts[part.path] = try bundle.member(BundleMember.evidence(part)) }
        let trace = try Trace(try JSONValue(parsing: bundle.member(BundleMember.trace)))
        let material = ExecutionMaterial(
            job: ordered.sealed,
            trace: trace,
            outputs: [:],
            files: ["evidence/policy.toml": FakeConfidentialNode.policy],
            evidence: parts
        )
        func recheck(_ statement: VerdictStatement, _ anchors: TrustAnchors?) -> VerdictRecheck {
            VerdictRecheck(statement, of: execution, material, anchors: anchors)
        }
        #expect(recheck(lie, Self.node.anchors).checks.contains { $0.id == "verdict.outcome" && $0.result == .fail })
        #expect(recheck(lie, nil).isUndecided)
        #expect(!recheck(verdict.predicate, Self.node.anchors).checks.contains { $0.result == .fail })
        // At another time the same evidence decides nothing: the verdict's own time is what is judged.
        var later = lie
        later.at += 100_000_000
        #expect(recheck(later, Self.node.anchors).checks.contains { $0.id == "verdict.outcome" && $0.result == .fail })
    }
}
