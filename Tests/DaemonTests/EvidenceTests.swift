// Jobs that ask for more than a replay, through the real daemon with a program that makes the evidence.
import Algebra
import Appraisal
import AssayTesting
import Codecs
import Commitments
import EngineAPI
import EngineClient
import Foundation
import Receipts
import Signatures
import Testing
import Validator
import Verdicts

@Suite("Evidence through the daemon", .serialized) struct DaemonEvidenceTests {
    static let probe = DaemonProcess.products + "/EvidenceProbe"

    /// Runs one job on a daemon of its own.
    private func done(
        _ job: (sealed: SealedJob, files: [String: [UInt8]]),
        _ options: String...
    ) async throws -> (view: JobView, bundle: [UInt8], trust: TrustFile) {
        let folder = try TemporaryFolder()
        let customer = try Customer(data: folder.path)
        let daemon = try DaemonProcess(
            [
                "--data", folder.path, "--listen", "127.0.0.1:0", "--log-level", "notice", "--evidence-command",
                Self.probe,
            ]
                + options
        )
        let client = try HTTPEngineClient(url: try #require(try await daemon.url(), "\(daemon.errorText)"))
        try await customer.open(client)
        try await customer.stake(client, node: try DataFolder(path: folder.path).key(.node).verifyingKey)
        var id = Digest.zero
        try await customer.order(1, client, job) { id = $0 }
        var view = try await client.job(id: id)
        for _ in 0..<600 where !view.isFinal {
            try await Task.sleep(for: .milliseconds(100))
            view = try await client.job(id: id)
        }
        try #require(view.isFinal, "\(view.reason)")
        let trust = try TrustFile(
            engines: [customer.engineKey],
            validators: [try DataFolder(path: folder.path).key(.validator).verifyingKey],
            quorum: 1
        )
        let bundle = try await client.receipt(job: id)
        #expect(try await daemon.terminate(within: 5) == 0, "\(daemon.errorText)")
        return (view, bundle, trust)
    }

    @Test func aProofIsPaidAndAuditedOffline() async throws {
        let halves = ["jobId", "inputRoot", "outputRoot"].flatMap { ["\($0).high", "\($0).low"] }
        let proof = JSONValue.object([
            "kind": .string("proof"), "system": .string("groth16"), "curve": .string("bn254"),
            "format": .string("snarkjs"), "key": .object(["file": .string("evidence/key.json")]),
            "publicInputs": .array(halves.map { .string($0) }),
        ])
        let key = ToxicGroth16<BN254>(inputCount: halves.count, seed: 5)
        let job = try SmallJob.job(evidence: (proof, ["evidence/key.json": key.verificationKey]))
        let (view, bundle, trust) = try await done(job)
        #expect(view.outcome == "accepted" && view.reason == "proof holds", "\(view.reason)")
        let report = try await Audit.run(bundle: bundle, trust: trust)
        #expect(report.conclusion == .accepted, "\(report.verdict.checks.filter { $0.result == .fail })")
        #expect(report.verdict.soundness == .bits(100))
        let verdict = try UnverifiedDocument<VerdictStatement>(
            parsing: try Bundle(parsing: bundle).member(BundleMember.verdict(0))
        )
        #expect(verdict.predicate.replayed == nil && verdict.predicate.verdict.cost.workUnits == 0)
    }

    @Test func aProgramThatIsNotThereIsSaid() async throws {
        let folder = try TemporaryFolder()
        let daemon = try DaemonProcess(
            ["--data", folder.path, "--listen", "127.0.0.1:0", "--evidence-command", folder.path + "/nothing"]
        )
        #expect(try await daemon.exit(within: 20) == 66)
        #expect(daemon.errorText.contains("--evidence-command"), "\(daemon.errorText)")
    }
}
