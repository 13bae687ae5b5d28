// The daemon's log of receipts, with another daemon as its witness, as an auditor far away meets it.
import Appraisal
import Commitments
import EngineAPI
import EngineClient
import Foundation
import Receipts
import Signatures
import Testing
import Transfer
import TransparencyLog
import Validator
import Verdicts

/// The log's side of a test.
enum LogClient {
    /// The key of a data folder's log under the name that the daemon gives it.
    static func key(_ data: String) throws -> NoteKey {
        let key = try DataFolder(path: data).key(.log).verifyingKey
        let name = "assay-log-" + key.bytes.prefix(8).map { String(format: "%02x", $0) }.joined()
        return try NoteKey(name: name, algorithm: .ed25519, key: key)
    }

    /// A receipt's proof, as soon as the engine has it.
    static func proof(of receipt: Digest, _ client: any EngineAPI) async throws -> LogProof? {
        for _ in 0..<150 {
            do throws(EngineError) {
                let bytes = try await client.logProof(receipt: receipt)
                return try? LogProof(parsing: bytes)
            } catch {
                guard error.id == "log.pending" else { throw error }
            }
            try await Task.sleep(for: .milliseconds(100))
        }
        return nil
    }
}

@Suite("Logged receipts", .serialized) struct LogTests {
    @Test func aReceiptIsLoggedWitnessedServedAndAudited() async throws {
        let folder = try TemporaryFolder()
        let data = folder.path + "/engine"
        let customer = try Customer(data: data)
        let key = try LogClient.key(data)
        let other = try DaemonProcess(
            data: folder.path + "/other",
            "--roles",
            "scheduler",
            "--witness-log",
            key.text,
            "--witness-listen",
            "127.0.0.1:0"
        )
        let witness = try #require(try await other.witness(), "\(other.errorText)")
        let log = ["--log", folder.path + "/log", "--log-witness", witness.url, "--log-witness-key", witness.key]
        let arguments = ["--data", data, "--listen", "127.0.0.1:0", "--log-level", "notice"] + log
        let daemon = try DaemonProcess(arguments)
        let url = try #require(try await daemon.url(), "\(daemon.errorText)")
        let client = try HTTPEngineClient(url: url)
        try await customer.open(client)
        try await customer.stake(client, node: try DataFolder(path: data).key(.node).verifyingKey)
        var job = Digest.zero
        try await customer.order(1, client) { job = $0 }
        _ = try #require(try await Ends.of([job], client, seconds: 60)[job])
        let bundle = try await client.receipt(job: job)
        let receipt = try UnverifiedDocument<Receipt>(
            parsing: try Receipts.Bundle(parsing: bundle).member(BundleMember.receipt)
        )
        let proof = try #require(try await LogClient.proof(of: receipt.digest, client), "\(daemon.errorText)")
        let logged = try Receipts.Bundle.attaching(logProof: proof.bytes, to: bundle)

        let policy = ["log \(key.text)", "witness w \(witness.key)", "quorum w"]
        let validators = [try DataFolder(path: data).key(.validator).verifyingKey]
        let trust = try TrustFile(engines: [customer.engineKey], validators: validators, quorum: 1, log: policy)
        let report = try await Audit.run(bundle: logged, trust: trust)
        #expect(report.conclusion == .accepted, "\(report.verdict.checks.filter { $0.result == .fail })")
        let bare = try await Audit.run(bundle: bundle, trust: trust)
        #expect(bare.verdict.checks.filter { $0.result == .fail }.map(\.id) == ["log.proof"])

        // What is served is what lies in the folder, which any web server could serve as well.
        let transfers = TransferPool(size: 1)
        func get(_ path: String) async throws -> TransferResponse {
            try await transfers.perform(
                TransferRequest(
                    method: "GET",
                    url: url + "/log/" + path,
                    body: nil,
                    contentType: "",
                    maxResponseBytes: 1 << 20,
                    timeoutMilliseconds: 9000,
                    connectMilliseconds: 3000
                )
            )
        }
        for name in ["checkpoint", "tile/0/000.p/1", "tile/entries/000.p/1"] {
            let served = try await get(name)
            #expect(served.status == 200, "\(name)")
            let file = try Data(contentsOf: URL(fileURLWithPath: folder.path + "/log/" + name))
            #expect(served.body == [UInt8](file), "\(name)")
        }
        for name in ["tile/0/001", "tile/0/000.p/01", "tile/%2e%2e/%2e%2e/engine/keys/log.pem", "tile", "other"] {
            #expect(try await get(name).status == 404, "\(name)")
        }
        do throws(EngineError) {
            _ = try await client.logProof(receipt: .zero)
            Issue.record("a proof of nothing")
        } catch {
            #expect(error.id == "log.pending")
        }
        #expect(try await daemon.terminate(within: 10) == 0, "\(daemon.errorText)")

        // The same proof comes from the restarted daemon once the witness has been asked again.
        let again = try DaemonProcess(arguments)
        let later = try HTTPEngineClient(url: try #require(try await again.url(), "\(again.errorText)"))
        #expect(
            try await LogClient.proof(of: receipt.digest, later)?.includes(
                leaf: MerkleTree.leafHash(receipt.logEntry)
            ) == true
        )
        #expect(try LogCheck.run(LogFolder(path: folder.path + "/log"), keys: [key]).size == 1)
        for process in [again, other] { #expect(try await process.terminate(within: 10) == 0) }
    }

    @Test(arguments: [
        ["--log-origin", "o"], ["--log", "L", "--log-origin", "a b"], ["--log", "L", "--log-witness", "http://x"],
        ["--log", "L", "--log-witness", "ftp://x", "--log-witness-key", "k"],
        ["--log", "L", "--roles", "provider", "--engine", "http://127.0.0.1:1"],
    ])
    func badFlagsOfALogAreUsageErrors(_ flags: [String]) async throws {
        let folder = try TemporaryFolder()
        let daemon = try DaemonProcess(["--data", folder.path + "/d"] + flags)
        #expect(try await daemon.exit(within: 20) == 64, "\(daemon.errorText)")
        #expect(daemon.errorText.contains("--log"), "\(daemon.errorText)")
    }
}
