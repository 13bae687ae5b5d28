// The daemon as its users meet it: killed at any moment, in three processes, asked to end, started wrongly.
import Appraisal
import AssayTesting
import Commitments
import EngineAPI
import EngineClient
import Foundation
import Ledger
import Receipts
import Signatures
import Testing
import Validator
import Verdicts

@Suite("Daemon", .serialized) struct DaemonTests {
    @Test func threeProcessesDoTheJobTogether() async throws {
        let folder = try TemporaryFolder()
        let customer = try Customer(data: folder.path + "/engine")
        let judge = DataFolder(path: folder.path + "/judge")
        try judge.prepare()
        let node = DataFolder(path: folder.path + "/node")
        try node.prepare()
        let scheduler = try DaemonProcess(
            data: folder.path + "/engine",
            "--roles",
            "scheduler",
            "--accept-validator",
            try judge.key(.validator).verifyingKey.text
        )
        let url = try #require(try await scheduler.url(), "\(scheduler.errorText)")
        let peers = ["--engine", url, "--engine-key", customer.engineKey.text, "--log-level", "notice"]
        let validator = try DaemonProcess(["--data", judge.path, "--roles", "validator"] + peers)
        let provider = try DaemonProcess(["--data", node.path, "--roles", "provider"] + peers)
        let client = try HTTPEngineClient(url: url)
        try await customer.open(client)
        try await customer.stake(client, node: try node.key(.node).verifyingKey)
        var job = Digest.zero
        try await customer.order(1, client) { job = $0 }
        let view = try #require(try await Ends.of([job], client, seconds: 60)[job])
        #expect(view.outcome == "accepted", "\(view.reason)")
        let trust = try TrustFile(
            engines: [customer.engineKey],
            validators: [try judge.key(.validator).verifyingKey],
            quorum: 1
        )
        let report = try await Audit.run(bundle: try await client.receipt(job: job), trust: trust)
        #expect(report.conclusion == .accepted)
        for daemon in [provider, validator, scheduler] {
            #expect(try await daemon.terminate(within: 5) == 0, "\(daemon.errorText)")
        }
    }

    /// `assay serve` is `assayd`: the same process, ended by the same signal, with the daemon's own refusals.
    @Test func serveIsTheDaemon() async throws {
        let folder = try TemporaryFolder()
        let daemon = try DaemonProcess(
            program: "assay",
            ["serve", "--data", folder.path, "--roles", "scheduler", "--listen", "127.0.0.1:0"]
        )
        #expect(try await daemon.url() != nil, "\(daemon.errorText)")
        #expect(try await daemon.terminate(within: 5) == 0, "\(daemon.errorText)")
        let wrong = try DaemonProcess(program: "assay", ["serve", "--roles", "nobody"])
        #expect(try await wrong.exit(within: 20) == 64)
    }

    @Test func aDaemonAtWorkEndsWhenItIsAsked() async throws {
        let folder = try TemporaryFolder()
        let customer = try Customer(data: folder.path)
        let daemon = try DaemonProcess(data: folder.path)
        let client = try HTTPEngineClient(url: try #require(try await daemon.url()))
        try await customer.open(client)
        try await customer.stake(client, node: try DataFolder(path: folder.path).key(.node).verifyingKey)
        for number in 0..<4 { try await customer.order(number, client) { _ in } }
        #expect(try await daemon.terminate(within: 5) == 0, "\(daemon.errorText)")
    }

    @Test func twoDaemonsOnOneFolderAreOneTooMany() async throws {
        let folder = try TemporaryFolder()
        let first = try DaemonProcess(data: folder.path)
        #expect(try await first.ready(), "\(first.errorText)")
        let second = try DaemonProcess(data: folder.path)
        #expect(try await second.exit(within: 20) == 74)
        #expect(second.errorText.contains("expected no other writer, found one"), "\(second.errorText)")
        #expect(first.isRunning)
        #expect(try await first.terminate(within: 5) == 0)
    }

    @Test func anAddressThatIsTakenIsSaid() async throws {
        let folder = try TemporaryFolder()
        let first = try DaemonProcess(data: folder.path + "/a", "--roles", "scheduler")
        let url = try #require(try await first.url())
        let second = try DaemonProcess(
            ["--data", folder.path + "/b", "--roles", "scheduler", "--listen", String(url.dropFirst("http://".count))]
        )
        #expect(try await second.exit(within: 20) == 69)
        #expect(second.errorText.contains("cannot listen on"), "\(second.errorText)")
    }

    @Test(arguments: [
        ["--bogus"], ["--roles", "cook"], ["--roles", ""], ["--roles", "provider"], ["--log-level", "loud"],
        ["--listen", "nowhere"], ["--listen", "127.0.0.1:70000"], ["--minimum-sandbox", "castle"],
        ["--accept-validator", "ed25519:00"], ["--engine-key", "me"], ["--price", "-1"],
        ["--roles", "validator", "--engine", "ftp://x"],
    ])
    func badFlagsAreUsageErrors(_ flags: [String]) async throws {
        let folder = try TemporaryFolder()
        let daemon = try DaemonProcess(["--data", folder.path + "/d"] + flags)
        #expect(try await daemon.exit(within: 20) == 64, "\(daemon.errorText)")
        #expect(daemon.errorText.contains("Error: "), "\(daemon.errorText)")
        #expect(!FileManager.default.fileExists(atPath: folder.path + "/d"))
    }

    @Test func aFolderThatCannotBeMadeIsSaid() async throws {
        let folder = try TemporaryFolder()
        try Data("x".utf8).write(to: URL(fileURLWithPath: folder.path + "/file"))
        let daemon = try DaemonProcess(["--data", folder.path + "/file/data", "--listen", "127.0.0.1:0"])
        #expect(try await daemon.exit(within: 20) == 74)
        #expect(daemon.errorText.contains("/file"), "\(daemon.errorText)")
    }
}
