// A receipt in a log as a person meets it: logged, proved, attached, audited, fetched with its proof.
import AssayTesting
import Codecs
import Commitments
import EngineAPI
import EngineTesting
import Foundation
import Receipts
import Signatures
import Testing
import TransparencyLog

@testable import AssayCommands

struct LoggedReceiptTests {
    private func trust(_ factory: BundleFactory, log: [String]) throws -> [UInt8] {
        try TrustFile(engines: factory.trust.engines, validators: factory.trust.validators, quorum: 1, log: log).bytes
    }

    @Test func aReceiptIsLoggedByHandAttachedAndAudited() async throws {
        let workplace = try Workplace()
        let factory = try BundleFactory()
        try workplace.write(try await factory.bundle(.accepted), "job.assay")
        try workplace.write(try await factory.bundle(.rejected), "other.assay")
        let (log, key, proof) = (workplace.path("log"), workplace.path("log.pem"), workplace.path("proof"))
        #expect(await workplace.run(["key", "new", key]).status == .ok)
        let append = await workplace.run(
            ["log", "append", "--log", log, "--origin", "log.example/r", "--key", key, "--receipt", "--json"]
                + ["other.assay", "job.assay"].map(workplace.path)
        )
        #expect(append.status == .ok, "\(append.error)")
        guard case .string(let vkey)? = try append.member("vkey") else {
            Issue.record("no key")
            return
        }
        #expect(await workplace.run(["log", "prove", log, "1", "-o", proof]).status == .ok)
        try workplace.write(Array("log \(vkey)\nquorum none\n".utf8), "policy")
        let check = ["log", "check", proof, "--policy", workplace.path("policy"), "--receipt", "--file"]
        #expect(await workplace.run(check + [workplace.path("job.assay")]).status == .ok)
        #expect(await workplace.run(check + [workplace.path("other.assay")]).status == .rejected)
        #expect(await workplace.run(check + [workplace.path("job.assay"), "--digest"]).status == .usage)

        let logged = workplace.path("logged.assay")
        let attach = ["receipt", "attach", "--proof", proof, "-o", logged]
        #expect(await workplace.run(attach + [workplace.path("other.assay")]).status == .rejected)
        #expect(await workplace.run(attach + [workplace.path("job.assay")]).status == .ok)
        try workplace.write(try trust(factory, log: ["log \(vkey)", "quorum none"]), "trust.json")
        let audit = ["audit", "--trust", workplace.path("trust.json"), "--explain"]
        let good = await workplace.run(audit + [logged])
        #expect(good.status == .ok && good.output.contains("log.inclusion"), "\(good.output)")
        let bare = await workplace.run(audit + [workplace.path("job.assay"), "--json"])
        #expect(bare.status == .rejected)
        #expect(try bare.member("error.id") == .string("log.proof"))
        try workplace.write(try trust(factory, log: ["log nonsense"]), "bad.json")
        let bad = await workplace.run(["audit", "--trust", workplace.path("bad.json"), logged, "--json"])
        #expect(try bad.member("error.id") == .string("trust.malformed"))
    }

    @Test func theEnginesProofComesWithTheReceipt() async throws {
        let workplace = try Workplace()
        let bundle = try await BundleFactory().bundle(.accepted)
        let id = try Bundle(parsing: bundle).jobID.digest
        let receipt = try UnverifiedDocument<Receipt>(parsing: try Bundle(parsing: bundle).member(BundleMember.receipt))
        var signed = try SignedCheckpoint(
            try Checkpoint(origin: "o", size: 1, root: MerkleTree.leafHash(receipt.logEntry))
        )
        let signer = try NoteSigner(name: "o", algorithm: .ed25519, key: SigningKey.generate())
        signed.note.signatures = [try signer.sign(signed.note)]
        let proof = LogProof(index: 0, path: [], checkpoint: signed).bytes
        workplace.engine.update(
            JobView(
                id: id,
                name: "tiny",
                phase: "final",
                attempt: 2,
                held: 1,
                deadline: 5,
                reason: "verified",
                outcome: "accepted"
            )
        )
        workplace.engine.with { $0.receipts[id] = bundle }
        let path = workplace.path("out.assay")
        let fetch = ["job", "receipt", id.hex, "-o", path, "--json"]
        func written() throws -> [UInt8] { try [UInt8](Data(contentsOf: URL(fileURLWithPath: path))) }

        // No log, and none demanded; no log, and one demanded.
        #expect(await workplace.run(fetch).status == .ok)
        #expect(try written() == bundle)
        let none = await workplace.run(fetch + ["--logged"])
        #expect(try none.member("error.id") == .string("log.none"))
        // A log that has not got there yet, and then has.
        workplace.engine.with { $0.logProofs = [:] }
        #expect(await workplace.run(fetch).status == .ok)
        #expect(await workplace.run(fetch + ["--logged", "--timeout", "0"]).status == .temporaryFailure)
        let waited = await workplace.run(fetch + ["--logged"]) {
            workplace.engine.with { $0.logProofs = [receipt.digest: proof] }
        }
        #expect(waited.status == .ok)
        #expect(try waited.member("log.origin") == .string("o"))
        #expect(try written() == (try Bundle.attaching(logProof: proof, to: bundle)))
        #expect(try Bundle(parsing: written()).logProof == proof)
        // Not every proof is a proof of this receipt.
        let other = LogProof(index: 1, path: [.zero], checkpoint: signed).bytes
        workplace.engine.with { $0.logProofs = [receipt.digest: other] }
        #expect(await workplace.run(fetch).status != .ok)
    }

    @Test func aPolicyGoesIntoATrustFile() async throws {
        let workplace = try Workplace()
        let key = try NoteKey(name: "o", algorithm: .ed25519, key: SigningKey.generate().verifyingKey)
        try workplace.write(Array("# mine\n\nlog \(key.text)\nquorum none\n".utf8), "policy")
        let (path, policy) = (workplace.path("trust.json"), workplace.path("policy"))
        let create = ["trust", "create", "-o", path, "--engine", "memory", "--log-policy"]
        #expect(await workplace.run(create + [policy]).status == .ok)
        let trust = try TrustFile(parsing: [UInt8](Data(contentsOf: URL(fileURLWithPath: path))))
        #expect(trust.log == ["# mine", "log \(key.text)", "quorum none"])
        try workplace.write(Array("log x\n".utf8), "policy")
        #expect(await workplace.run(create + [policy]).status == .dataError)
    }
}
