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
    /// Waits until every one of `jobs` has ended.
    private func ends(
        of jobs: some Collection<Digest>,
        _ client: HTTPEngineClient,
        seconds: Int
    ) async throws -> [Digest: JobView] {
        var views: [Digest: JobView] = [:]
        for _ in 0..<seconds * 5 {
            for job in jobs where views[job] == nil {
                let view = try await client.job(id: job)
                if view.isFinal { views[job] = view }
            }
            if views.count == jobs.count { break }
            try await Task.sleep(for: .milliseconds(200))
        }
        return views
    }

    @Test func fiftyKillsLoseNothingAndPayNothingTwice() async throws {
        let folder = try TemporaryFolder()
        let data = folder.path + "/data"
        let customer = try Customer(data: data)
        let seed = UInt64.random(in: 0...UInt64.max)
        var random = SeededGenerator(seed: seed)
        var acknowledged: Set<Digest> = []
        var next = 0
        // More than fifty short lives can finish: there is work at every kill.
        let jobs = 80
        var interrupted: Set<String> = []

        let first = try DaemonProcess(data: data)
        let client = try HTTPEngineClient(url: try #require(try await first.url()))
        try await customer.open(client)
        try await customer.stake(client, node: try DataFolder(path: data).key(.node).verifyingKey)
        first.kill()

        for round in 0..<50 {
            let daemon = try DaemonProcess(data: data)
            let life = Int.random(in: 20...1400, using: &random)
            let start = ContinuousClock.now
            let feeding = Task { [next] in
                // Orders that had no answer are sent again under their own numbers.
                var sent: [Digest] = []
                var number = next
                guard let url = try? await daemon.url(), let client = try? HTTPEngineClient(url: url) else {
                    return (sent, number, [String]())
                }
                let open = ((try? await client.jobs(limit: 100)) ?? []).map(\.phase)
                while number < jobs, number < next + 2, !Task.isCancelled {
                    do {
                        try await customer.order(number, client) { sent.append($0) }
                        number += 1
                    } catch { break }
                }
                return (sent, number, open)
            }
            try await Task.sleep(until: start + .milliseconds(life))
            #expect(daemon.isRunning, "seed \(seed) round \(round): \(daemon.errorText)")
            daemon.kill()
            feeding.cancel()
            let (sent, number, phases) = await feeding.value
            acknowledged.formUnion(sent)
            interrupted.formUnion(phases)
            guard round % 5 == 4 else { continue }
            // Seldom, so that mostly the daemon itself has to recover the file.
            let store = try SQLiteLedgerStore(path: DataFolder(path: data).ledger)
            let report = try Fsck.run(store)
            #expect(report.isClean, "seed \(seed) round \(round): \(report.checks.filter { !$0.passed })")
            try store.close()
            next = number
        }

        let last = try DaemonProcess(data: data)
        let url = try #require(try await last.url(), "seed \(seed): \(last.errorText)")
        let after = try HTTPEngineClient(url: url)
        // A file that was on its way when the daemon was killed is sent again by its owner.
        for number in 0..<next { try await customer.order(number, after) { acknowledged.insert($0) } }
        let views = try await ends(of: acknowledged, after, seconds: 60)
        let open = acknowledged.subtracting(views.keys)
        #expect(open.isEmpty, "seed \(seed): \(open.count) of \(acknowledged.count) jobs are still open")
        #expect(views.values.contains { $0.outcome == "accepted" }, "seed \(seed): no job was accepted")
        #expect(!interrupted.subtracting(["final"]).isEmpty, "seed \(seed): no kill found a job at work")
        let trust = try TrustFile(
            engines: [customer.engineKey],
            validators: [try DataFolder(path: data).key(.validator).verifyingKey],
            quorum: 1
        )
        for job in views.keys {
            let report = try await Audit.run(bundle: try await after.receipt(job: job), trust: trust)
            #expect(report.isAuthentic, "seed \(seed): \(report.verdict.checks.filter { $0.result == .fail })")
        }
        #expect(try await last.terminate(within: 5) == 0, "seed \(seed): \(last.errorText)")

        let store = try SQLiteLedgerStore(path: DataFolder(path: data).ledger)
        let report = try Fsck.run(store)
        #expect(report.isClean, "seed \(seed): \(report.checks.filter { !$0.passed })")
        #expect(try store.openHolds().isEmpty, "seed \(seed): something stays held")
        #expect(try store.accounts(owner: nil).reduce(0) { $0 + $1.balance } == 0, "seed \(seed)")
        var paid: Int64 = 0
        for job in acknowledged {
            let posts = try store.transfers(ofJob: job).filter { $0.kind == .post && $0.leg == "pay.provider" }
            #expect(posts.count == (views[job]?.outcome == "accepted" ? 1 : 0), "seed \(seed) job \(job)")
            paid += views[job]?.paid ?? 0
        }
        let payer = AccountID(currency: "credit", kind: .payer, owner: customer.key.verifyingKey.bytes)
        #expect(try store.account(payer)?.balance == 1_000_000_000 - paid, "seed \(seed)")
        #expect(try store.receiptCount() == acknowledged.count, "seed \(seed)")
        try store.close()
    }

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
        let view = try #require(try await ends(of: [job], client, seconds: 60)[job])
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
