// Jobs that ask for more than a replay, through the real daemon with a program that makes the evidence.
import Algebra
import Appraisal
import AssayTesting
import Attestation
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
        _ program: String = probe,
        _ options: String...
    ) async throws -> (view: JobView, bundle: [UInt8], trust: TrustFile) {
        let folder = try TemporaryFolder()
        let customer = try Customer(data: folder.path)
        let daemon = try DaemonProcess(
            [
                "--data", folder.path, "--listen", "127.0.0.1:0", "--log-level", "notice", "--evidence-command",
                program,
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
        try #require(view.isFinal, "\(view.reason) \(daemon.errorText)")
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

    /// The test plays the hardware: the daemon's evidence program hands its task over and waits for the answer.
    @Test func anAttestationIsPaidAndAuditedOffline() async throws {
        let folder = try TemporaryFolder()
        let program = folder.path + "/hardware"
        let script = """
            #!/bin/sh
            cp "$1/task.json" "\(folder.path)/task.part" && mv "\(folder.path)/task.part" "\(folder.path)/task.json"
            until [ -e "\(folder.path)/done" ]; do sleep 0.1; done
            mkdir -p "$1/evidence/0" && cp "\(folder.path)/cpu" "\(folder.path)/collateral" "$1/evidence/0/"
            """
        try Data(script.utf8).write(to: URL(fileURLWithPath: program))
        try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: program)
        let processor = FakeAMDProcessor(.genoa)
        let root = String(decoding: PEM.encode(processor.root.certificate.der), as: UTF8.self)
        let roots = JSONValue.object([
            "schema": .string("assay-trust-anchors-1"),
            "roots": .object(["amd-sev": .array([.string(root)])]),
        ])
        try Data(roots.serialized()).write(to: URL(fileURLWithPath: folder.path + "/roots.json"))
        let requirement = JSONValue.object([
            "kind": .string("attestation"), "cpu": .array([.string("sev-snp")]), "gpu": .string("none"),
            "policy": .object(["file": .string("evidence/policy.toml")]),
        ])
        let job = try SmallJob.job(evidence: (requirement, ["evidence/policy.toml": Self.policy]))
        let hardware = Task {
            while !FileManager.default.fileExists(atPath: folder.path + "/task.json") {
                try await Task.sleep(for: .milliseconds(50))
            }
            let task = try Data(contentsOf: URL(fileURLWithPath: folder.path + "/task.json"))
            var reader = try JSONReader(try JSONValue(parsing: [UInt8](task)))
            var item = try JSONReader(try #require(try reader.array("requirements", max: 1).first))
            var form = FakeAMDProcessor.ReportForm()
            form.reportData = try item.hex("reportData", count: 64)
            let collateral = processor.collateral([processor.endorsement()]).json.serialized()
            try Data(processor.report(form)).write(to: URL(fileURLWithPath: folder.path + "/cpu"))
            try Data(collateral).write(to: URL(fileURLWithPath: folder.path + "/collateral"))
            try Data().write(to: URL(fileURLWithPath: folder.path + "/done"))
        }
        defer { hardware.cancel() }
        let (view, bundle, trust) = try await done(job, program, "--attestation-roots", folder.path + "/roots.json")
        #expect(view.outcome == "accepted" && view.reason == "attestation holds", "\(view.reason)")
        let believing = try TrustFile(
            engines: trust.engines,
            validators: trust.validators,
            quorum: 1,
            attestation: roots
        )
        let report = try await Audit.run(bundle: bundle, trust: believing)
        #expect(report.conclusion == .accepted, "\(report.verdict.checks.filter { $0.result == .fail })")
        #expect(try await Audit.run(bundle: bundle, trust: trust).conclusion == .undecided)
    }

    private static let policy = Array(
        """
        schema = "assay-attestation-policy-1"
        [collateral]
        maxAgeSeconds = "any"
        graceSeconds = 0
        [sev-snp]
        revocationList = "any"
        signingKeys = ["vcek"]
        vmpl = [0]
        measurement = ["\(String(repeating: "44", count: 48))"]
        hostData = "any"
        idKeyDigest = "any"
        authorKeyDigest = "any"
        familyId = "any"
        imageId = "any"
        chipId = "any"
        minGuestSvn = "any"
        debug = false
        migration = false
        smtAllowed = "any"
        singleSocket = "any"
        platformSmt = "any"
        platformTsme = "any"
        platformEcc = "any"
        platformRaplDisabled = "any"
        platformCiphertextHiding = "any"
        platformAliasCheck = true
        [sev-snp.minTcb]
        genoa = { bootLoader = 4, tee = 0, snp = 23, microcode = 72 }
        """.utf8
    )

    @Test func aProgramThatIsNotThereIsSaid() async throws {
        let folder = try TemporaryFolder()
        let daemon = try DaemonProcess(
            ["--data", folder.path, "--listen", "127.0.0.1:0", "--evidence-command", folder.path + "/nothing"]
        )
        #expect(try await daemon.exit(within: 20) == 66)
        #expect(daemon.errorText.contains("--evidence-command"), "\(daemon.errorText)")
    }
}
